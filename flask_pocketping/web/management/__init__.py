"""The management API for PocketPing's public tools: the command line, and assistants that speak MCP."""
