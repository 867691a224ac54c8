"""A trained reader of writing behind the sub-block ciphers: generator, features, network, training, rates."""
