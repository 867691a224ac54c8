"""The demo: the main job end to end, and a page with pictures."""
