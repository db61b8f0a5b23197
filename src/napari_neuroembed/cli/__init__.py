"""The `neuroembed` command."""
