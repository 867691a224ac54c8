"""`veilseg bench`: how fast ciphers and models are on this machine."""
