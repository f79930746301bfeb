"""The WebSocket door: protocol without I/O, the socket that sends. The hub that looks at the log is in services/."""
