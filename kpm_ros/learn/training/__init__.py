"""Training: from recordings to a run folder with a model in it."""
