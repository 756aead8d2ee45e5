"""The state of a whole machine: its parts, its software, its kernel log."""

from __future__ import annotations

from dataclasses import dataclass, field

from bringup.mock.hardware.gpu import Gpu, Presence
from bringup.mock.hardware.left import Left
from bringup.mock.hardware.port import Hca, Nic
from bringup.mock.shapes import Shape
from bringup.model import Node

UNLIMITED = -1


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
    nvme_fractions: dict[int, float] = field(default_factory=dict)
    wrong_copies: int = 0
    """Copies in its processors' memory that differ from what was copied, in every test."""
    memory_fraction: float = 1.0
    """What is left of the speed of drives, by their number, and of the processors' memory."""
    acs: bool = False
    root_used_percent: int = 23
    boots_today: int = 1
    fraction: float = 1.0
    nvls: bool = True
    mnnvl: bool = True
    nccl_share: float = 1.0
    """What settings of NCCL leave of the speed of a collective inside the node."""
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
    read_only: set[str] = field(default_factory=set)
    unmounted: set[str] = field(default_factory=set)
    stale: set[str] = field(default_factory=set)
    """Mounts that turned read-only, that are not there, and those whose server no longer answers."""
    shm_kib: int = 0
    """The size of the file system for shared memory; 0: the usual half of the memory."""
    left: Left = field(default_factory=Left)
    unreachable: set[str] = field(default_factory=set)
    """Servers, as host:port, to which no connection can be made."""
    services: dict[str, str] = field(default_factory=dict)
    unloaded: set[str] = field(default_factory=set)
    open_files: int = 1024
    nccl: str = "2.21.5"
    """The library of collectives that is installed; an empty text where there is none."""
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
