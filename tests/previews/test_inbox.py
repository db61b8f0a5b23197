"""Requests: what is refused, and which of several is worked on."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_neuroembed.api.preview_inbox import Inbox, Outbox, Request
from napari_neuroembed.jobs.preview_lines import ASKS, MAX_LINE_BYTES, NEWEST_WINS


@contextmanager
def open_inbox() -> Iterator[tuple[Inbox, io.BytesIO]]:
    """Give an inbox whose input stays open, and what it answers."""
    lines, to = os.pipe()
    out = io.BytesIO()
    with os.fdopen(lines, "rb") as ours, os.fdopen(to, "wb"):
        yield Inbox(ours, Outbox(out)), out


def answers(out: io.BytesIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def read_all(content: bytes) -> tuple[list[Request], list[dict[str, Any]]]:
    """Return what is queued at the end of an input, and what was answered."""
    out = io.BytesIO()
    inbox = Inbox(io.BytesIO(content), Outbox(out))
    requests = []
    while (request := inbox.next()) is not None:
        requests.append(request)
    return requests, answers(out)


@given(st.lists(st.sampled_from(["next", *ASKS]), max_size=60))
def test_the_newest_of_a_kind_wins_and_everybody_is_answered(steps: list[str]) -> None:
    waiting: list[int] = []  # the plain version: a list, searched from the front
    expected: list[int] = []
    taken: list[Any] = []
    with open_inbox() as (inbox, out):
        for number, step in enumerate(steps):
            if step == "next":
                if waiting:
                    request = inbox.next()
                    assert request is not None
                    assert request.id == waiting.pop(0)
                    taken.append(request.id)
                continue
            if step in NEWEST_WINS:
                old = [n for n in waiting if steps[n] == step]
                expected += old
                waiting = [n for n in waiting if n not in old]
            waiting.append(number)
            inbox.put(Request(number, step, {}))
        superseded = answers(out)
        assert [one["id"] for one in superseded] == expected
        assert {one["error"]["kind"] for one in superseded} <= {"superseded"}
        inbox.close()
        while (request := inbox.next()) is not None:
            taken.append(request.id)
        told = [one["id"] for one in answers(out)]
    everybody = [n for n, step in enumerate(steps) if step != "next"]
    assert sorted(told + taken) == everybody


def test_at_the_end_of_the_input_previews_stop_and_the_rest_is_answered() -> None:
    lines = [{"id": i, "ask": ask} for i, ask in enumerate(ASKS)]
    content = "\n".join(map(json.dumps, lines)).encode()
    requests, told = read_all(content)
    assert [request.ask for request in requests] == ["hello", "versions", "stop"]
    assert {one["error"]["kind"] for one in told} == {"stopped"}
    assert len(told) == len(NEWEST_WINS)


@pytest.mark.parametrize(
    ("line", "id_", "said"),
    [
        (b"{", None, "one JSON object in one line; this is none"),
        (b"\xff\xfe", None, "this is none"),
        (b"[" * 100_000, None, "this is none"),
        (b'{"id": 1, "ask": "augment", "seed": NaN}', None, "NaN is no JSON"),
        (b'{"id": ' + b"9" * 5000 + b"}", None, "this is none"),
        (b"[1, 2]", None, "found [1, 2]"),
        (b'{"ask": "hello"}', None, "has an `id`"),
        (b'{"id": true, "ask": "hello"}', None, "found True"),
        (b'{"id": "' + b"x" * 200 + b'", "ask": "hello"}', None, "up to 100 letters"),
        (b'{"id": 7, "ask": "train"}', 7, "one of hello, versions, preprocess"),
        (b'{"id": 7, "ask": {"a": 1}}', 7, "found {'a': 1}"),
        (b'{"id": 7}', 7, "found None"),
    ],
)
def test_what_is_no_request_is_refused_and_the_next_is_heard(
    line: bytes, id_: int | None, said: str
) -> None:
    requests, told = read_all(line + b'\n{"id": 8, "ask": "hello"}\n')
    assert [request.id for request in requests] == [8]
    (answer,) = told
    assert answer["id"] == id_
    assert answer["error"]["kind"] == "mistake"
    assert said in answer["error"]["message"]
    assert len(answer["error"]["message"]) < 400


@pytest.mark.parametrize("more", [1, MAX_LINE_BYTES, 3 * MAX_LINE_BYTES])
def test_a_line_over_a_megabyte_is_refused_without_being_kept(more: int) -> None:
    huge = b" " * (MAX_LINE_BYTES + more)
    requests, told = read_all(huge + b'\n{"id": 8, "ask": "hello"}\n')
    assert [request.id for request in requests] == [8]
    assert "at most 1,048,576 bytes" in told[0]["error"]["message"]


def test_the_longest_line_allowed_is_heard() -> None:
    line = b'{"id": 8, "ask": "hello"}'
    line = line.ljust(MAX_LINE_BYTES - 1) + b"\n"
    requests, told = read_all(line)
    assert len(line) == MAX_LINE_BYTES
    assert ([request.id for request in requests], told) == ([8], [])


def test_a_reader_that_is_gone_closes_the_outbox() -> None:
    out = io.BytesIO()
    outbox = Outbox(out)
    out.close()
    outbox.result(1, {})
    assert outbox.is_closed.is_set()
