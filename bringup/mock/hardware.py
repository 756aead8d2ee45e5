"""The state of every simulated part: what the tools print and the tests measure is read from here, nothing else.

A node is built at its first session and lives in the simulator's one thread, so nothing here needs a lock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from bringup.mock.shapes import GpuKind, HcaKind, NicKind, Shape
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
class Optic:
    """The module at a port, or the plug of a copper cable, which has neither light nor a temperature."""

    vendor: str
    part: str
    serial: str
    copper: bool = False
    length_m: int = 10
    temperature_c: float = 45.0
    voltage_mv: float = 3290.0
    bias_ma: float = 8.4
    tx_dbm: float = 1.6
    rx_dbm: float = 1.2
    raw_ber: float = 4e-9
    effective_errors: int = 0
    """Errors after correction, since the counters were cleared."""


@dataclass(slots=True)
class Nic:
    """A network interface without RDMA."""

    kind: NicKind
    mac: str
    link: bool = True
    speed_mbps: int = 0
    mtu: int = 1500
    drops: int = 0


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
    recovery_action: str = "None"
    inforom_corrupted: bool = False
    clock_fraction: float = 1.0
    memory_fraction: float = 1.0
    copy_fraction: float = 1.0
    """What is left of its clocks, of its memory's bandwidth, and of copies between it and the host."""
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
    optic: Optic
    leaf: str = ""
    leaf_port: str = ""
    """Where its cable really ends; the plan may say something else."""
    present: bool = True
    firmware: str = ""
    pcie_width: int = 16
    pcie_gts: float = 32.0
    read_request: int = 4096
    layer: str = "InfiniBand"
    logical: Logical = Logical.ACTIVE
    physical: Physical = Physical.LINK_UP
    rate_gbps: int = 400
    lanes: int = 4
    lid: int = 0
    sm_lid: int = 1
    fraction: float = 1.0
    tx_fraction: float = 1.0
    rx_fraction: float = 1.0
    extra_us: float = 0.0
    bit_error_rate: float = 0.0
    refuses: bool = False
    fails_every: int = 0
    flaps_every: int = 0
    """Of so many transfers one fails, or the link goes down in one; 0: never."""
    transfers: int = 0
    ipv4: str = ""
    mtu: int = 2044
    trust: str = "dscp"
    pfc: tuple[int, ...] = (3,)
    rdma_type: str = "RoCE v2"
    symbol_errors_under_load: int = 0
    counts_under_load: dict[str, int] = field(default_factory=dict)
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
    def mac(self) -> str:
        """The Ethernet address that belongs to the GUID."""
        digits = self.guid.replace(":", "")
        digits = digits[:6] + digits[-6:]
        return ":".join(digits[i : i + 2] for i in range(0, 12, 2))

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
    refuses_first: int = 0
    """So many connections are cut before the node answers, as sshd does when too many arrive at once."""
    delay_s: float = 0.0
    """How long a login takes."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One record of the kernel log; `stamp` is seconds since boot."""

    stamp: float
    text: str


@dataclass(slots=True)
class SimNode:
    """One simulated machine. Times are Unix seconds; `started` is its first session.

    `fabric_manager` and `imex` are active, failed, or absent where such a machine runs none. `tray` is its number in
    its NVLink domain.
    """

    index: int
    name: str
    plan: Node
    shape: Shape
    gpus: list[Gpu]
    hcas: list[Hca]
    nics: list[Nic]
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
    imex: str = "active"
    tray: int = 0
    sel: list[str] = field(default_factory=list)
    """Records of the BMC's event log after the usual ones: sensor | event | direction."""
    nvme_missing: set[int] = field(default_factory=set)
    acs: bool = False
    root_used_percent: int = 23
    boots_today: int = 1
    fraction: float = 1.0
    nvls: bool = True
    driver_loaded: bool = True
    smi_fails: bool = False
    sudo: bool = True
    login_text: str = ""
    login_noise: str = ""
    hanging: set[str] = field(default_factory=set)
    hangs_every: dict[str, int] = field(default_factory=dict)
    fails_every: dict[str, int] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    """By program: of so many calls one hangs, or fails; and how many there were."""
    slow_tools: dict[str, float] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    """Programs that were built for another machine."""
    firewalled: bool = False
    peers_refused: bool = False
    """Whether other nodes may not reach its test ports, or not log in to it."""
    scratch: bool = True
    """Whether there is room for temporary files."""
    services: dict[str, str] = field(default_factory=dict)
    unloaded: set[str] = field(default_factory=set)
    open_files: int = 1024
    reboots_after_s: float | None = None
    files: dict[str, str] = field(default_factory=dict)
    """Files below the root whose text is not what the state of the parts gives."""
    garbage: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    log: list[LogLine] = field(default_factory=list)
    listening: set[int] = field(default_factory=set)

    @property
    def threads(self) -> int:
        """Hardware threads of all processors that are there."""
        return self.sockets * self.shape.cores_per_socket * self.shape.threads_per_core

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
