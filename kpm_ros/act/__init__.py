"""Effort to commands: assistance, gestures, and the safety around both."""
