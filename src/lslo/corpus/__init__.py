"""Parallel corpora: where their sentences come from and how they lie on disk."""
