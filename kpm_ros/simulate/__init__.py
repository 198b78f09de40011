"""A pianist made of score, hand, muscles and cameras. Its output is simulated, never people's."""
