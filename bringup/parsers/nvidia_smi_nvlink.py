"""`nvidia-smi nvlink`: state, speed, errors, far ends, capabilities and traffic of the links of every GPU.

Instead of links a GPU may print a sentence. "All links are inactive" means none is up; "not supported"
(MIG) and "does not have NVLink" mean that nothing can be said about its links. Counter names change with
the driver, so they are kept as they are printed. How many links there should be depends on the model and
stands in the profile.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from bringup.commands import Command, Output
from bringup.errors import CannotJudge, ParseError
from bringup.parsers import bdf
from bringup.parsers.nvidia_smi_errors import answer, is_complaint, may_complain
from bringup.parsers.remembered import remembered

STATUS = Command("nvidia-smi nvlink -s", timeout_s=30.0, needs=("nvidia-smi",), estimate_s=1.0)
ERRORS = Command("nvidia-smi nvlink -e", timeout_s=30.0, needs=("nvidia-smi",), estimate_s=1.0)


@dataclass(frozen=True, slots=True)
class Device:
    """A GPU as the heading of its links prints it."""

    index: int
    name: str
    uuid: str


@dataclass(frozen=True, slots=True)
class Links:
    """The links of one GPU: link -> GB/s as printed, None for an inactive link.

    `all_inactive`: the driver says that no link is up, and lists none. `unknown` holds its words where it
    says nothing about links (no NVLink, MIG); then there is nothing to judge.
    """

    gpu: Device
    speeds: Mapping[int, float | None]
    all_inactive: bool = False
    unknown: str = ""

    @property
    def active(self) -> tuple[int, ...]:
        return tuple(link for link, speed in self.speeds.items() if speed is not None)

    @property
    def inactive(self) -> tuple[int, ...]:
        return tuple(link for link, speed in self.speeds.items() if speed is None)


@dataclass(frozen=True, slots=True)
class Counters:
    """Counters of one GPU: link -> counter name -> value, None where the driver prints N/A."""

    gpu: Device
    links: Mapping[int, Mapping[str, float | None]]
    all_inactive: bool = False
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class FarEnds:
    """Where the links of one GPU end: link -> PCI address and link number there."""

    gpu: Device
    links: Mapping[int, tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the links of one GPU can do: link -> capability -> true or false. A capability is not a state."""

    gpu: Device
    links: Mapping[int, Mapping[str, bool]]


_GPU = re.compile(r"GPU ([0-9]{1,3}): (.{1,80}?) \(UUID: (GPU-[0-9a-fA-F-]{8,40})\)")
_LINK = re.compile(r"Link ([0-9]{1,3})(?:: |, )(.{1,120})")
_SPEED = re.compile(r"([0-9]{1,5}(?:\.[0-9]{1,6})?) GB/s")
_COUNTER = re.compile(r"([A-Za-z][\w ./-]{0,60}): (\S{1,30})(?: (?:Bytes|KiB|MiB|packets))?")
_REMOTE = re.compile(rf"Remote Device ({bdf.PATTERN}): Link ([0-9]{{1,3}})")
_CAPABILITY = re.compile(r"(.{1,60}?)(?: is)? supported: (true|false)")
_ALL_INACTIVE = re.compile(r"all links are inactive", re.IGNORECASE)
_NOTHING = re.compile(r"not (?:have or )?support|not supported", re.IGNORECASE)
_CUT = re.compile(r"\[?\.\.\.\]?")
_NOT_REPORTED = frozenset({"N/A", "[N/A]"})


@dataclass(frozen=True, slots=True)
class _Block:
    """What stands below a GPU's heading: links with their words, or one sentence instead."""

    links: tuple[tuple[int, str], ...]
    sentence: str


def read_status(output: Output) -> tuple[Links, ...]:
    """The links of an answer of STATUS. Raises CannotJudge where the driver answers for no GPU."""
    return parse_status(_answer(output))


def read_errors(output: Output) -> tuple[Counters, ...]:
    """The counters of an answer of ERRORS. Raises CannotJudge where the driver answers for no GPU."""
    return parse_errors(_answer(output))


@remembered
def parse_status(text: str) -> tuple[Links, ...]:
    """The links of every GPU in an answer of STATUS. Raises ParseError for anything unknown."""
    found: list[Links] = []
    for gpu, body in _bodies(text):
        with _of(gpu):
            found.append(Links(gpu, _speeds(body), *_sentence(_block(body).sentence)))
    return tuple(found)


@remembered
def parse_errors(text: str) -> tuple[Counters, ...]:
    """The counters of every GPU in an answer of ERRORS (or of `nvlink -gt`).

    Unknown counter names are kept.
    """
    found: list[Counters] = []
    for gpu, body in _bodies(text):
        with _of(gpu):
            found.append(Counters(gpu, _counters(body), *_sentence(_block(body).sentence)))
    return tuple(found)


def parse_far_ends(text: str) -> tuple[FarEnds, ...]:
    """Where the links end, from `nvidia-smi nvlink -R`."""
    found: list[FarEnds] = []
    for gpu, body in _bodies(text):
        links: dict[int, tuple[str, int]] = {}
        with _of(gpu):
            for link, words in _block(body).links:
                match = _REMOTE.fullmatch(words)
                if match is None:
                    raise ParseError(f"link {link} has {words[:60]!r}")
                links[link] = (bdf.normalise(match[1]), int(match[2]))
        found.append(FarEnds(gpu, links))
    return tuple(found)


def parse_capabilities(text: str) -> tuple[Capabilities, ...]:
    """What the links can do, from `nvidia-smi nvlink -c`."""
    found: list[Capabilities] = []
    for gpu, body in _bodies(text):
        links: dict[int, dict[str, bool]] = {}
        with _of(gpu):
            for link, words in _block(body).links:
                match = _CAPABILITY.fullmatch(words)
                if match is None:
                    raise ParseError(f"link {link} has {words[:60]!r}")
                links.setdefault(link, {})[match[1]] = match[2] == "true"
        found.append(Capabilities(gpu, links))
    return tuple(found)


def _answer(output: Output) -> str:
    text, complaints = answer(output)
    if complaints and not _GPU.search(text):
        raise CannotJudge(f"no GPU answers: {complaints[0].text}", code="GPU-MISSING")
    return text


@contextmanager
def _of(gpu: Device) -> Iterator[None]:
    """Errors name the GPU."""
    try:
        yield
    except ParseError as error:
        raise ParseError(f"nvidia-smi nvlink: GPU {gpu.index}: {error.reason}") from None


def _bodies(text: str) -> Iterator[tuple[Device, str]]:
    """The text cut into GPUs: each heading with what stands below it."""
    seen: set[int] = set()
    gpu: Device | None = None
    body: list[str] = []
    complaints = may_complain(text)
    for line in text.splitlines():
        words = line.strip()
        if not words or _CUT.fullmatch(words) or (complaints and is_complaint(words)):
            continue
        match = _GPU.fullmatch(words) if words.startswith("GPU ") else None
        if match is None:
            if gpu is None:
                raise ParseError(f"nvidia-smi nvlink printed {words[:80]!r}")
            body.append(words)
            continue
        if gpu is not None:
            yield gpu, "\n".join(body)
        gpu, body = Device(int(match[1]), match[2], match[3]), []
        if gpu.index in seen:
            raise ParseError(f"nvidia-smi nvlink lists GPU {gpu.index} twice")
        seen.add(gpu.index)
    if gpu is None:
        raise ParseError("nvidia-smi nvlink listed no GPU")
    yield gpu, "\n".join(body)


# What follows is remembered by what stands below a heading: healthy GPUs print the same, on this node and on others.


@remembered
def _block(body: str) -> _Block:
    """A GPU prints links or one sentence; neither means that the text was cut off."""
    links: list[tuple[int, str]] = []
    sentence = ""
    for words in body.split("\n"):
        if match := _LINK.fullmatch(words):
            links.append((int(match[1]), match[2].strip()))
        elif (_ALL_INACTIVE.search(words) or _NOTHING.search(words)) and not links and not sentence:
            sentence = words[:120]
        elif words:
            raise ParseError(f"{words[:80]!r} is not understood")
    if not links and not sentence:
        raise ParseError("nothing is printed for it")
    return _Block(() if sentence else tuple(links), sentence)


@remembered
def _speeds(body: str) -> Mapping[int, float | None]:
    speeds: dict[int, float | None] = {}
    for link, words in _block(body).links:
        match = _SPEED.fullmatch(words)
        if (match is None and words != "<inactive>") or link in speeds:
            raise ParseError(f"link {link} is {words[:40]!r}")
        speeds[link] = float(match[1]) if match else None
    return speeds


@remembered
def _counters(body: str) -> Mapping[int, Mapping[str, float | None]]:
    links: dict[int, dict[str, float | None]] = {}
    for link, words in _block(body).links:
        match = _COUNTER.fullmatch(words)
        if match is None or match[1] in links.setdefault(link, {}):
            raise ParseError(f"link {link} has {words[:60]!r}")
        links[link][match[1]] = _value(match[2], words)
    return links


def _sentence(words: str) -> tuple[bool, str]:
    """`all_inactive` and `unknown` by what a GPU says instead of links; nothing of both where it lists links."""
    return (True, "") if _ALL_INACTIVE.search(words) else (False, words)


def _value(text: str, words: str) -> float | None:
    if text in _NOT_REPORTED:
        return None
    try:
        value = float(text)
    except ValueError:
        raise ParseError(f"{words[:60]!r} is no number") from None
    if not math.isfinite(value) or value < 0:
        raise ParseError(f"{words[:60]!r} is no count")
    return value
