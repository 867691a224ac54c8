"""From a torch model to ONNX: export, quantization, fused attention."""
