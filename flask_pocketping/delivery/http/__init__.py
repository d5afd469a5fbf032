"""The guarded HTTP client: everything that the package requests from other servers goes through it."""
