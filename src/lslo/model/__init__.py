"""Base models and the language-specific LoRA modules put into them."""
