"""Traces: request times and sizes recorded elsewhere, read, described, fitted, replayed."""
