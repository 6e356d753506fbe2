"""Micro-benchmarks of hot functions; the only place here that imports proxy."""
