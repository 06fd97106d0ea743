"""Jobs and processes: logs, progress, signals, GPUs, process groups, SLURM."""
