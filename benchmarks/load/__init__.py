"""Workloads: when requests are sent, how long they are, what they share; and what came of each."""
