"""Figures: CPU by schedstat, latency histograms, paired comparisons."""
