"""The pages: the board an officer works at in a browser. A door like the others; what it shows, the API shows."""
