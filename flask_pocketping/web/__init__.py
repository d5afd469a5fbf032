"""Everything that speaks HTTP and WebSocket: parse, find out who is calling, call `chat/`, answer."""
