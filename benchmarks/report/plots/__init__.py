"""Plots of a record as SVG, written by hand: no library, no script, no network."""
