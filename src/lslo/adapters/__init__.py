"""Language-specific LoRA (Sections 3.1 and 6.1): layers, routing, placement, and adapter folders."""
