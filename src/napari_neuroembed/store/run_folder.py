"""A run folder: one training, its embeddings and evaluations, on disk."""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_neuroembed import files
from napari_neuroembed.errors import DataError, RunFolderError
from napari_neuroembed.leftovers import remove_folder
from napari_neuroembed.store.embedding_set import read_set
from napari_neuroembed.store.schema import (
    CONFIG,
    HISTORY,
    RUN,
    SCHEMA_VERSION,
    SPLITS,
)
from napari_neuroembed.store.tables import read_scores, read_table

__all__ = [
    "CONFIG",
    "HISTORY",
    "RUN",
    "SPLITS",
    "RunFolder",
    "check_name",
    "new_name",
]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
IMPORTED = "imported"
"""The `origin` of a run whose embedding was made elsewhere: it has no model."""
STATUSES = ("created", "running", "finished", "stopped", "failed")


def new_name() -> str:
    """Return a name for a run: the time and four digits."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return f"{stamp}-{secrets.token_hex(2)}"


class RunFolder:
    """One training on disk.

    Parameters
    ----------
    path
        The folder; use :meth:`create` or :meth:`open`.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.name = self.path.name

    @classmethod
    def create(
        cls,
        runs: Path,
        name: str | None,
        facts: Mapping[str, Any],
        config_text: str = "",
    ) -> RunFolder:
        """Make a new run folder, whole or not at all.

        Parameters
        ----------
        runs
            Folder of all runs.
        name
            Its name; default :func:`new_name`.
        facts
            Entries of ``run.json``.
        config_text
            Content of ``config.yaml``.

        Raises
        ------
        RunFolderError
            When a run of that name exists, or it is no name.
        """
        name = new_name() if name is None else name
        check_name("Run", name)
        run = cls(runs / name)
        about = {
            "schema_version": SCHEMA_VERSION,
            "name": name,
            "status": "created",
            "created_utc": files.utc_now(),
            **facts,
        }
        files.recover_inside(runs)
        try:
            with files.new_folder(run.path) as build:
                files.write_json(build / RUN, about)
                files.write_text(build / CONFIG, config_text)
        except FileExistsError:
            raise RunFolderError(
                f"Run {name!r} exists in {runs}. Choose another --run name, or go on "
                "with it by --resume."
            ) from None
        return run

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Open an existing run folder.

        Raises
        ------
        RunFolderError
            When it is missing, no run folder, or of a newer version.
        """
        path = Path(path)
        if not (path / RUN).is_file():
            if path.is_dir():
                raise RunFolderError(
                    f"{path} is not a run of neuroembed: it has no {RUN}."
                )
            known = sorted(p.parent.name for p in path.parent.glob(f"[!.]*/{RUN}"))
            raise RunFolderError(
                f"There is no run {path.name!r} in {path.parent}. Known runs: "
                f"{', '.join(known) or 'none; train one first'}."
            )
        run = cls(path)
        info = run.info()
        version = info.get("schema_version")
        if not isinstance(version, int) or version > SCHEMA_VERSION:
            raise RunFolderError(
                f"{path / RUN} has schema_version {version!r}; this version reads up "
                f"to {SCHEMA_VERSION}. Update napari-neuroembed."
            )
        if info.get("status") not in STATUSES:
            raise RunFolderError(
                f"{path / RUN} has the status {info.get('status')!r}; expected one of "
                f"{', '.join(STATUSES)}. Restore it from a backup."
            )
        return run

    def info(self) -> dict[str, Any]:
        """Return ``run.json``.

        Raises
        ------
        RunFolderError
            When it is damaged or of another program.
        """
        try:
            content = files.read_json(self.path / RUN)
        except DataError as error:
            raise RunFolderError(str(error)) from error
        if not isinstance(content, dict) or "name" not in content:
            raise RunFolderError(f"{self.path / RUN} is not a run of neuroembed.")
        return content

    @property
    def is_imported(self) -> bool:
        """Whether its embedding was made elsewhere, so that there is no encoder."""
        return bool(self.info().get("origin") == IMPORTED)

    def refuse_imported(self, wanted: str) -> None:
        """Refuse what needs an encoder when this run has none.

        Raises
        ------
        RunFolderError
            Saying what to do instead.
        """
        if self.is_imported:
            raise RunFolderError(
                f"Run {self.name!r} holds an embedding that was made elsewhere. It has "
                f"no encoder, so {wanted} is not possible; neuroembed evaluate is. "
                "Train a run with neuroembed train, or import the embedding of the "
                "other recordings as well."
            )

    def discard(self) -> None:
        """Remove a run that was refused before its first step; others are kept."""
        if not self.checkpoints.exists():
            with contextlib.suppress(OSError):
                remove_folder(self.path)

    def update(self, **facts: Any) -> None:
        """Change entries of ``run.json``."""
        files.write_json(self.path / RUN, self.info() | facts)

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoints"

    def write_splits(self, values: Mapping[str, Any]) -> None:
        """Write ``splits.json``."""
        files.write_json(self.path / SPLITS, dict(values))

    def splits(self) -> dict[str, Any]:
        """Read ``splits.json``."""
        return dict(files.read_json(self.path / SPLITS))

    def write_embeddings(
        self,
        set_name: str,
        windows: pd.DataFrame,
        arrays: Mapping[str, NDArray[np.float32]],
        facts: Mapping[str, Any],
        *,
        tables: Mapping[str, pd.DataFrame] | None = None,
        replace: bool = False,
    ) -> Path:
        """Write one set of embeddings: row i of every array is row i of the windows.

        `tables` are kept beside them, by name.

        Raises
        ------
        RunFolderError
            When the row counts differ, or the set exists and `replace` is False.
        """
        self.check_free(set_name, replace=replace)
        wrong = {n: len(a) for n, a in arrays.items() if len(a) != len(windows)}
        if wrong:
            raise RunFolderError(
                f"Set {set_name!r}: {len(windows)} windows but rows {wrong}."
            )
        target = self.path / "embeddings" / set_name
        files.recover_inside(target.parent)
        try:
            with files.write_folder(target, replace=replace) as build:
                windows.to_parquet(build / "windows.parquet", index=False)
                for name, table in (tables or {}).items():
                    table.to_parquet(build / f"{name}.parquet", index=False)
                for name, array in arrays.items():
                    np.save(build / f"{name}.npy", array, allow_pickle=False)
                files.write_json(
                    build / "embedding.json",
                    {"schema_version": SCHEMA_VERSION, "set": set_name, **facts},
                )
        except FileExistsError:
            self.check_free(set_name)
        return target

    def check_free(self, set_name: str, *, replace: bool = False) -> None:
        """Refuse the name of a set of embeddings that exists, or is no name.

        Raises
        ------
        RunFolderError
            Saying how to go on.
        """
        check_name("Set", set_name)
        if not replace and (self.path / "embeddings" / set_name).exists():
            raise RunFolderError(
                f"Run {self.name!r} has a set {set_name!r}. Choose another --set-name, "
                "or give --replace to make it again."
            )

    def read_embedding(
        self, stream: str, set_name: str = "eval"
    ) -> tuple[pd.DataFrame, NDArray[np.float32]]:
        """Return the window table and the embedding of one stream.

        Returns
        -------
        windows, embedding
            The array is memory-mapped, shape (n_windows, dim).

        Raises
        ------
        RunFolderError
            When the set or stream is missing, or rows do not match.
        """
        folder = self.path / "embeddings" / set_name
        files.settle(folder)
        if not folder.is_dir():
            raise RunFolderError(
                f"Run {self.name!r} has no embeddings {set_name!r}. Known sets: "
                f"{', '.join(self.embedding_sets()) or 'none'}. Make them with "
                f"neuroembed embed."
            )
        with files.unchanged(folder):
            return read_set(folder, stream)

    def embedding_facts(self, set_name: str = "eval") -> dict[str, Any]:
        """Return what ``embedding.json`` of a set says; raises as `read_embedding`."""
        folder = self.path / "embeddings" / set_name
        if not (folder / "embedding.json").is_file():
            raise RunFolderError(
                f"Run {self.name!r} has no embeddings {set_name!r}. Known sets: "
                f"{', '.join(self.embedding_sets()) or 'none'}."
            )
        return dict(files.read_json(folder / "embedding.json"))

    def embedding_sets(self) -> list[str]:
        """Return the names of the embedding sets."""
        return sorted(p.name for p in (self.path / "embeddings").glob("[!.]*"))

    def embedding_streams(self, set_name: str = "eval") -> list[str]:
        """Return the streams embedded in a set."""
        folder = self.path / "embeddings" / set_name
        return sorted(p.stem for p in folder.glob("*.npy"))

    def check_evaluation(self, name: str) -> None:
        """Refuse the name of an evaluation (RunFolderError) that exists, or is none."""
        check_name("Evaluation", name)
        if (self.path / "evaluation" / name).exists():
            raise self._evaluated_already(name)

    def write_evaluation(
        self,
        name: str | None,
        config_text: str,
        bouts: pd.DataFrame,
        tables: Mapping[str, pd.DataFrame],
        scores: pd.DataFrame,
    ) -> Path:
        """Write one evaluation and point ``latest.json`` at it."""
        if name is None:
            name = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")[:-3]
        target = self.path / "evaluation" / name
        files.recover_inside(target.parent)
        self.check_evaluation(name)
        try:
            with files.write_folder(target, replace=False) as build:
                (build / "config.yaml").write_text(config_text, encoding="utf-8")
                bouts.to_parquet(build / "bouts.parquet", index=False)
                for table, content in tables.items():
                    content.to_parquet(build / f"{table}.parquet", index=False)
                scores.to_csv(build / "scores.csv", index=False)
        except FileExistsError:
            raise self._evaluated_already(name) from None
        files.write_json(target.parent / "latest.json", {"name": name})
        return target

    def scores(self, name: str | None = None) -> pd.DataFrame:
        """Return the scores of an evaluation, by default the latest.

        Raises
        ------
        RunFolderError
            When the run was never evaluated.
        """
        return read_scores(self.evaluation_folder(name) / "scores.csv")

    def predictions(self, name: str | None = None) -> pd.DataFrame:
        """Return the predictions of an evaluation, by default the latest."""
        return read_table(self.evaluation_folder(name) / "predictions.parquet")

    def _evaluated_already(self, name: str) -> RunFolderError:
        return RunFolderError(
            f"Evaluation {name!r} of run {self.name!r} exists. Choose another --name; "
            "evaluations are never overwritten."
        )

    def evaluation_folder(self, name: str | None) -> Path:
        """Return the folder of an evaluation, by default the latest."""
        parent = self.path / "evaluation"
        if name is None:
            if not (parent / "latest.json").is_file():
                raise RunFolderError(
                    f"Run {self.name!r} has no evaluation. Make one with "
                    f"neuroembed evaluate PROJECT {self.name}."
                )
            name = str(files.read_json(parent / "latest.json")["name"])
        files.check_folder(parent / name)
        return parent / name


def check_name(what: str, name: str) -> None:
    """Refuse a name that could be a path or hide a file.

    Raises
    ------
    RunFolderError
        Saying which names are allowed.
    """
    if not NAME.fullmatch(name):
        raise RunFolderError(
            f"{what} name {name!r}: use letters, digits, '_', '-' and '.', at most 64, "
            "beginning with a letter or digit."
        )
