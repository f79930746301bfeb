"""How fast the service is, beside a bare stand-in of the same stack in the same run: `make bench`. See README.md."""
