"""The state of a network port: the adapter in its slot, the module in its cage, and where its cable ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from bringup.mock.hardware.bus import Aer
from bringup.mock.hardware.counters import FULL
from bringup.mock.shapes import HcaKind, NicKind


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
    ipv4: str = ""
    mtu: int = 1500
    drops: int = 0
    tcp_fraction: float = 1.0
    """What is left of its speed, although its link looks well."""
    mode: str = "nic"
    next_mode: str = ""
    own_mode: str = ""
    """Of a BlueField card: nic or dpu, now and after the next power cycle, and as the card itself runs; empty: the same."""


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
    authenticated: bool = True
    """Whether its switch has let it in, where ports are guarded (802.1X)."""
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
    transport_under_load: dict[str, int] = field(default_factory=dict)
    """What its transport counts with every transfer."""
    carrier_changes: int = 2
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
