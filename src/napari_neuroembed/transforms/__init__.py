"""What is fitted on embeddings afterwards."""
