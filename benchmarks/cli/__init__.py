"""The command line of the bench: words to options; the commands themselves are elsewhere."""
