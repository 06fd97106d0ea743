"""Translation of many directions at once, with beam search as fairseq scores it."""
