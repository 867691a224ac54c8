"""The ciphers compiled with numba, and what decides whether they run."""
