"""Datasets of other tools into our folders: a reader for each format, one writer. Nothing is left out in silence."""
