"""The sheet on paper: what is said (`words.py`), what is on the page (`view.py`), how large (`size.py`), the page."""
