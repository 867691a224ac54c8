"""The ciphers that a model can be encrypted for: one matrix for all blocks of a key."""
