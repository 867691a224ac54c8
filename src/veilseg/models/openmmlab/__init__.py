"""OpenMMLab's checkpoints read as our networks."""
