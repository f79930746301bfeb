"""The WebSocket door: protocol without I/O, the hub that looks at the log, the socket that sends."""
