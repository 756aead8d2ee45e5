"""The state of every simulated part: what the tools print and the tests measure is read from here, nothing else.

A node is built at its first session and lives in the simulator's one thread, so nothing here needs a lock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from bringup.mock.shapes import GpuKind, HcaKind, Shape
from bringup.model import Node

UNLIMITED = -1
COUNTERS = (
    "VL15_dropped",
    "excessive_buffer_overrun_errors",
    "link_downed",
    "link_error_recovery",
    "local_link_integrity_errors",
    "multicast_rcv_packets",
    "multicast_xmit_packets",
    "port_rcv_constraint_errors",
    "port_rcv_data",
    "port_rcv_errors",
    "port_rcv_packets",
    "port_rcv_remote_physical_errors",
    "port_rcv_switch_relay_errors",
    "port_xmit_constraint_errors",
    "port_xmit_data",
    "port_xmit_discards",
    "port_xmit_packets",
    "port_xmit_wait",
    "symbol_error",
    "unicast_rcv_packets",
    "unicast_xmit_packets",
)
FULL = {"symbol_error": 0xFFFF, "link_downed": 0xFF, "link_error_recovery": 0xFF, "port_rcv_errors": 0xFFFF}
HW_COUNTERS = (
    "duplicate_request",
    "implied_nak_seq_err",
    "lifespan",
    "local_ack_timeout_err",
    "out_of_buffer",
    "out_of_sequence",
    "packet_seq_err",
    "req_cqe_error",
    "resp_cqe_error",
    "rnr_nak_retry_err",
    "roce_adp_retrans",
    "roce_slow_restart",
    "rx_read_requests",
    "rx_write_requests",
)


class Presence(StrEnum):
    """Where a GPU is: working, on the bus but dead, or not on the bus at all."""

    OK = "ok"
    LOST = "lost"
    MISSING = "missing"


class Logical(StrEnum):
    """Logical state of a port; the name is what sysfs prints."""

    DOWN = "1: DOWN"
    INIT = "2: INIT"
    ACTIVE = "4: ACTIVE"


class Physical(StrEnum):
    """Physical state of a port; the name is what sysfs prints."""

    POLLING = "2: Polling"
    DISABLED = "3: Disabled"
    LINK_UP = "5: LinkUp"


@dataclass(frozen=True, slots=True)
class Process:
    """Somebody's program on a GPU."""

    pid: int
    name: str
    memory_mib: int


@dataclass(slots=True)
class Aer:
    """PCIe errors since boot, as the kernel counts them."""

    correctable: int = 0
    nonfatal: int = 0
    fatal: int = 0


@dataclass(slots=True)
class Gpu:
    """One GPU with its NVLinks. A link that is not in `down_links` runs at `link_gbs`."""

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
    wrong_results: int = 0
    temperature_c: int = 30
    power_w: float = 70.0
    processes: list[Process] = field(default_factory=list)
    aer: Aer = field(default_factory=Aer)

    @property
    def long_bdf(self) -> str:
        """The address as the driver's tools write it: eight digits of domain, upper case."""
        return f"0000{self.bdf}".upper()

    @property
    def xid_bdf(self) -> str:
        """The address as the kernel module writes it: without the function."""
        return self.bdf.rsplit(".", 1)[0]

    def link_gbs(self, link: int) -> float:
        """What one NVLink carries, in the driver's GB/s; 0 when it is down."""
        if self.presence is not Presence.OK or link in self.down_links:
            return 0.0
        return self.slow_links.get(link, self.kind.nvlink_gbs)


@dataclass(slots=True)
class Hca:
    """One adapter with its one port. `rail` is None for a port that is not part of the fabric."""

    name: str
    bdf: str
    kind: HcaKind
    rail: int | None
    guid: str
    numa: int
    netdev: str
    leaf: str = ""
    present: bool = True
    firmware: str = ""
    pcie_width: int = 16
    pcie_gts: float = 32.0
    layer: str = "InfiniBand"
    logical: Logical = Logical.ACTIVE
    physical: Physical = Physical.LINK_UP
    rate_gbps: int = 400
    lanes: int = 4
    lid: int = 0
    sm_lid: int = 1
    fraction: float = 1.0
    extra_us: float = 0.0
    refuses: bool = False
    symbol_errors_under_load: int = 0
    counters: dict[str, int] = field(default_factory=dict)
    hw_counters: dict[str, int] = field(default_factory=dict)
    aer: Aer = field(default_factory=Aer)

    def count(self, counter: str, more: int) -> None:
        """Add to an error counter; the old ones stop at their end."""
        self.counters[counter] = min(self.counters[counter] + more, FULL.get(counter, 2**64 - 1))

    @property
    def active(self) -> bool:
        return self.present and self.logical is Logical.ACTIVE

    @property
    def is_fabric(self) -> bool:
        return self.rail is not None


@dataclass(slots=True)
class Door:
    """What a stranger meets at a node's SSH port: `how` is open, refused, timeout, reset or silent."""

    how: str = "open"
    key_changed: bool = False
    login_refused: bool = False
    dies_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class LogLine:
    """One record of the kernel log; `stamp` is seconds since boot."""

    stamp: float
    text: str


@dataclass(slots=True)
class SimNode:
    """One simulated machine. Times are Unix seconds; `started` is its first session."""

    index: int
    name: str
    plan: Node
    shape: Shape
    gpus: list[Gpu]
    hcas: list[Hca]
    hostname: str
    serial: str
    boot_id: str
    boot_time: float
    started: float
    driver: str
    memory_gib: int
    sockets: int
    memlock_kib: int = UNLIMITED
    clock_offset_s: float = 0.0
    clock_synced: bool = True
    fabric_manager: str = "active"
    fraction: float = 1.0
    nvls: bool = True
    driver_loaded: bool = True
    smi_fails: bool = False
    sudo: bool = True
    login_text: str = ""
    login_noise: str = ""
    hanging: set[str] = field(default_factory=set)
    garbage: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    log: list[LogLine] = field(default_factory=list)
    listening: set[int] = field(default_factory=set)

    @property
    def threads(self) -> int:
        """Hardware threads of all processors that are there."""
        return self.sockets * self.shape.cores_per_socket * 2

    @property
    def uptime_now(self) -> float:
        """Seconds between boot and the first session."""
        return self.started - self.boot_time

    @property
    def visible_gpus(self) -> list[Gpu]:
        """The GPUs that the driver still talks to."""
        return [g for g in self.gpus if g.presence is Presence.OK]

    @property
    def fabric_hcas(self) -> list[Hca]:
        """The fabric adapters on the bus, in rail order."""
        return sorted((h for h in self.hcas if h.present and h.is_fabric), key=lambda h: h.rail or 0)

    def hca(self, name: str) -> Hca | None:
        """The adapter of this name, if it is on the bus."""
        return next((h for h in self.hcas if h.name == name and h.present), None)

    def happened(self, text: str, age_s: float = 0.0) -> None:
        """Put a line into the kernel log, `age_s` before the first session."""
        self.log.append(LogLine(max(40.0, self.uptime_now - age_s), text))
