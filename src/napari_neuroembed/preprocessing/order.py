"""Which recording can be prepared next: an animal's first one goes before its others.

The others are moved onto the template of the first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence


def firsts_of(animals: Mapping[str, str]) -> dict[str, str]:
    """Return the first recording of each recording's animal.

    Parameters
    ----------
    animals
        Recording -> animal, in the order of the project.

    Examples
    --------
    >>> firsts_of({"a1": "a", "b1": "b", "a2": "a"})
    {'a1': 'a1', 'b1': 'b1', 'a2': 'a1'}
    """
    first: dict[str, str] = {}
    return {name: first.setdefault(animal, name) for name, animal in animals.items()}


def select(
    ids: Sequence[str], firsts: Mapping[str, str], is_current: Callable[[str], bool]
) -> list[str]:
    """Return what must be looked at: what is out of date, and what may become so.

    A recording follows the template of its animal's first one, which may change when
    that is made again.
    """
    old = {name for name in ids if not is_current(name)}
    return [name for name in ids if name in old or firsts[name] in old]


class Order:
    """Hands out recordings; thread-free, one owner.

    Parameters
    ----------
    names
        What is to be done.
    firsts
        First recording of each one's animal.

    Examples
    --------
    >>> order = Order(["a2", "a1", "b2"], {"a1": "a1", "a2": "a1", "b2": "b1"})
    >>> order.take(), order.take(), order.take()
    ('a1', 'b2', None)
    >>> order.finish("a1")
    >>> order.take()
    'a2'
    """

    def __init__(self, names: Sequence[str], firsts: Mapping[str, str]) -> None:
        given = set(names)
        self._waiting: dict[str, list[str]] = {}
        self._ready: deque[str] = deque()
        for name in names:
            first = firsts[name]
            if first != name and first in given:
                self._waiting.setdefault(first, []).append(name)
            else:
                self._ready.append(name)
        self.n, self.n_done = len(names), 0
        self._ready = deque(sorted(self._ready, key=self._is_alone))

    def take(self) -> str | None:
        """Return the next recording, None while none can be begun."""
        return self._ready.popleft() if self._ready else None

    def finish(self, name: str) -> None:
        """Let go of those that waited for a recording, made or not."""
        self.n_done += 1
        self._ready.extend(self._waiting.pop(name, []))

    @property
    def place(self) -> tuple[int, int]:
        """How many are done, of how many."""
        return self.n_done, self.n

    def _is_alone(self, name: str) -> bool:
        return name not in self._waiting
