"""Fuzzers: `python -m tests.fuzz --help`."""
