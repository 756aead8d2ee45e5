"""The report of the RAS service inside a running NCCL or RCCL job: which communicators miss ranks.

A communicator may be RUNNING and INCOMPLETE at the same time: some of its processes do not answer. The text names the
missing processes in its section "Errors"; the JSON gives the state of each rank.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted, whole
from bringup.parsers.reading_json import count, document, flag, items, mapping, words

REPORT = Command("ncclras -v", needs=("ncclras",), timeout_s=60.0)

_VERSION = re.compile(r"(?:NCCL|RCCL) version (?P<version>[0-9][\w.+-]{0,30})\b.*", re.ASCII)
_SPAN = r"[0-9]{1,9}(?:-[0-9]{1,9})?"
_JOB = re.compile(
    rf"(?P<nodes>[0-9]{{1,9}})\s+{_SPAN}\s+{_SPAN}\s+(?P<processes>[0-9]{{1,9}})\s+(?P<gpus>[0-9]{{1,9}})"
)
_GROUP = re.compile(
    rf"(?P<name>[0-9]{{1,9}})\s+(?P<comms>[0-9]{{1,9}})\s+{_SPAN}\s+{_SPAN}\s+(?P<ranks>{_SPAN})\s+(?P<present>[0-9]{{1,9}})\s+"
    r"(?P<status>[A-Z][A-Z,]{1,40})\s+(?P<errors>[A-Z][A-Z,_]{1,40})"
)
_HEADING = re.compile(r"={4,}")
_FINE = "OK"


@dataclass(frozen=True, slots=True)
class Rank:
    """A rank that reports an error of its own, or was told to stop."""

    rank: int
    host: str
    gpu: int
    async_error: int
    aborted: bool


@dataclass(frozen=True, slots=True)
class Communicator:
    """One communicator (JSON), or one group of equal ones (text).

    `ranks` is how many it should have, as (least, most) of a group, and `missing` how many of them do not answer.
    None: this form does not say. `failing` only comes with JSON.
    """

    name: str
    ranks: tuple[int, int]
    status: str | None = None
    errors: str | None = None
    missing: int | None = None
    failing: tuple[Rank, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether no rank is missing or failing, as far as the report says."""
        return self.errors in (None, _FINE) and not self.missing and not self.failing


@dataclass(frozen=True, slots=True)
class Report:
    """One answer of the service. None: this form does not say. `problems` are the lines of its section "Errors"."""

    version: str
    nodes: int | None
    processes: int | None
    gpus: int | None
    communicators: tuple[Communicator, ...]
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def parse(text: str) -> Report:
    """The report, from JSON or text. Raises ParseError where the service did not answer to its end."""
    return _from_json(text) if text.lstrip().startswith("{") else _from_text(text)


def _from_text(text: str) -> Report:
    sections = _sections(text)
    version = next((m["version"] for line in sections[""] if (m := _VERSION.fullmatch(line))), None)
    groups = [m for line in sections.get("Communicators", ()) if (m := _GROUP.fullmatch(line))]
    job = next((m for line in sections.get("Job summary", ()) if (m := _JOB.fullmatch(line))), None)
    if version is None or job is None or not groups:
        raise ParseError(f"NCCL RAS: {quoted(text)} is no report")
    if "Warnings" not in sections:
        raise ParseError("NCCL RAS: the report ends before its warnings; it is cut off")
    return Report(
        version=version,
        nodes=int(job["nodes"]),
        processes=int(job["processes"]),
        gpus=int(job["gpus"]),
        communicators=tuple(_group(group) for group in groups),
        problems=tuple(sections.get("Errors", ())),
        warnings=tuple(sections["Warnings"]),
    )


def _group(match: re.Match[str]) -> Communicator:
    least, most = _span(match["ranks"])
    return Communicator(
        name=f"group {match['name']}",
        ranks=(least, most),
        status=match["status"],
        errors=match["errors"],
        missing=int(match["comms"]) * most - int(match["present"]) if least == most else None,
    )


def _sections(text: str) -> Mapping[str, list[str]]:
    """Lines by heading; a heading is underlined, and may go on with dots and a time."""
    sections: dict[str, list[str]] = {"": []}
    title = ""
    for line in (raw.strip() for raw in text.splitlines()):
        if _HEADING.fullmatch(line) and sections[title]:
            title = sections[title].pop().split("...")[0]
            sections.setdefault(title, [])
        elif line:
            sections[title].append(line)
    return sections


def _span(text: str) -> tuple[int, int]:
    low, _, high = text.partition("-")
    return whole(low, "NCCL RAS: ranks"), whole(high or low, "NCCL RAS: ranks")


def _from_json(text: str) -> Report:
    root = mapping(document(text, "NCCL RAS"), "NCCL RAS: the document")
    found = tuple(
        _communicator(mapping(entry, "NCCL RAS: a communicator"))
        for entry in items(root.get("communicators"), "NCCL RAS: communicators")
    )
    if count(root.get("communicators_count"), "NCCL RAS: communicators_count") != len(found):
        raise ParseError(f"NCCL RAS: {len(found)} communicators are not as many as it counts")
    return Report(words(root.get("nccl_version"), "NCCL RAS: nccl_version"), None, None, None, found)


def _communicator(entry: dict[str, object]) -> Communicator:
    name = words(entry.get("hash"), "NCCL RAS: hash")
    size = count(entry.get("size"), f"NCCL RAS: size of {name}")
    ranks = [
        _rank(mapping(r, "NCCL RAS: a rank")) for r in items(entry.get("ranks"), f"NCCL RAS: ranks of {name}")
    ]
    return Communicator(
        name=name,
        ranks=(size, size),
        missing=count(entry.get("missing_ranks_count"), f"NCCL RAS: missing ranks of {name}"),
        failing=tuple(rank for rank in ranks if rank.async_error or rank.aborted),
    )


def _rank(entry: dict[str, object]) -> Rank:
    status = mapping(entry.get("status"), "NCCL RAS: status of a rank")
    return Rank(
        rank=count(entry.get("rank"), "NCCL RAS: rank"),
        host=words(entry.get("host"), "NCCL RAS: host"),
        gpu=count(entry.get("cuda_dev"), "NCCL RAS: cuda_dev"),
        async_error=count(status.get("async_error"), "NCCL RAS: async_error"),
        aborted=flag(status.get("abort_flag"), "NCCL RAS: abort_flag"),
    )
