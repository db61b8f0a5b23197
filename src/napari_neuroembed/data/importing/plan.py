"""Many recordings at once: what was found, what is missing, what is in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from napari_neuroembed.data.importing import (
    ImportReport,
    import_recording,
    present_recording,
)
from napari_neuroembed.data.importing.request import ImportRequest
from napari_neuroembed.data.importing.thor import complete
from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.project.spec import Acceptance
from napari_neuroembed.errors import ConfigError, DataError
from napari_neuroembed.progress import Report, silent

if TYPE_CHECKING:
    from napari_neuroembed.data.project import Project

_DOUBTS = ("import.doubtful", "thor.behaviour", "thor.folder", "thor.sync")
Status = Literal["new", "present", "missing", "doubtful", "wrong"]


@dataclass(frozen=True)
class ImportPlan:
    """One recording that a table or a pattern names.

    Parameters
    ----------
    name
        Of the recording.
    request
        What would be imported: the streams that were found.
    status
        ``new``; ``present``: in the project already, nothing to do; ``missing``: a
        stream was not found; ``doubtful``: several files fit where one is needed;
        ``wrong``: a check refuses it.
    problems
        Why; ``import.missing`` and ``import.doubtful`` can be accepted.
    """

    name: str
    request: ImportRequest
    status: Status
    problems: tuple[Problem, ...] = ()

    @property
    def why(self) -> str:
        """All problems in one line."""
        return "; ".join(p.text for p in self.problems)


@dataclass(frozen=True)
class PlanResult:
    """What became of one plan: a report, or the reason why there is none."""

    plan: ImportPlan
    report: ImportReport | None = None
    error: str = ""

    @property
    def status(self) -> str:
        """``imported``, ``checked``, ``present`` or ``failed``."""
        if self.report is not None:
            return self.report.status
        return "failed" if self.error else "present"


def judge(
    project: Project, name: str, request: ImportRequest, problems: Sequence[Problem]
) -> ImportPlan:
    """Return the plan for one recording, knowing what the project has already."""
    request = complete(replace(request, findings=()))
    problems = [*problems, *request.findings]
    known = present_recording(project, replace(request, recording=name))
    if known is not None:
        return ImportPlan(known, request, "present")
    ids = [p.id for p in problems if p.severity == "error"]
    status: Status = "new"
    if any(i not in ("import.missing", *_DOUBTS) for i in ids):
        status = "wrong"
    elif "import.missing" in ids:
        status = "missing"
    elif ids:
        status = "doubtful"
    return ImportPlan(name, request, status, tuple(problems))


def run_plans(
    project: Project,
    plans: Sequence[ImportPlan],
    *,
    accepted: Sequence[Acceptance] = (),
    max_drift_ppm: float | None = None,
    dry_run: bool = False,
    report: Report = silent,
) -> list[PlanResult]:
    """Import what is new; one refused recording does not stop the others.

    Parameters
    ----------
    project
        Where to.
    plans
        From a table or a pattern.
    accepted
        Findings that somebody takes, for all recordings of this call.
    max_drift_ppm
        Largest drift between two clocks that is let pass.
    dry_run
        Only look: nothing is written.
    report
        Called once per recording.
    """
    results = []
    for done, plan in enumerate(plans):
        report("import", done, len(plans), plan.name)
        results.append(_run(project, plan, accepted, max_drift_ppm, dry_run))
    report("import", len(plans), len(plans))
    return results


def _run(
    project: Project,
    plan: ImportPlan,
    accepted: Sequence[Acceptance],
    max_drift_ppm: float | None,
    dry_run: bool,
) -> PlanResult:
    if plan.status == "present":
        return PlanResult(plan)
    try:
        found = import_recording(
            project,
            replace(plan.request, recording=plan.name, findings=plan.problems),
            accepted=accepted,
            max_drift_ppm=max_drift_ppm,
            dry_run=dry_run,
        )
    except (DataError, ConfigError) as error:
        return PlanResult(plan, error=str(error))
    return PlanResult(plan, report=found)


def summary(results: Sequence[PlanResult]) -> str:
    """Return counts for people: ``3 imported, 1 present, 1 failed``.

    Examples
    --------
    >>> summary([])
    'nothing to import'
    """
    counts: dict[str, int] = {}
    for result in results:
        counts[result.status] = counts.get(result.status, 0) + 1
    return ", ".join(f"{n} {status}" for status, n in counts.items()) or (
        "nothing to import"
    )
