"""The table that plain `nvidia-smi` prints: what people paste when something is wrong. A tolerant reader.

Checks use `-q -x` instead. From a table only the steady parts are taken: the driver, and index, name and
PCI address of each GPU, plus the warnings around it. A GPU that the driver cannot open is a gap in the
indices. MIG devices and processes stand in tables of their own, whose rows must not be taken for GPUs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bringup.errors import ParseError
from bringup.parsers import bdf
from bringup.parsers.nvidia_smi_errors import Complaint, classify


@dataclass(frozen=True, slots=True)
class TableGpu:
    """One row. `name` is cut by the tool if it ends with "..."."""

    index: int
    name: str
    address: str
    persistence: str
    uncorrected_ecc: str


@dataclass(frozen=True, slots=True)
class Table:
    """The table. `complete` is false where its end is missing. `cuda` is None if the title does not tell."""

    driver: str
    cuda: str | None
    gpus: tuple[TableGpu, ...]
    complaints: tuple[Complaint, ...]
    complete: bool

    @property
    def gaps(self) -> tuple[int, ...]:
        """Indices that are missing below the highest one: GPUs that the driver counts but cannot open."""
        have = {gpu.index for gpu in self.gpus}
        return tuple(n for n in range(max(have, default=-1) + 1) if n not in have)


_VERSION = r"([0-9]{2,4}\.[0-9]{1,4}(?:\.[0-9]{1,4})?)"
_DRIVER = re.compile(rf"(?:Driver|KMD) Version:\s*{_VERSION}")
_CUDA = re.compile(r"CUDA (?:UMD )?Version:\s*([0-9]{1,3}\.[0-9]{1,3})")
_ROW = re.compile(
    rf"\|\s+([0-9]{{1,3}})\s+(\S.{{0,60}}?)\s+(On|Off|N/A)\s*\|\s*({bdf.PATTERN})\s+(?:On|Off|N/A)\s*\|\s*(\S{{1,12}})\s*\|"
)
_END = re.compile(r"\|\s*(?:MIG devices|Processes):")


def parse(text: str) -> Table:
    """The table in the text. Raises ParseError if there is none, or it lists one GPU twice."""
    driver = _DRIVER.search(text)
    if driver is None:
        raise ParseError(f"this is no nvidia-smi table: {text.strip()[:80]!r}")
    cuda = _CUDA.search(text)
    gpus: list[TableGpu] = []
    complete = False
    for line in text.splitlines():
        if _END.match(line.strip()):
            complete = True
            break
        if match := _ROW.fullmatch(line.strip()):
            index, name, persistence, address, ecc = match.groups()
            gpus.append(TableGpu(int(index), name, bdf.normalise(address), persistence, ecc))
    if not gpus:
        raise ParseError("the nvidia-smi table lists no GPU")
    if len({gpu.index for gpu in gpus}) != len(gpus):
        raise ParseError("the nvidia-smi table lists an index twice")
    return Table(driver[1], cuda[1] if cuda else None, tuple(gpus), classify(text), complete)
