"""The state of a GPU, of its memory and of its links to the other GPUs."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from bringup.mock.hardware.bus import Aer
from bringup.mock.shapes import GpuKind


class Presence(StrEnum):
    """Where a GPU is: working, on the bus but dead, or not on the bus at all."""

    OK = "ok"
    LOST = "lost"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Process:
    """Somebody's program on a GPU."""

    pid: int
    name: str
    memory_mib: int


@dataclass(slots=True)
class Gpu:
    """One GPU with its NVLinks or XGMI links. A link that is not in `down_links` runs at `link_gbs`."""

    index: int
    bdf: str
    kind: GpuKind
    uuid: str
    serial: str
    numa: int
    presence: Presence = Presence.OK
    name: str = ""
    memory_mib: int = 0
    pcie_width: int = 16
    pcie_gen_max: int = 5
    pcie_gen: int = 1
    replays: int = 0
    down_links: set[int] = field(default_factory=set)
    slow_links: dict[int, float] = field(default_factory=dict)
    link_errors: dict[int, int] = field(default_factory=dict)
    ecc_uncorrected: int = 0
    ecc_corrected: int = 0
    remap_correctable: int = 0
    remap_uncorrectable: int = 0
    remap_pending: bool = False
    remap_failed: bool = False
    persistence: str = "Enabled"
    mig: str = "Disabled"
    ecc_mode: str = "Enabled"
    slowdowns: set[str] = field(default_factory=set)
    fabric_state: str = "Completed"
    fabric_status: str = "Success"
    clique: int = 0
    cluster_uuid: str = "00000000-0000-0000-0000-000000000000"
    module_id: int = 0
    bad_pages: int = 0
    wrong_results: int = 0
    link_recoveries: dict[int, int] = field(default_factory=dict)
    link_crc_errors: dict[int, int] = field(default_factory=dict)
    link_errors_under_load: dict[int, int] = field(default_factory=dict)
    replays_under_load: int = 0
    corrected_under_load: int = 0
    """PCIe errors that its slot corrects with every collective."""
    recovery_action: str = "None"
    inforom_corrupted: bool = False
    clock_fraction: float = 1.0
    memory_fraction: float = 1.0
    copy_fraction: float = 1.0
    """What is left of its clocks, of its memory's bandwidth, and of copies between it and the host."""
    loaded: bool = False
    watched: bool = False
    """Whether a test runs on it now, and whether the driver was asked about it meanwhile."""
    slowdowns_under_load: set[str] = field(default_factory=set)
    pcie_gen_stuck: int = 0
    """What holds it down only under load, and the PCIe generation above which it does not rise then (0: the best that
    GPU and slot allow)."""
    hot_after_s: float = 0.0
    """After so long a load it overheats; 0: never."""
    ticks: int = 11_240_028
    held_ticks: dict[str, int] = field(default_factory=dict)
    """AMD: milliseconds since the GPU was started, and for how many of them each reason held its clocks down."""
    temperature_c: int = 30
    power_w: float = 70.0
    power_limit_set_w: int | None = None
    """The limit that somebody has set; None: the board's own."""
    processes: list[Process] = field(default_factory=list)
    aer: Aer = field(default_factory=Aer)

    @property
    def long_bdf(self) -> str:
        """The address as the driver's tools write it: eight digits of domain, upper case."""
        return f"0000{self.bdf}".upper()

    @property
    def power_limit_w(self) -> int:
        """The limit in force."""
        return self.kind.power_limit_w if self.power_limit_set_w is None else self.power_limit_set_w

    @property
    def xid_bdf(self) -> str:
        """The address as the kernel module writes it: without the function."""
        return self.bdf.rsplit(".", 1)[0]

    def link_gbs(self, link: int) -> float:
        """What one NVLink carries, in the driver's GB/s; 0 when it is down."""
        if self.presence is not Presence.OK or link in self.down_links or link in self.kind.unwired:
            return 0.0
        return self.slow_links.get(link, self.kind.nvlink_gbs)
