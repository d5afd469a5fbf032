"""WebSockets and event streams: admission, handshake, and the takeover of the socket from the server."""
