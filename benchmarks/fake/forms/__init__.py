"""The wire shapes of generated answers, one module per API."""
