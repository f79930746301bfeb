"""The contract in pydantic: what crosses a door, either way. No I/O, no framework, no database."""
