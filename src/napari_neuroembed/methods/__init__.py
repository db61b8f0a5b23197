"""One readable file per published method."""
