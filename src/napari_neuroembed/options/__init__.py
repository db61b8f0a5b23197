"""What can be chosen: frozen, checked options, one file per package."""
