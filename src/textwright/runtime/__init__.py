"""Ids to logits to predictions, with numpy and ONNX Runtime; torch, transformers and HTTP may not come in here."""
