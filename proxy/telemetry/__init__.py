"""What is told to the outside: access lines, logs, metrics."""
