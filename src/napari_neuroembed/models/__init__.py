"""Encoders: window -> embedding."""
