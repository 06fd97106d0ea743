"""The names of the files in a base model's folder.

This module imports nothing, so that a dry run, which asks for these names, starts at once.
"""

# The two files that every model in Hugging Face's form has.
MODEL_CONFIG = "config.json"
MODEL_WEIGHTS = "model.safetensors"
# The name that M2M-100 and NLLB tokenizers, and fairseq's archives, give their SentencePiece model.
SENTENCEPIECE_MODEL = "sentencepiece.bpe.model"
# The other files of a folder converted from fairseq, which lacks the `vocab.json` that transformers needs.
DICTIONARY = "dict.txt"
LANGUAGE_TOKENS = "language_tokens.json"
