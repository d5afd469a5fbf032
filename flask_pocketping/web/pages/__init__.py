"""Everything that is not JSON: the inbox's page, the assets of the widget and the inbox, and the widget's tag."""
