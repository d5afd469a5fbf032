"""Routes of the REST API, for programs with an API key and operators with a token."""
