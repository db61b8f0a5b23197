"""Normalisation, batches, the loop, checkpoints."""
