"""Probes on frozen embeddings: actions, decoding, identity leakage."""
