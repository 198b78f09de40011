"""Bags in and out, and what is computed from them."""
