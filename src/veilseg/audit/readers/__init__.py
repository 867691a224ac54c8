"""Trained readers of writing behind the sub-block ciphers: generator, features, networks, training, scoring."""
