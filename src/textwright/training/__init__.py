"""Training: encoded batches, the one loop, checkpoints, TensorBoard. Families bring the module, nothing else."""
