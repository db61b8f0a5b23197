"""How the documentation is built: `make docs`."""

from importlib.metadata import version as version_of

project = "neuroembed"
author = "The neuroembed developers"
copyright = "The neuroembed developers"  # noqa: A001 - Sphinx asks for this name
release = version_of("napari-neuroembed")

extensions = ["myst_parser"]
myst_enable_extensions = ["amsmath", "dollarmath", "colon_fence"]
myst_heading_anchors = 3
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "neuroembed"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
