"""What is said beside the answers, with colours and progress. Only commands that do more than serve load it: it is 4
MB, and a server is there for months."""

from rich.console import Console

err = Console(stderr=True, highlight=False)
