"""One file format per file; what a format cannot hold is said in its report."""
