"""What is not JSON: the inbox's page, the assets of widget and inbox, and the widget's tag."""
