"""The neuroembed dashboard, served in a browser."""
