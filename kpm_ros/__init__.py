"""Muscle effort of a pianist's hand at 2 kHz, from cameras and piano keys."""

__version__ = "0.1.0"
