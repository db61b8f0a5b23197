"""What we have: recordings, projects, bouts, windows."""
