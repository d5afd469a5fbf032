"""Routes of the back office: programs with an API key, and operators with a token."""
