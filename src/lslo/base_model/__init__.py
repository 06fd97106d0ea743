"""Base models of the M2M-100 family: loading, tokenizing, and conversion from fairseq."""
