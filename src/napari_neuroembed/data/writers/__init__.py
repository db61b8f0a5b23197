"""One file format per file, the other way round."""
