"""Which recordings somebody means."""

from __future__ import annotations

from collections.abc import Sequence

from napari_neuroembed.data.project import Project
from napari_neuroembed.errors import DataError


def chosen_ids(
    project: Project, recordings: Sequence[str] | None, animals: Sequence[str] | None
) -> list[str] | None:
    """Return the recordings of some animals; None when nothing was chosen.

    Raises
    ------
    DataError
        When there is no such animal.
    """
    if animals is None:
        return None if recordings is None else list(recordings)
    known = project.animals()
    missing = [a for a in animals if a not in known]
    if missing:
        raise DataError(
            f"There is no animal {', '.join(missing)} in this project. Known: "
            f"{', '.join(known)}. Import its recordings first."
        )
    wanted = recordings or project.recording_ids()
    return [r for r in wanted if project.recording(r).animal in animals]
