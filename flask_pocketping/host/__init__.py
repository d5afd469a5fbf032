"""The host app and the server around it: its functions, folders, processes and the extensions beside ours."""
