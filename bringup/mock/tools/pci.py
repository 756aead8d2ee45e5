"""`lspci`: the devices of the node as a list, or one by one with the state of their links.

Without root's rights the capabilities are hidden, as in the real tool. A GPU that fell off the bus answers all ones.
"""

from __future__ import annotations

from dataclasses import dataclass

from bringup.mock.hardware import Gpu, Presence, SimNode
from bringup.mock.kernel_log import upstream_of
from bringup.mock.switchboard import Reply
from bringup.mock.sysfs import GTS_OF_GEN
from bringup.mock.tools.call import Call, Options


@dataclass(frozen=True, slots=True)
class _Device:
    bdf: str
    kind: str
    code: str
    vendor: str
    name: str
    ids: str
    revision: str
    numa: int
    driver: str
    gts: float
    width: int
    most_gts: float
    most_width: int
    read_request: int = 4096


_KINDS = {
    "nvidia": ("3D controller", "0302", "NVIDIA Corporation"),
    "amd": ("Processing accelerators", "1200", "Advanced Micro Devices, Inc. [AMD/ATI]"),
}


def _revision(gpu: Gpu) -> str:
    if gpu.presence is Presence.LOST:
        return "ff"
    return "a1" if gpu.kind.vendor == "nvidia" else ""


def lspci(call: Call) -> Reply:
    options = Options(call.args, ("-s", "-d", "-i"))
    text = "".join(call.args)
    flags = "".join(a for a in call.args if a.startswith("-") and a[1:2] not in ("s", "d", "i"))
    devices = [d for d in _devices(call.node) if _wanted(d, options)]
    blocks: list[str] = []
    for device in devices:
        blocks.append(_head(device, numbers=flags.count("n"), domain="D" in text))
        if "v" in flags:
            blocks.append(_details(device, flags.count("v"), call.as_root, "+" if call.node.acs else "-"))
    return Reply(stdout="".join(blocks))


def _wanted(device: _Device, options: Options) -> bool:
    slot, ids = options.get("-s"), options.get("-d")
    if slot and not device.bdf.endswith(slot.lower()):
        return False
    return not ids or device.ids.startswith(ids.lower().rstrip(":"))


def _devices(node: SimNode) -> list[_Device]:
    shape = node.shape
    found = [
        _Device(g.bdf, *_KINDS[g.kind.vendor], f"Device {g.kind.device_id.lower()}",
                f"{g.kind.pci_vendor}:{g.kind.device_id.lower()}", _revision(g), g.numa, g.kind.kernel_driver,
                GTS_OF_GEN[g.pcie_gen], g.pcie_width, GTS_OF_GEN[g.kind.pcie_gen], g.kind.pcie_width)
        for g in node.gpus
        if g.presence is not Presence.MISSING
    ]  # fmt: skip
    found += [
        _Device(bdf, "Bridge", "0680", "NVIDIA Corporation", f"Device {shape.switch_device}",
                f"10de:{shape.switch_device}", "a1", 0, "nvidia-nvswitch", 16.0, 2, 16.0, 2)
        for bdf in shape.switch_bdfs
    ]  # fmt: skip
    found += [
        _Device(h.bdf, "Infiniband controller" if h.layer == "InfiniBand" else "Ethernet controller",
                "0207" if h.layer == "InfiniBand" else "0200", "Mellanox Technologies", h.kind.name,
                f"15b3:{h.kind.device_id}", "", h.numa, "mlx5_core", h.pcie_gts, h.pcie_width, h.kind.pcie_gts,
                h.kind.pcie_width, h.read_request)
        for h in node.hcas
        if h.present
    ]  # fmt: skip
    found += [
        _Device(n.kind.bdf, "Ethernet controller", "0200", n.kind.maker, n.kind.model, f"{n.kind.vendor}:{n.kind.device}",
                "02", 0, n.kind.driver, 16.0, 16, 16.0, 16)
        for n in node.nics
        if n.kind.bdf
    ]  # fmt: skip
    bridges = {upstream_of(d.bdf): d for d in found}
    found += [
        _Device(bdf, "PCI bridge", "0604", "Intel Corporation", "Device 352a", "8086:352a", "04", d.numa, "pcieport",
                d.gts, d.width, d.most_gts, d.most_width)
        for bdf, d in bridges.items()
    ]  # fmt: skip
    return sorted(found, key=lambda d: d.bdf)


def _head(device: _Device, *, numbers: int, domain: bool) -> str:
    bdf = device.bdf if domain else device.bdf.removeprefix("0000:")
    revision = f" (rev {device.revision})" if device.revision else ""
    if numbers >= 2:
        return (
            f"{bdf} {device.kind} [{device.code}]: {device.vendor} {device.name} [{device.ids}]{revision}\n"
        )
    if numbers:
        return f"{bdf} {device.code}: {device.ids}{revision}\n"
    return f"{bdf} {device.kind}: {device.vendor} {device.name}{revision}\n"


def _details(device: _Device, depth: int, as_root: bool, acs: str) -> str:
    if device.revision == "ff":
        return "\t!!! Unknown header type 7f\n\tKernel driver in use: nvidia\n\n"
    rows = [
        f"\tNUMA node: {device.numa}",
        "\tControl: I/O- Mem+ BusMaster+ SpecCycle- MemWINV- VGASnoop- ParErr- Stepping-",
    ]
    if not as_root:
        rows.append("\tCapabilities: <access denied>")
    elif depth >= 2:
        rows += [
            "\tCapabilities: [60] Express (v2) Endpoint, MSI 00",
            "\t\tDevCtl:\tCorrErr+ NonFatalErr+ FatalErr+ UnsupReq+",
            f"\t\t\tMaxPayload 256 bytes, MaxReadReq {device.read_request} bytes",
            f"\t\tLnkCap:\tPort #0, Speed {device.most_gts:g}GT/s, Width x{device.most_width}, ASPM not supported",
            f"\t\tLnkSta:\tSpeed {device.gts:g}GT/s ({_word(device.gts, device.most_gts)}),"
            f" Width x{device.width} ({_word(device.width, device.most_width)})",
        ]
        if device.code == "0604":
            rows.append(
                f"\t\tACSCtl:\tSrcValid{acs} TransBlk- ReqRedir{acs} CmpltRedir{acs} UpstreamFwd{acs} EgressCtrl- DirectTrans-"
            )
    return "\n".join([*rows, f"\tKernel driver in use: {device.driver}", "", ""])


def _word(now: float, most: float) -> str:
    return "downgraded" if now < most else "ok"
