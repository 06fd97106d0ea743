"""What an experiment asks for: its configuration, languages, settings and paths; imports no PyTorch."""
