"""How any program talks to the service: over the wire only. Logins, feed, notes that wait."""
