"""Which component a PCI device is, in the words of component paths; shared by the checks of the bus."""

from __future__ import annotations

from collections.abc import Iterable

from bringup.parsers.nvidia_smi_gpu import Smi
from bringup.parsers.pci_sysfs import AMD, Device


class Places:
    """The component paths of a node's PCI devices.

    NVIDIA GPUs are numbered by their driver, and named by their address where it does not answer. AMD GPUs are
    numbered in the order of their addresses, as their driver does.
    """

    def __init__(self, node: str, smi: Smi | None, devices: Iterable[Device]) -> None:
        self._node, self._smi = node, smi
        amd = sorted(d.address for d in devices if d.vendor == AMD and d.is_gpu)
        self._amd = {address: str(number) for number, address in enumerate(amd)}

    def of(self, device: Device) -> str:
        """The path of a GPU or adapter; of any other device the node's (its address belongs into the words)."""
        if device.is_gpu:
            known = self._amd.get(device.address) or (
                self._smi.label(device.address) if self._smi else device.address
            )
            return f"{self._node}/gpu/{known}"
        return f"{self._node}/hca/{device.rdma}" if device.rdma else self._node
