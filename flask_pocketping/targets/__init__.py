"""Targets of deliveries: where events go outside the app. `delivery/` makes the deliveries."""
