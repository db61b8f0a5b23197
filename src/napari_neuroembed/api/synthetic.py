"""A project of synthetic animals, through real files and the real import."""

from __future__ import annotations

from pathlib import Path

import torch

from napari_neuroembed.api.project import Project
from napari_neuroembed.data.importing.plan import run_plans
from napari_neuroembed.data.importing.table import plan_table
from napari_neuroembed.data.synthetic.files import write_twin
from napari_neuroembed.errors import (
    DataError,
    raise_all,
)
from napari_neuroembed.options.synthetic import SyntheticOptions
from napari_neuroembed.progress import Report, silent


def make_synthetic_project(
    path: str | Path,
    *,
    n_animals: int = 4,
    seed: int = 0,
    options: SyntheticOptions | None = None,
    report: Report = silent,
) -> Project:
    """Make a project of synthetic animals, through real files and the real import.

    Parameters
    ----------
    path
        Folder to make; must not hold a project yet.
    n_animals, seed
        The two options most often changed.
    options
        All options of the generator, instead of the two.
    report
        Told about every recording.

    Returns
    -------
    Project
        Imported, not yet pre-processed, with preset ``twin``.
    """
    options = options or SyntheticOptions(n_animals=n_animals, seed=seed)
    project = Project.create(Path(path), preset="twin")
    project.set_preprocessing(
        {"dff.offset": float(options.offset), "resize.height": 16, "resize.width": 16}
    )
    source = write_twin(project.path, options, report=report)
    plans = plan_table(project, source / "recordings.csv")
    results = run_plans(project, plans, report=report)
    failed = [
        f"{result.plan.name}: {result.error}" for result in results if result.error
    ]
    raise_all(failed, DataError, str(project.path))
    return project


def versions() -> dict[str, str]:
    """Return the versions a bug report needs.

    Examples
    --------
    >>> {"python", "torch", "device"} <= set(versions())
    True
    """
    import platform
    from importlib.metadata import version

    names = (
        "napari-neuroembed",
        "torch",
        "numpy",
        "pandas",
        "tifffile",
        "av",
        "napari",
    )
    found = {name: version(name) for name in names}
    return {
        "python": platform.python_version(),
        **found,
        "device": "cuda" if torch.cuda.is_available() else "cpu",
    }
