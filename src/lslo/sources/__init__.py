"""Files from elsewhere: the table of downloads, downloads, archives, models of the Hugging Face hub."""
