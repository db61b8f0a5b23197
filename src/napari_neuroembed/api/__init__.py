"""What a scientist types: Project, Run, make_synthetic_project; thin, no logic."""

from napari_neuroembed.api.project import Project
from napari_neuroembed.api.run import Run
from napari_neuroembed.api.synthetic import make_synthetic_project, versions
from napari_neuroembed.errors import NeuroembedError

__all__ = ["NeuroembedError", "Project", "Run", "make_synthetic_project", "versions"]
