"""What a PCIe slot counts, whatever sits in it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Aer:
    """PCIe errors since boot, as the kernel counts them."""

    correctable: int = 0
    nonfatal: int = 0
    fatal: int = 0
