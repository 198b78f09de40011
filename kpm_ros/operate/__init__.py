"""Running the whole pipeline: supervision, the demo and its dashboard."""
