"""Data sets, training, baselines and metrics."""
