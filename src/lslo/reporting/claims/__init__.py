"""The paper's claims, each checked against an experiment's own results."""
