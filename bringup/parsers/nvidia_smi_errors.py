"""The sentences with which nvidia-smi says that the driver or a GPU does not answer.

They come instead of the output, above it, or on stderr, with an exit status that often disagrees. A check
that reads nvidia-smi must tell three cases apart: the driver does not work at all, some GPUs do not answer,
nothing is wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from bringup.commands import Output
from bringup.errors import CannotJudge
from bringup.parsers import bdf


class Kind(StrEnum):
    """What the driver complains about."""

    DRIVER = "driver does not answer"
    MISMATCH = "driver and library versions differ"
    LIBRARY = "driver library is not installed"
    PERMISSION = "no permission"
    NO_DEVICES = "no GPU found"
    GPU = "GPU does not answer"
    INFOROM = "infoROM is corrupted"
    OTHER = "unknown failure"


NODE_WIDE = frozenset({Kind.DRIVER, Kind.MISMATCH, Kind.LIBRARY, Kind.PERMISSION})
"""With these nothing can be read from any GPU of the node."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """One sentence.

    `index` and `address` name the GPU where the sentence does; `reason` is the driver's word.
    """

    kind: Kind
    text: str
    index: int | None = None
    address: str | None = None
    reason: str = ""


_GPU = re.compile(
    r"unable to determine the device handle for gpu\s*(?P<index>[0-9]{1,3}(?=:\s|:[0-9a-f]{4,8}:))?:?\s*"
    rf"(?P<bdf>{bdf.PATTERN})\s*:\s*(?P<why>.*)",
    re.IGNORECASE,
)
_INFOROM = re.compile(rf"infoROM is corrupted at gpu\s+(?P<bdf>{bdf.PATTERN})", re.IGNORECASE)
_LOST = re.compile(rf"(?:GPU\s+)?(?P<bdf>{bdf.PATTERN}).*\bGPU is lost\b", re.IGNORECASE)
_SENTENCES: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(r"driver/library version mismatch", re.IGNORECASE), Kind.MISMATCH),
    (
        re.compile(r"couldn't find libnvidia-ml|could not (?:find|load) .*libnvidia-ml", re.IGNORECASE),
        Kind.LIBRARY,
    ),
    (re.compile(r"couldn't communicate with the NVIDIA driver", re.IGNORECASE), Kind.DRIVER),
    (re.compile(r"Failed to initialize NVML:.*(?:permission|blocked)", re.IGNORECASE), Kind.PERMISSION),
    (re.compile(r"(?:Failed to initialize NVML|NVIDIA-SMI has failed)", re.IGNORECASE), Kind.DRIVER),
    (re.compile(r"^\s*No devices were found", re.IGNORECASE), Kind.NO_DEVICES),
    (re.compile(r"unable to determine the device handle", re.IGNORECASE), Kind.GPU),
)
_TELLTALE = (
    "device handle",
    "inforom is corrupted",
    "gpu is lost",
    "version mismatch",
    "libnvidia-ml",
    "couldn't communicate",
    "failed to initialize",
    "has failed",
    "no devices were found",
)
"""Each sentence above holds one of these."""
_STATUS: dict[int, Kind] = {
    4: Kind.PERMISSION,
    9: Kind.DRIVER,
    12: Kind.LIBRARY,
    14: Kind.INFOROM,
    15: Kind.GPU,
}
"""Exit codes of nvidia-smi's manual; the text, where it says something, counts more."""

_MAX_LINE = 300


def classify(stdout: str, stderr: str = "", status: int | None = 0) -> tuple[Complaint, ...]:
    """The complaints in one answer of nvidia-smi, without repeats; empty when it complains about nothing.

    A status other than 0 without a known sentence gives one complaint from the status.
    """
    found: list[Complaint] = []
    if may_complain(stdout) or may_complain(stderr):
        found = list(
            dict.fromkeys(c for line in _lines(stdout, stderr) if (c := _sentence(line)) is not None)
        )
    if not found and status not in (0, None):
        said = next((line for line in _lines(stderr, stdout) if line), "")
        found.append(
            Complaint(_STATUS.get(status or 0, Kind.OTHER), said or f"nvidia-smi ended with status {status}")
        )
    return tuple(found)


def answer(output: Output) -> tuple[str, tuple[Complaint, ...]]:
    """The text of an nvidia-smi call that ran to its end, and its complaints about single GPUs.

    Raises CannotJudge with code GPU-DRIVER where the driver answers for no GPU at all.
    """
    text = output.text
    return text, complaints_of(text, output.error_text, output.status)


def complaints_of(stdout: str, stderr: str, status: int | None) -> tuple[Complaint, ...]:
    """The complaints of an answer about single GPUs. Raises CannotJudge as `answer` does."""
    complaints = classify(stdout, stderr, status)
    for complaint in complaints:
        if complaint.kind in NODE_WIDE:
            raise CannotJudge(f"the NVIDIA driver does not answer: {complaint.text}", code="GPU-DRIVER")
        if complaint.kind is Kind.OTHER:
            raise CannotJudge(f"nvidia-smi ended with status {status}: {complaint.text}")
    return complaints


def is_complaint(line: str) -> bool:
    """Whether a line of output is such a sentence and not part of the data."""
    return may_complain(line) and _sentence(line.strip()) is not None


def may_complain(text: str) -> bool:
    """Whether any sentence can be in the text: a glance that spares thousands of lines their patterns."""
    lowered = text.lower()
    return any(part in lowered for part in _TELLTALE)


def _lines(*texts: str) -> list[str]:
    return [line.strip()[:_MAX_LINE] for text in texts for line in text.splitlines()]


def _sentence(line: str) -> Complaint | None:
    if match := _GPU.search(line):
        index = match["index"]
        return Complaint(
            Kind.GPU,
            line,
            index=int(index) if index is not None else None,
            address=bdf.normalise(match["bdf"]),
            reason=match["why"].split(".")[0].strip(),
        )
    if match := _INFOROM.search(line):
        return Complaint(Kind.INFOROM, line, address=bdf.normalise(match["bdf"]))
    if match := _LOST.search(line):
        return Complaint(Kind.GPU, line, address=bdf.normalise(match["bdf"]), reason="GPU is lost")
    for pattern, kind in _SENTENCES:
        if pattern.search(line):
            return Complaint(kind, line)
    return None
