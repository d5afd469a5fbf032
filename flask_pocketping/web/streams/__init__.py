"""WebSockets and event streams: admission, the handshake, and taking over the socket from the web server."""
