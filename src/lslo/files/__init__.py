"""Files that appear whole or not at all: atomic writes, checksums, locks, tables."""
