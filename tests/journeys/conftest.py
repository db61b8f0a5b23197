"""Projects that several journeys begin with; none of them alters it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.journeys.command import done

from napari_neuroembed.data.synthetic.files import write_twin
from napari_neuroembed.options.synthetic import SyntheticOptions


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write raw files of 3 synthetic animals, 6 recordings of 12 s each."""
    options = SyntheticOptions(
        n_animals=3, n_recordings=6, duration_s=12.0, image_size=64, seed=3
    )
    return write_twin(tmp_path_factory.mktemp("lab"), options)


@pytest.fixture(scope="session")
def flies(lab: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Import and pre-process them."""
    project = tmp_path_factory.mktemp("projects") / "flies"
    done("import", project, "--table", lab / "recordings.csv", "--preset", "quick")
    done("preprocess", project)
    return project
