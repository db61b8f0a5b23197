"""What must not matter: calcium decay, swapping, noise, pose changes."""
