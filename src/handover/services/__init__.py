"""One function, one sentence, one transaction: what every door calls."""
