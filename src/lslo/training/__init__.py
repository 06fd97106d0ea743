"""One update loop for every recipe: batches, loss, gradients, pruning masks, saved states."""
