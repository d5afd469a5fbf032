"""The HTTP and WebSocket routes. A route parses its input, identifies the caller, calls `chat/` and responds."""
