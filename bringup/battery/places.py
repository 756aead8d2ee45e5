"""Where a PCI device is in the words of the other checks: the GPU, the adapter, else the node."""

from __future__ import annotations

from bringup.model import Node
from bringup.parsers.nvidia_smi_gpu import Smi
from bringup.parsers.pci_sysfs import Device


def device_path(node: Node, smi: Smi | None, device: Device) -> str:
    """The component path of a device. A GPU whose index nobody told is named by its address."""
    if device.is_gpu:
        return (
            f"{node.name}/gpu/{smi.label(device.address) if smi and device.is_nvidia_gpu else device.address}"
        )
    return f"{node.name}/hca/{device.rdma}" if device.rdma else node.name
