"""Routes that are not JSON: the page of the inbox and the assets. Also the template function for the widget's tag."""
