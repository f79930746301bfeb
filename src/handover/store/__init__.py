"""Tables and every SQL statement. Decides nothing; whoever asks is a query's first argument."""
