"""Any file with a byte changed, a piece missing or a number made large."""

from __future__ import annotations

import random

from tests.faults.hostile.tiff_mutants import Mutant

_WORDS = (b"\0" * 4, b"\xff" * 4, b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\xff" * 8)
_WORDS += (b"\0" * 8, b"\x7f" + b"\xff" * 7, b"9" * 12, b"-1", b"1e400")


def byte_mutants(content: bytes, n: int, seed: int) -> list[Mutant]:
    """Return `n` mutants of any content, the same for the same seed.

    Half of them change the first or the last kilobyte, where formats keep what they
    say of themselves.
    """
    rng = random.Random(seed)
    return [_mutant(content, rng, i) for i in range(n)]


def _mutant(content: bytes, rng: random.Random, number: int) -> Mutant:
    size = len(content)
    at = rng.randrange(size)
    if number % 2:
        near = rng.randrange(min(size, 1024))
        at = near if rng.random() < 0.5 else size - 1 - near
    kind = ("flip", "cut", "value", "flip")[number % 4]
    if kind == "cut":
        return Mutant(kind, f"first {at} bytes", lambda c: c[:at])
    if kind == "flip":
        bits = rng.choice((0xFF, 0x01, 0x80, 0x10, 0x20))
        name = f"byte {at} ^ {bits:x}"
        return Mutant(
            kind, name, lambda c: c[:at] + bytes([c[at] ^ bits]) + c[at + 1 :]
        )
    word = rng.choice(_WORDS)
    return Mutant(
        kind,
        f"{word!r} at byte {at}",
        lambda c: (c[:at] + word + c[at + len(word) :])[: len(c)],
    )
