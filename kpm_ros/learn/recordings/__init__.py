"""Recordings on disk, the published ones and simulated ones alike."""
