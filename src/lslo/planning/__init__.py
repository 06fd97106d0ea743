"""What a configuration will cost, by arithmetic, and how close that was once it has run."""
