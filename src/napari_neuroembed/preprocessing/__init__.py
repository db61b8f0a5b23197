"""How raw becomes comparable: registration, dF/F, resize, pose."""
