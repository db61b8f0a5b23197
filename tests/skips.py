"""In CI a test skipped for a missing display or browser is a failed test."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

MUST_RUN = ("gui", "browser")
"""Markers of tests that the machine of CI must be able to run."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    marked = [name for name in MUST_RUN if item.get_closest_marker(name)]
    if report.skipped and marked and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"Skipped, but CI must run it: {report.longrepr}"
    return report
