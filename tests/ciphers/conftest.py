"""Properties run without a deadline: the first example loads the kernels, and a busy machine is no error."""

from hypothesis import settings

settings.register_profile("ciphers", deadline=None, max_examples=40)
settings.load_profile("ciphers")
