"""The trainings: weight learning, subspace estimation, fine-tuning, and the demo's pretraining."""
