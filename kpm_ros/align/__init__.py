"""Streams of different rates onto one time grid."""
