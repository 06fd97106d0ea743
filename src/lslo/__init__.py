"""Language-specific LoRA (LSLo) for multilingual translation models."""
