"""Where things lie in a project folder."""

from __future__ import annotations

from pathlib import Path

ANNOTATIONS_FILE = "annotations.sqlite"


class ProjectFolders:
    """The places in a project folder; `path` is the folder itself."""

    @property
    def path(self) -> Path:
        """The project folder."""
        raise NotImplementedError

    @property
    def derived_root(self) -> Path:
        """Folder of all prepared recordings."""
        return self.path / "derived"

    @property
    def jobs_folder(self) -> Path:
        """Folder of the jobs."""
        return self.path / "jobs"

    @property
    def runs_folder(self) -> Path:
        """Folder of the runs."""
        return self.path / "runs"

    @property
    def compare_folder(self) -> Path:
        """Folder of the tables over many runs."""
        return self.path / "compare"

    @property
    def annotations_path(self) -> Path:
        """The database of the bouts."""
        return self.path / ANNOTATIONS_FILE
