"""Routes of the visitor API: what a chat widget calls, with a handle."""
