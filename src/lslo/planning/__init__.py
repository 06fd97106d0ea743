"""The plan of a configuration: its costs by arithmetic and, once it has run, how close they were."""
