"""Targets, which send events to services outside of the app. `delivery/` makes the deliveries."""
