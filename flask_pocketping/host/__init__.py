"""The host app and its server: the host's functions, folders, processes and other extensions."""
