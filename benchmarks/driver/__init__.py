"""Load: raw clients that stamp every chunk, and the processes under test."""
