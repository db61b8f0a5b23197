"""``python -m napari_neuroembed`` is the command ``neuroembed``."""

from napari_neuroembed.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
