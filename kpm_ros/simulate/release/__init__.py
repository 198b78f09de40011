"""Simulated performances on disk, in the layout of the published PianoKPM data set."""
