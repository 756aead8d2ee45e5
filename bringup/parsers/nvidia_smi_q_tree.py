"""The text of `nvidia-smi -q` as the tree that its indentation draws.

Keys such as "Pending", "Max" and "State" stand in many sections, and MIG devices repeat whole sections of their GPU,
so a value can only be found by its path. A line may have a value and lines below it; a section may be repeated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from bringup.errors import ParseError
from bringup.parsers import bdf
from bringup.parsers.nvidia_smi_errors import Complaint, classify, is_complaint
from bringup.parsers.reading import quoted

_GPU = re.compile(rf"GPU (?P<bdf>{bdf.PATTERN})")
_PAIR = re.compile(r"(?P<key>\S.*?)\s+:(?:\s(?P<value>.*))?")
_TITLE = re.compile(r"=+NVSMI LOG=+")
_LEFT_OUT = re.compile(r"\[?\.\.\.\]?")
_DEEPEST = 12
_LONGEST_KEY = 60


@dataclass(slots=True)
class Section:
    """One line and what is indented below it. `value` None: the line is only a heading."""

    key: str
    value: str | None = None
    below: list[Section] = field(default_factory=list)

    def all(self, key: str) -> list[Section]:
        """All lines of this name directly below."""
        return [section for section in self.below if section.key == key]

    def find(self, path: str) -> Section | None:
        """The first line at a path such as `PCI/GPU Link Info`."""
        section: Section | None = self
        for key in path.split("/"):
            section = next(iter(section.all(key)), None) if section else None
        return section

    def walk(self) -> Iterator[Section]:
        """This line and all below it."""
        yield self
        for section in self.below:
            yield from section.walk()


@dataclass(frozen=True, slots=True)
class Document:
    """One answer. The key of a GPU's section is its address; an excerpt may begin below a heading that is missing.

    `complaints` are the driver's sentences about GPUs that stand above the log.
    """

    header: Section
    gpus: tuple[Section, ...]
    complaints: tuple[Complaint, ...]


def read(text: str) -> Document:
    """The tree. Raises ParseError where there is no GPU in it, and for a line that cannot be a part of it."""
    header = Section("")
    gpus: list[Section] = []
    stack: list[tuple[int, Section]] = [(0, header)]
    sentences: list[str] = []
    for raw in text.splitlines():
        line = raw.rstrip()
        words = line.strip()
        if not words or _TITLE.fullmatch(words) or _LEFT_OUT.fullmatch(words):
            continue
        depth = len(line) - len(line.lstrip(" "))
        if not depth and (head := _GPU.fullmatch(words)):
            gpus.append(Section(bdf.normalise(head["bdf"])))
            stack = [(0, gpus[-1])]
        elif not depth and is_complaint(words):
            sentences.append(words)
        elif (section := _section(words)).value is not None and not depth:
            header.below.append(section)
        else:
            if not gpus or not depth:
                gpus.append(Section(""))
                stack = [(-1, gpus[-1])]
            _hang(stack, depth, section)
    if not gpus or any(not gpu.below for gpu in gpus):
        raise ParseError(f"nvidia-smi -q: no GPU, or one without anything, in {quoted(text)}")
    return Document(header, tuple(gpus), classify("\n".join(sentences)))


def _section(words: str) -> Section:
    match = _PAIR.fullmatch(words)
    section = Section(match["key"], (match["value"] or "").strip()) if match else Section(words)
    if len(section.key) > _LONGEST_KEY:
        raise ParseError(f"nvidia-smi -q: {quoted(words)} is not known")
    return section


def _hang(stack: list[tuple[int, Section]], depth: int, section: Section) -> None:
    """Puts a line below the nearest line above it that is less indented."""
    while stack[-1][0] >= depth:
        stack.pop()
    if len(stack) > _DEEPEST:
        raise ParseError(f"nvidia-smi -q: {quoted(section.key)} is indented too deep")
    stack[-1][1].below.append(section)
    stack.append((depth, section))
