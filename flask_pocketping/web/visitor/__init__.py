"""Routes of the visitor API, which the chat widget calls with a handle."""
