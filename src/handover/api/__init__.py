"""The HTTP door: an endpoint is a few lines onto a service."""
