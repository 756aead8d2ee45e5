"""What nvidia-smi tells about a GPU, whatever the layout in which it tells it.

`None` always means: the driver prints N/A, prints that it does not support the field, or has no such field.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bringup.errors import CannotJudge
from bringup.parsers.nvidia_smi_errors import Complaint, Kind


@dataclass(frozen=True, slots=True)
class Ecc:
    """ECC errors over all memories, since the driver was loaded (volatile) and since manufacture."""

    volatile_uncorrected: int | None
    aggregate_uncorrected: int | None
    sram_threshold_exceeded: bool | None
    repair_pending: tuple[str, ...]
    volatile_sram_corrected: int | None = None
    aggregate_sram_uncorrected: int | None = None


@dataclass(frozen=True, slots=True)
class Remap:
    """Row remapping of the GPU's memory (Ampere and later).

    All None where the driver prints N/A (Turing, MIG).
    """

    correctable: int | None
    uncorrectable: int | None
    pending: bool | None
    failed: bool | None


@dataclass(frozen=True, slots=True)
class Retired:
    """Retired memory pages, which older GPUs have instead of row remapping."""

    single_bit: int | None
    double_bit: int | None
    pending: bool | None


@dataclass(frozen=True, slots=True)
class Pcie:
    """The PCIe link as the driver sees it.

    The current generation of an idle GPU is no evidence: it saves power.
    """

    gen: int | None
    gen_max: int | None
    width: int | None
    width_max: int | None
    replays: int | None


@dataclass(frozen=True, slots=True)
class Fabric:
    """The GPU's place in the NVLink fabric.

    All None on boards without one, and with drivers that do not tell.
    """

    state: str | None
    status: str | None
    clique: int | None
    cluster: str | None
    health: str | None
    complaints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """Clocks and power limits: what the GPU can do, and what it has been set to.

    `application_mhz` is the clock that an administrator chose; newer drivers no longer report it.
    """

    sm_max_mhz: int | None = None
    application_mhz: int | None = None
    application_default_mhz: int | None = None
    power_limit_default_w: float | None = None
    power_limit_max_w: float | None = None


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU. `index` is nvidia-smi's own number, None where the document does not show it (see `parse`)."""

    index: int | None
    address: str
    lost: bool
    name: str | None
    uuid: str | None
    serial: str | None
    vbios: str | None
    minor: int | None
    memory_mib: int | None
    persistence: str | None
    mig: str | None
    mig_devices: int
    ecc_mode: str | None
    recovery_action: str | None
    ecc: Ecc
    remap: Remap
    retired: Retired
    pcie: Pcie
    slowdowns: tuple[str, ...] | None
    temperature_c: float | None
    memory_temperature_c: float | None
    power_w: float | None
    power_limit_w: float | None
    fabric: Fabric
    settings: Settings = Settings()

    @property
    def hardware_slowdowns(self) -> tuple[str, ...]:
        """The active reasons that point at power, cooling or the board, not at limits set by software."""
        return tuple(reason for reason in self.slowdowns or () if reason.startswith("hw_"))

    @property
    def label(self) -> str:
        """How component paths name the GPU: its index, else its PCI address."""
        return self.address if self.index is None else str(self.index)


@dataclass(frozen=True, slots=True)
class Smi:
    """The whole document. `attached` is the driver's own count, None in old drivers."""

    driver: str | None
    cuda: str | None
    attached: int | None
    gpus: tuple[Gpu, ...]
    complaints: tuple[Complaint, ...] = ()

    def label(self, address: str) -> str:
        """How component paths name the GPU at an address: its index, or the address if nobody knows that."""
        for gpu in self.gpus:
            if gpu.address == address:
                return gpu.label
        for complaint in self.complaints:
            if complaint.address == address and complaint.index is not None:
                return str(complaint.index)
        return address

    def demand(self, expected: int, what: str, silent: Sequence[str] = ()) -> None:
        """Raises CannotJudge unless `expected` GPUs answer and none of them was silent about `what`."""
        if silent:
            raise CannotJudge(f"{what} not reported by GPU {', '.join(silent)}")
        if len(self.answering) < expected:
            raise CannotJudge(
                f"only {len(self.answering)} of {expected} GPUs answer, the others are not judged",
                code="GPU-MISSING",
            )

    @property
    def answering(self) -> tuple[Gpu, ...]:
        """The GPUs whose values can be read: all that the driver has not lost."""
        return tuple(gpu for gpu in self.gpus if not gpu.lost)

    @property
    def lost(self) -> dict[str, str]:
        """GPUs that do not answer the driver: PCI address -> the driver's reason."""
        lost = {gpu.address: "GPU is lost" for gpu in self.gpus if gpu.lost}
        for complaint in self.complaints:
            if complaint.kind is Kind.GPU and complaint.address is not None:
                lost.setdefault(complaint.address, complaint.reason)
        return lost
