"""Labelled time intervals."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bouts:
    """Labelled time intervals (replaced by the full class)."""
