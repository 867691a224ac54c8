"""Encrypting a model with a key: of our own networks, of timm and transformers, and of ONNX files."""
