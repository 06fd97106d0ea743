"""An experiment: its configuration, languages, settings and paths. Nothing here imports PyTorch."""
