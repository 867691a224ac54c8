"""The ciphers that work inside sub-blocks: shuffle, sort, quartiles, mosaic."""
