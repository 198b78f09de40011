"""Grid samples to muscle effort: the network, its streaming evaluation, the 2 kHz output."""
