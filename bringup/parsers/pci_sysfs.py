"""PCI devices as the kernel shows them in /sys: identity, link state and error counters, without any tool.

The current speed of an idle GPU is no evidence: GPUs save power by running slowly. A device that no longer
answers reads as all ones, so that its width is 63; such values become None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bringup.commands import Command, steady
from bringup.errors import ParseError
from bringup.parsers import bdf
from bringup.parsers.remembered import remembered

DEVICES = steady(
    Command(
        'cd "$ROOT"/sys/bus/pci/devices && {\n'
        "grep -Hs . */vendor */device */class"
        " */current_link_speed */current_link_width */max_link_speed */max_link_width\n"
        "grep -Hs TOTAL */aer_dev_fatal */aer_dev_nonfatal */aer_dev_correctable\n"
        "ls -d */infiniband/* 2>/dev/null\n"
        "true; }",
        max_bytes=4 << 20,
        estimate_s=0.5,
    )
)
DRIVER_GPUS = Command('ls "$ROOT"/proc/driver/nvidia/gpus', max_bytes=64 << 10)
"""PCI addresses of the GPUs that the driver took over since it was loaded, also of the lost ones."""

NVIDIA = 0x10DE
AMD = 0x1002
_GPU_CLASSES = (0x0300, 0x0302)
_AMD_CLASSES = (0x0380, 0x1200)
_NIC_CLASSES = (0x0200, 0x0207)
_WIDTHS = frozenset({0, 1, 2, 4, 8, 12, 16, 32})
_ALL_ONES = "63"
_GENERATIONS = {2.5: 1, 5.0: 2, 8.0: 3, 16.0: 4, 32.0: 5, 64.0: 6, 128.0: 7}

_LINE = re.compile(rf"({bdf.PATTERN})/(\w{{1,40}}):(.{{0,200}})")
_RDMA = re.compile(rf"({bdf.PATTERN})/infiniband/([\w.-]{{1,64}})/?")
_HEX = re.compile(r"0x[0-9a-fA-F]{1,8}")
_SPEED = re.compile(r"([0-9]{1,3}(?:\.[0-9])?) GT/s(?: PCIe)?")
_TOTAL = re.compile(r"TOTAL_ERR_\w{1,10}\s+([0-9]{1,20})")


@dataclass(frozen=True, slots=True)
class Device:
    """One PCI function. None: the kernel has no such file, or the device does not answer.

    Speeds are GT/s per lane. The three error counts are totals since boot. `rdma` names its RDMA device. `answers`
    is false where the device reads as all ones: it is listed, but it is no longer there.
    """

    address: str
    vendor: int
    device: int
    device_class: int
    speed_gts: float | None = None
    width: int | None = None
    max_speed_gts: float | None = None
    max_width: int | None = None
    aer_fatal: int | None = None
    aer_nonfatal: int | None = None
    aer_correctable: int | None = None
    rdma: str | None = None
    answers: bool = True

    @property
    def is_nvidia_gpu(self) -> bool:
        return self.vendor == NVIDIA and self.device_class >> 8 in _GPU_CLASSES

    @property
    def is_gpu(self) -> bool:
        """A GPU of any maker that trains: NVIDIA's, or AMD's (whose display chips count as well)."""
        return self.is_nvidia_gpu or (
            self.vendor == AMD and self.device_class >> 8 in (*_GPU_CLASSES, *_AMD_CLASSES)
        )

    @property
    def is_nic(self) -> bool:
        return self.device_class >> 8 in _NIC_CLASSES

    @property
    def max_generation(self) -> int | None:
        return generation(self.max_speed_gts)


def generation(speed_gts: float | None) -> int | None:
    """The PCIe generation of a speed per lane."""
    return None if speed_gts is None else _GENERATIONS.get(speed_gts)


@remembered
def parse(text: str) -> tuple[Device, ...]:
    """The devices in an answer of DEVICES, in the order of their addresses.

    Ten checks of a node read the same answer, so the last ones are remembered.
    """
    files: dict[str, dict[str, str]] = {}
    rdma: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        if match := _RDMA.fullmatch(line.strip()):
            rdma[bdf.normalise(match[1])] = match[2]
            continue
        match = _LINE.fullmatch(line.rstrip())
        if match is None:
            raise ParseError(f"/sys/bus/pci/devices gave {line.strip()[:80]!r}")
        files.setdefault(bdf.normalise(match[1]), {})[match[2]] = match[3].strip()
    if not files:
        raise ParseError("/sys/bus/pci/devices holds no device")
    return tuple(_device(address, own, rdma.get(address)) for address, own in sorted(files.items()))


def parse_driver_gpus(text: str) -> tuple[str, ...]:
    """The addresses in an answer of DRIVER_GPUS."""
    return tuple(bdf.normalise(line) for line in text.splitlines() if line.strip())


def _device(address: str, own: dict[str, str], rdma: str | None) -> Device:
    return Device(
        address=address,
        vendor=_hex(address, own, "vendor"),
        device=_hex(address, own, "device"),
        device_class=_hex(address, own, "class"),
        speed_gts=_speed(address, own, "current_link_speed"),
        width=_width(address, own, "current_link_width"),
        max_speed_gts=_speed(address, own, "max_link_speed"),
        max_width=_width(address, own, "max_link_width"),
        aer_fatal=_total(address, own, "aer_dev_fatal"),
        aer_nonfatal=_total(address, own, "aer_dev_nonfatal"),
        aer_correctable=_total(address, own, "aer_dev_correctable"),
        rdma=rdma,
        answers=own.get("current_link_width") != _ALL_ONES,
    )


def _hex(address: str, own: dict[str, str], name: str) -> int:
    text = own.get(name, "")
    if not _HEX.fullmatch(text):
        raise ParseError(f"PCI device {bdf.short(address)}: {name} is {text[:40]!r}")
    return int(text, 16)


def _speed(address: str, own: dict[str, str], name: str) -> float | None:
    text = own.get(name)
    if text is None or text.lower().startswith("unknown"):
        return None
    match = _SPEED.fullmatch(text)
    if match is None:
        raise ParseError(f"PCI device {bdf.short(address)}: {name} is {text[:40]!r}")
    return float(match[1])


def _width(address: str, own: dict[str, str], name: str) -> int | None:
    text = own.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,3}", text):
        raise ParseError(f"PCI device {bdf.short(address)}: {name} is {text[:40]!r}")
    width = int(text)
    return width if width in _WIDTHS else None


def _total(address: str, own: dict[str, str], name: str) -> int | None:
    text = own.get(name)
    if text is None:
        return None
    match = _TOTAL.fullmatch(text)
    if match is None:
        raise ParseError(f"PCI device {bdf.short(address)}: {name} has {text[:40]!r}")
    return int(match[1])
