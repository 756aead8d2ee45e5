"""bringup's own collective over several nodes: how it is run on each of them, and its JSON.

Every node prints a report of its own ranks. That of the first node also says what was seen where all met: who never
came, who died, who froze, or that all waited for each other.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass

from bringup import programs
from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted
from bringup.parsers.reading_json import count, figure, items, mapping, words, words_or_none

VERSION = 1
JOIN_S = 45
LOAD_S = 120
NCCL = "nccl"
_KEY = "bringup_collective"
_END = "BRINGUP_END_OF_PROGRAM"
_NCCL_TALKS = "NCCL_DEBUG=INFO NCCL_DEBUG_SUBSYS=INIT,NET\nexport NCCL_DEBUG NCCL_DEBUG_SUBSYS\n"


def collective(
    node: int, nodes: int, meet: str, port: int, *, backend: str = "auto", processes: int = 1, mib: int = 16,
    seconds: int = 60, hcas: tuple[str, ...] = (), python: str = "python3",
) -> Command:  # fmt: skip
    """What the `node`-th of some nodes runs while the others run theirs; they meet on the first, at TCP `port`.

    The port after it is used too. `hcas` are the fabric ports that NCCL may use, exactly these.
    """
    use = f"NCCL_IB_HCA={shlex.quote('=' + ','.join(hcas))}\nexport NCCL_IB_HCA\n" if hcas else ""
    host = f"[{meet}]" if ":" in meet else meet
    return Command(
        f"{_NCCL_TALKS + use if backend == NCCL else ''}"
        f"{shlex.quote(python)} - bringup-collective --node {node:d} --nodes {nodes:d}"
        f" --meet {shlex.quote(f'{host}:{port:d}')} --backend {backend} --processes {processes:d} --mib {mib:d}"
        f" --join {JOIN_S} --load {LOAD_S} --seconds {seconds:d}"
        f" <<'{_END}'\n{programs.joined(programs.COLLECTIVE)}{_END}\n",
        timeout_s=JOIN_S + LOAD_S + seconds + 30.0,
        max_bytes=8 << 20,
        needs=(python,),
        alone=True,
        estimate_s=12.0,
    )


@dataclass(frozen=True, slots=True)
class Rank:
    """One rank. With an `error` it could not go on by itself; `stopped` says what ended it from outside.

    `links` are (rank that sent, GB/s). None: it did not get so far.
    """

    rank: int
    host: str | None
    backend: str | None
    step: str | None
    error: str | None
    stopped: str | None
    wrong: int | None
    size_bytes: int | None
    busbw_gbs: float | None
    pace_ms: float | None
    links: tuple[tuple[int, float], ...]

    @property
    def done(self) -> bool:
        """Whether it did all of its work."""
        return self.error is None and self.stopped is None and self.wrong is not None


@dataclass(frozen=True, slots=True)
class Meeting:
    """What the first node saw. `why` is empty if all went well; `named` are the ranks that it is said of."""

    why: str
    named: tuple[int, ...]
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What one node printed. `error`: the meeting place could not be opened."""

    node: int
    error: str | None
    ranks: tuple[Rank, ...]
    meeting: Meeting | None


def parse(text: str) -> Report:
    """The report of a node. Raises ParseError where there is none, or anything in it is unknown."""
    line = next((line for line in reversed(text.splitlines()) if line.startswith(f'{{"{_KEY}"')), None)
    if line is None:
        raise ParseError(
            f"bringup's collective printed no report: {quoted(text) if text.strip() else 'nothing'}"
        )
    try:
        body = mapping(json.loads(line), _KEY)
    except (ValueError, RecursionError):
        raise ParseError(f"bringup's collective: the report is cut off: {quoted(line)}") from None
    if body.get(_KEY) != VERSION:
        raise ParseError(f"bringup's collective: version {quoted(str(body.get(_KEY)))} is not known")
    ranks = tuple(
        _rank(mapping(entry, f"{_KEY}: a rank")) for entry in items(body.get("ranks"), f"{_KEY}: ranks")
    )
    error = words_or_none(body.get("error"), f"{_KEY}: error")
    if not ranks and error is None:
        raise ParseError(f"{_KEY}: a report without ranks and without an error")
    meeting = mapping(body["meeting"], f"{_KEY}: meeting") if "meeting" in body else None
    return Report(
        count(body.get("node"), f"{_KEY}: node"),
        error,
        ranks,
        _meeting(meeting) if meeting is not None else None,
    )


def _meeting(entry: dict[str, object]) -> Meeting:
    return Meeting(
        why=words(entry.get("why"), f"{_KEY}: why")[:300],
        named=tuple(count(n, f"{_KEY}: named") for n in items(entry.get("named"), f"{_KEY}: named")),
        steps=tuple(words(s, f"{_KEY}: step")[:200] for s in items(entry.get("steps"), f"{_KEY}: steps")),
    )


def _rank(entry: dict[str, object]) -> Rank:
    number = count(entry.get("rank"), f"{_KEY}: rank")
    what = f"{_KEY} rank {number}"

    def said(name: str) -> str | None:
        text = words_or_none(entry.get(name), f"{what}: {name}")
        return text[:300] if text is not None else None

    def read(name: str) -> float | None:
        if name not in entry:
            return None
        value = figure(entry[name], f"{what}: {name}")
        if value <= 0:
            raise ParseError(f"{what}: {name} is {value}, needed more than 0")
        return value

    links = [items(link, f"{what}: a link") for link in items(entry.get("links", []), f"{what}: links")]
    if any(len(link) != 2 for link in links):
        raise ParseError(f"{what}: a link is no pair of rank and GB/s")
    return Rank(
        rank=number,
        host=said("host"),
        backend=said("backend"),
        step=said("step"),
        error=said("error"),
        stopped=said("stopped"),
        wrong=count(entry["wrong"], f"{what}: wrong") if "wrong" in entry else None,
        size_bytes=count(entry["size"], f"{what}: size") if "size" in entry else None,
        busbw_gbs=read("busbw_gbs"),
        pace_ms=read("pace_ms"),
        links=tuple((count(of, f"{what}: link"), figure(gbs, f"{what}: link")) for of, gbs in links),
    )
