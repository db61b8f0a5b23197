"""Embeddings of neural activity that say what the animal does, not which it is."""
