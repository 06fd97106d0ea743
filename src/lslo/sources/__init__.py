"""Files from elsewhere: their table, downloads, archives, and models of the Hugging Face hub."""
