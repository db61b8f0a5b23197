"""The project folder: which recordings there are, and how to open them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.project import fingerprints
from napari_neuroembed.data.project.acceptance import (
    accepted_ids,
    check_acceptances,
    merge_accepted,
    refuse_with_option,
)
from napari_neuroembed.data.project.covariates import covariate_table
from napari_neuroembed.data.project.file import PROJECT_FILE, ProjectFile
from napari_neuroembed.data.project.folders import ProjectFolders
from napari_neuroembed.data.project.opening import Opened, open_recording
from napari_neuroembed.data.project.preprocessing import (
    preprocessing_of,
    with_preprocessing,
)
from napari_neuroembed.data.project.roots import Roots
from napari_neuroembed.data.project.source_records import (
    changed_sources,
    sources_of,
    take_records,
)
from napari_neuroembed.data.project.spec import (
    Acceptance,
    ProjectSpec,
    RecordingSpec,
)
from napari_neuroembed.data.recording import Recording
from napari_neuroembed.errors import DataError
from napari_neuroembed.files import settle

if TYPE_CHECKING:
    import pandas as pd

    from napari_neuroembed.data.annotations.store import AnnotationStore
    from napari_neuroembed.options.preprocessing import PreprocessingOptions


class Project(ProjectFolders):
    """A folder with project.yaml, and all that is made from it.

    Use :meth:`create` or :meth:`open`.

    Parameters
    ----------
    file
        The loaded project.yaml.
    roots
        Where this machine keeps the data.
    """

    def __init__(self, file: ProjectFile, roots: Roots) -> None:
        self._file = file
        self.roots = roots

    @classmethod
    def create(
        cls, path: str | Path, *, name: str | None = None, preset: str = "1 hour"
    ) -> Self:
        """Make a project folder with an empty project.yaml.

        Parameters
        ----------
        path
            The folder; made when missing.
        name
            Of the project; the folder's name when not given.
        preset
            ``twin``, ``quick``, ``paper`` or a time budget.

        Raises
        ------
        DataError
            When there is a project already.
        """
        folder = Path(path).resolve()
        spec = ProjectSpec(name=name or folder.name, preset=preset)
        return cls(ProjectFile.create(folder, spec), Roots.load(folder))

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open an existing project folder.

        Raises
        ------
        DataError
            When there is no project.yaml in it.
        ConfigError
            When project.yaml or roots.local.yaml is wrong.
        """
        folder = Path(path).resolve()
        return cls(ProjectFile.load(folder), Roots.load(folder))

    @classmethod
    def draft(cls, path: str | Path, *, preset: str = "1 hour") -> Self:
        """Return the project of a folder, or one that the first save will make.

        Nothing is written.
        """
        folder = Path(path).resolve()
        if (folder / PROJECT_FILE).exists():
            return cls.open(folder)
        spec = ProjectSpec(name=folder.name, preset=preset)
        return cls(ProjectFile(folder, spec, None), Roots.load(folder))

    @property
    def path(self) -> Path:
        """The project folder."""
        return self._file.folder

    @property
    def spec(self) -> ProjectSpec:
        """The content of project.yaml."""
        return self._file.spec

    @spec.setter
    def spec(self, spec: ProjectSpec) -> None:
        self._file.spec = spec

    def derived_folder(self, recording: str) -> Path:
        """Return the folder of one prepared recording."""
        return self.derived_root / self.recording(recording).id

    def recording_ids(self) -> tuple[str, ...]:
        """Return the names of all recordings, in the order of project.yaml."""
        return tuple(recording.id for recording in self.spec.recordings)

    def animals(self) -> tuple[str, ...]:
        """Return the names of all animals, in order of appearance."""
        return tuple(dict.fromkeys(r.animal for r in self.spec.recordings))

    def recording(self, recording: str) -> RecordingSpec:
        """Return what project.yaml says about one recording.

        Raises
        ------
        DataError
            When there is none of that name, listing those there are.
        """
        for found in self.spec.recordings:
            if found.id == recording:
                return found
        known = ", ".join(self.recording_ids()) or "none yet; see neuroembed import"
        raise DataError(
            f"There is no recording {recording!r} in {self.path}. Known: {known}."
        )

    def accepted(self, recording: str) -> frozenset[str]:
        """Return the checks that were accepted for a recording."""
        return accepted_ids(self.spec.accepted, recording)

    def preprocessing(self) -> PreprocessingOptions:
        """Return the options of pre-processing.

        Raises
        ------
        ConfigError
            Naming what is wrong in that part of project.yaml.
        """
        return preprocessing_of(self.spec)

    def set_preprocessing(self, changes: Mapping[str, Any]) -> None:
        """Change options of pre-processing and save project.yaml.

        Parameters
        ----------
        changes
            Dotted path (``dff.window_frames``) -> value.

        Raises
        ------
        ConfigError
            When a path is no option or a value is wrong; nothing is written.
        """
        before = self.spec
        self.spec = with_preprocessing(before, changes)
        self._save_or_restore(before)

    def covariates(self) -> pd.DataFrame:
        """Return a row per recording: its name, its animal, its covariates."""
        return covariate_table(self.spec.recordings)

    def annotations(
        self, *, app: str = "python", read_only: bool = False
    ) -> AnnotationStore:
        """Open the bouts of all raters; a context manager."""
        from napari_neuroembed.data.annotations.store import AnnotationStore

        return AnnotationStore.open(self.annotations_path, app=app, read_only=read_only)

    def opened(self, recording: str) -> Opened:
        """Open the streams of a recording with all findings, none of them judged.

        Raises
        ------
        DataError
            When a file is missing or refused by its reader.
        """
        spec = self.recording(recording)
        opened = open_recording(
            spec,
            self.roots,
            accept=self.accepted(recording),
            max_drift_ppm=self.spec.max_drift_ppm,
        )
        opened.problems += changed_sources(spec, self.roots, self.records())
        return opened

    def raw(
        self, recording: str, *, raters: Collection[str] | None = None
    ) -> Recording:
        """Open a recording from its sources, lazily, on one clock, with its bouts.

        Parameters
        ----------
        recording
            Its name.
        raters
            Whose bouts to take; needed when raters disagree.

        Raises
        ------
        DataError
            Listing every unaccepted error: files that changed since import, clocks
            that cannot be right, what the readers refuse.
        """
        plain = self.raw_streams(recording)
        return self._complete(plain, self.recording(recording), raters)

    def raw_streams(self, recording: str) -> Recording:
        """Open a recording as :meth:`raw` does, without bouts and covariates."""
        spec = self.recording(recording)
        opened = self.opened(recording)
        refuse_with_option(
            opened.problems, f"Recording {recording!r}", self.accepted(recording)
        )
        return Recording(id=spec.id, animal=spec.animal, streams=opened.streams)

    def prepared(
        self, recording: str, *, raters: Collection[str] | None = None
    ) -> Recording:
        """Open the prepared form of a recording, with its bouts and covariates.

        Raises
        ------
        DataError
            When it was not pre-processed, or sources, rates, sync or options have
            changed since (`derived.out_of_date`).
        """
        from napari_neuroembed.data.derived import read_derived
        from napari_neuroembed.data.project.derived_state import derived_problems

        spec = self.recording(recording)
        settle(self.derived_folder(recording))
        problems = derived_problems(self, recording)
        refuse_with_option(
            [replace(p, severity="error") for p in problems],
            "Pre-processed data",
            self.accepted(recording),
        )
        folder = self.derived_folder(recording)
        plain = read_derived(folder, id=spec.id, animal=spec.animal)
        return self._complete(plain, spec, raters)

    def records(self) -> fingerprints.Records:
        """Return the fingerprints of all sources."""
        return fingerprints.load_records(self.path)

    def records_of(self, recording: str) -> dict[str, list[fingerprints.Fingerprint]]:
        """Return the fingerprints of one recording, taken now where there are none.

        Raises
        ------
        DataError
            When a file that has none is missing.
        """
        spec = self.recording(recording)
        records = self.records()
        known = records.get(recording, {})
        if set(sources_of(spec)) <= set(known):
            return known
        records[recording] = {**take_records(spec, self.roots), **known}
        fingerprints.save_records(self.path, records)
        return records[recording]

    def add(
        self, recording: RecordingSpec, *, accepted: Iterable[Acceptance] = ()
    ) -> None:
        """Add a recording and take the fingerprints of its files; saves project.yaml.

        Raises
        ------
        DataError
            When the name is taken, a file is missing, or project.yaml was changed by
            somebody else since it was loaded.
        """
        if recording.id in self.recording_ids():
            raise DataError(
                f"There is a recording {recording.id!r} in {self.path}. Choose another "
                "name with --recording."
            )
        taken = take_records(recording, self.roots)
        before = self.spec
        self.spec = replace(
            before,
            recordings=(*before.recordings, recording),
            accepted=merge_accepted(before.accepted, accepted),
        )
        self._save_or_restore(before)
        fingerprints.save_records(self.path, {**self.records(), recording.id: taken})

    def remove(self, recording: str) -> None:
        """Take a recording out of project.yaml; its files and labels stay."""
        self.recording(recording)
        before = self.spec
        kept = tuple(r for r in before.recordings if r.id != recording)
        self.spec = replace(before, recordings=kept)
        self._save_or_restore(before)
        records = self.records()
        records.pop(recording, None)
        fingerprints.save_records(self.path, records)

    def accept(self, accepted: Iterable[Acceptance]) -> None:
        """Keep in project.yaml what somebody accepts, with the reason; saves it.

        Accepting ``source.changed`` also takes the fingerprints anew.

        Raises
        ------
        DataError
            When a reason is missing or the check needs an answer instead.
        """
        new = tuple(accepted)
        check_acceptances(new)
        before = self.spec
        self.spec = replace(before, accepted=merge_accepted(before.accepted, new))
        self._save_or_restore(before)
        records = self.records()
        for recording in self.spec.recordings:
            if "source.changed" in accepted_ids(new, recording.id):
                records[recording.id] = take_records(recording, self.roots)
        fingerprints.save_records(self.path, records)

    def save(self) -> None:
        """Write project.yaml.

        Raises
        ------
        DataError
            When it was changed by somebody else since it was loaded; the difference
            is shown and nothing is written.
        """
        self._file.save()

    def provenance(self, recording: str) -> dict[str, Any]:
        """Return what derived data must be made from to be up to date.

        ``sources`` holds by stream the hash of every file and how it is read and
        timed; ``files`` where they were; ``accepted`` what was taken in spite of a
        refusal.
        """
        from napari_neuroembed.data.project.derived_state import provenance_of

        return provenance_of(self, recording)

    def problems(self, recording: str) -> list[Problem]:
        """Return all findings of one recording, accepted ones included."""
        try:
            return self.opened(recording).problems
        except DataError as error:
            return [Problem("recording.open", "error", str(error), recording)]

    def _complete(
        self, plain: Recording, spec: RecordingSpec, raters: Collection[str] | None
    ) -> Recording:
        bouts = None
        if self.annotations_path.exists():
            with self.annotations(read_only=True) as store:
                chosen = None if raters is None else tuple(raters)
                bouts = store.recording_bouts(spec.id, raters=chosen)
        return replace(plain, bouts=bouts, covariates=dict(spec.covariates))

    def _save_or_restore(self, before: ProjectSpec) -> None:
        try:
            self.save()
        except DataError:
            self.spec = before
            raise
