"""/sys of a simulated node, rendered from its parts: file contents and symbolic links by path.

Devices live below /sys/devices behind one bridge each, as on real machines, and are reached through /sys/bus and
/sys/class by relative links. A GPU that fell off the bus is still listed, but its link reads as nonsense.
"""

from __future__ import annotations

from bringup.mock import host_files, roce
from bringup.mock.hardware import Aer, Gpu, Hca, Logical, Nic, Presence, SimNode
from bringup.mock.kernel_log import upstream_of
from bringup.mock.procfs import numa_nodes
from bringup.mock.shapes import LINK_GENERATIONS

GTS_OF_GEN = {1: 2.5, 2: 5.0, 3: 8.0, 4: 16.0, 5: 32.0, 6: 64.0}

_AER_WORDS = {
    "correctable": (
        "RxErr",
        "BadTLP",
        "BadDLLP",
        "Rollover",
        "Timeout",
        "NonFatalErr",
        "CorrIntErr",
        "HeaderOF",
    ),
    "nonfatal": (
        "Undefined",
        "DLP",
        "SDES",
        "TLP",
        "FCP",
        "CmpltTO",
        "CmpltAbrt",
        "UnxCmplt",
        "RxOF",
        "MalfTLP",
    ),
    "fatal": (
        "Undefined",
        "DLP",
        "SDES",
        "TLP",
        "FCP",
        "CmpltTO",
        "CmpltAbrt",
        "UnxCmplt",
        "RxOF",
        "MalfTLP",
    ),
}
_AER_TOTALS = {"correctable": "TOTAL_ERR_COR", "nonfatal": "TOTAL_ERR_NONFATAL", "fatal": "TOTAL_ERR_FATAL"}
_AER_HIT = {"correctable": "RxErr", "nonfatal": "CmpltTO", "fatal": "DLP"}

Files = dict[str, str]


def render(node: SimNode) -> tuple[Files, Files]:
    """All files (path below the node's root -> text) and symbolic links (path -> target)."""
    files: Files = {}
    links: Files = {}
    for gpu in node.gpus:
        if gpu.presence is not Presence.MISSING:
            _gpu(gpu, files, links)
        else:
            _port(
                files, links, gpu.bdf, _link_files(2.5, 0, GTS_OF_GEN[gpu.kind.pcie_gen], gpu.kind.pcie_width)
            )
    for bdf in node.shape.switch_bdfs:
        device = f"0x{node.shape.switch_device}"
        _pci(files, links, bdf, "0x10de", device, "0x068000", 0, _link_files(16.0, 2, 16.0, 2))
    for hca in node.hcas:
        if hca.present:
            _hca(node, hca, files, links)
    for nic in node.nics:
        _nic(nic, files, links)
    _machine(node, files)
    files |= host_files.sys(node)
    return files, links


def counters(hca: Hca) -> Files:
    """The counter files of a port, which change with its traffic."""
    base = f"{_device(hca.bdf)}/infiniband/{hca.name}/ports/1"
    return {
        **{f"{base}/counters/{name}": f"{value}\n" for name, value in hca.counters.items()},
        **{f"{base}/hw_counters/{name}": f"{value}\n" for name, value in hca.hw_counters.items()},
        f"{_device(hca.bdf)}/net/{hca.netdev}/carrier_changes": f"{hca.carrier_changes}\n",
    }


def slot_errors(bdf: str, aer: Aer) -> Files:
    """The error counters of a slot, which may change with what its device does."""
    return {f"{_device(bdf)}/{name}": text for name, text in _aer(aer).items()}


def rate_text(hca: Hca) -> str:
    """The rate as sysfs prints it: 400 Gb/sec (4X NDR)."""
    full = hca.rate_gbps * 4 // hca.lanes
    return f"{hca.rate_gbps} Gb/sec ({hca.lanes}X {LINK_GENERATIONS.get(full, 'NDR')})"


def link_speed(gts: float) -> str:
    return f"{gts:.1f} GT/s PCIe\n"


def _device(bdf: str) -> str:
    bridge = upstream_of(bdf)
    return f"sys/devices/pci{bridge[:7]}/{bridge}/{bdf}"


def _link_files(gts: float, width: int, most_gts: float, most_width: int) -> Files:
    return {
        "current_link_speed": link_speed(gts),
        "current_link_width": f"{width}\n",
        "max_link_speed": link_speed(most_gts),
        "max_link_width": f"{most_width}\n",
    }


def _pci(
    files: Files, links: Files, bdf: str, vendor: str, device: str, pci_class: str, numa: int, link: Files
) -> None:
    base = _device(bdf)
    text = {
        "vendor": f"{vendor}\n",
        "device": f"{device}\n",
        "class": f"{pci_class}\n",
        "numa_node": f"{numa}\n",
    }
    for name, value in {**text, **link, "enable": "1\n", "irq": "0\n"}.items():
        files[f"{base}/{name}"] = value
    _port(files, links, bdf, link)
    links[f"sys/bus/pci/devices/{bdf}"] = f"../../../{base.removeprefix('sys/')}"


def _port(files: Files, links: Files, bdf: str, link: Files) -> None:
    """The port above a slot shows the other end of the link; where the device is dead or missing, the link is gone."""
    bridge = upstream_of(bdf)
    parent = f"sys/devices/pci{bridge[:7]}/{bridge}"
    files |= {f"{parent}/vendor": "0x8086\n", f"{parent}/device": "0x352a\n", f"{parent}/class": "0x060400\n"}
    files |= {f"{parent}/{name}": value for name, value in link.items() if "_link_" in name and _told(link)}
    links[f"sys/bus/pci/devices/{bridge}"] = f"../../../devices/pci{bridge[:7]}/{bridge}"


def _told(link: Files) -> bool:
    return link["current_link_width"] != "63\n"


def _aer(aer: Aer) -> Files:
    files: Files = {}
    for kind, words in _AER_WORDS.items():
        count = getattr(aer, kind)
        rows = [f"{word} {count if word == _AER_HIT[kind] else 0}" for word in words]
        files[f"aer_dev_{kind}"] = "\n".join([*rows, f"{_AER_TOTALS[kind]} {count}"]) + "\n"
    return files


def _gpu(gpu: Gpu, files: Files, links: Files) -> None:
    kind = gpu.kind
    most = GTS_OF_GEN[gpu.pcie_gen_max]
    link = _link_files(GTS_OF_GEN[gpu.pcie_gen], gpu.pcie_width, most, kind.pcie_width)
    if gpu.presence is Presence.LOST:  # configuration reads give all ones
        link |= {"current_link_speed": "Unknown\n", "current_link_width": "63\n"}
    _pci(
        files,
        links,
        gpu.bdf,
        f"0x{kind.pci_vendor}",
        f"0x{kind.device_id.lower()}",
        f"0x{kind.pci_class}",
        gpu.numa,
        link | _aer(gpu.aer) | (_power(gpu) if kind.vendor == "amd" else {}),
    )


def _power(gpu: Gpu) -> Files:
    """What AMD's driver tells of the power limit, in microwatts; of a lost GPU nothing."""
    if gpu.presence is not Presence.OK:
        return {}
    return {
        "hwmon/hwmon3/power1_cap": f"{gpu.power_limit_w}000000\n",
        "hwmon/hwmon3/power1_cap_default": f"{gpu.kind.power_limit_w}000000\n",
    }


def _hca(node: SimNode, hca: Hca, files: Files, links: Files) -> None:
    pci_class = "0x020700" if hca.layer == "InfiniBand" else "0x020000"
    link = _link_files(hca.pcie_gts, hca.pcie_width, hca.kind.pcie_gts, hca.kind.pcie_width)
    _pci(
        files, links, hca.bdf, "0x15b3", f"0x{hca.kind.device_id}", pci_class, hca.numa, link | _aer(hca.aer)
    )
    pci = _device(hca.bdf)
    base = f"{pci}/infiniband/{hca.name}"
    up = hca.logical is not Logical.DOWN
    files |= {
        f"{base}/fw_ver": f"{hca.firmware}\n",
        f"{base}/board_id": f"{hca.kind.board_id}\n",
        f"{base}/hca_type": f"{hca.kind.hca_type}\n",
        f"{base}/hw_rev": "0\n",
        f"{base}/node_guid": f"{hca.guid}\n",
        f"{base}/sys_image_guid": f"{hca.guid}\n",
        f"{base}/node_type": "1: CA\n",
        f"{base}/node_desc": f"{node.hostname} {hca.name}\n",
        f"{base}/ports/1/state": f"{hca.logical}\n",
        f"{base}/ports/1/phys_state": f"{hca.physical}\n",
        f"{base}/ports/1/rate": f"{rate_text(hca)}\n",
        f"{base}/ports/1/link_layer": f"{hca.layer}\n",
        f"{base}/ports/1/lid": f"0x{hca.lid if hca.active else 0:x}\n",
        f"{base}/ports/1/sm_lid": f"0x{hca.sm_lid if hca.active else 0:x}\n",
        **{f"{base}/ports/1/{name}": text for name, text in roce.files(hca).items()},
        f"{base}/ports/1/pkeys/0": "0xffff\n" if hca.layer == "InfiniBand" else "0x0000\n",
        f"{pci}/net/{hca.netdev}/operstate": "up\n" if hca.active else "down\n",
        f"{pci}/net/{hca.netdev}/carrier": "1\n" if up else "0\n",
        f"{pci}/net/{hca.netdev}/speed": f"{hca.rate_gbps * 1000 if hca.active else -1}\n",
        f"{pci}/net/{hca.netdev}/mtu": f"{hca.mtu}\n",
        f"{pci}/net/{hca.netdev}/address": f"{roce.hardware_address(hca)}\n",
        f"{pci}/net/{hca.netdev}/flags": "0x1003\n" if up else "0x1002\n",
        **counters(hca),
    }
    links[f"{base}/device"] = f"../../../{hca.bdf}"
    links[f"{pci}/net/{hca.netdev}/device"] = f"../../../{hca.bdf}"
    links[f"sys/class/infiniband/{hca.name}"] = f"../../{base.removeprefix('sys/')}"
    links[f"sys/class/net/{hca.netdev}"] = f"../../{pci.removeprefix('sys/')}/net/{hca.netdev}"


def _nic(nic: Nic, files: Files, links: Files) -> None:
    """A network interface without RDMA, with its PCI device where it has one."""
    kind = nic.kind
    base = f"sys/class/net/{kind.name}"
    if kind.bdf:
        link = _link_files(16.0, 16, 16.0, 16)
        _pci(
            files, links, kind.bdf, f"0x{kind.vendor}", f"0x{kind.device}", "0x020000", 0, link | _aer(Aer())
        )
        base = f"{_device(kind.bdf)}/net/{kind.name}"
        links[f"sys/class/net/{kind.name}"] = f"../../{base.removeprefix('sys/')}"
        links[f"{base}/device"] = f"../../../{kind.bdf}"
    files |= {
        f"{base}/operstate": "up\n" if nic.link else "down\n",
        f"{base}/carrier": f"{int(nic.link)}\n",
        f"{base}/speed": f"{nic.speed_mbps if nic.link else -1}\n",
        f"{base}/mtu": f"{nic.mtu}\n",
        f"{base}/address": f"{nic.mac}\n",
        f"{base}/flags": "0x1003\n",
    }


def _machine(node: SimNode, files: Files) -> None:
    shape = node.shape
    if node.driver_loaded and shape.gpu_vendor:
        files[f"sys/module/{shape.gpu.kernel_driver}/version"] = f"{node.driver}\n"
    if shape.mlx5:
        files["sys/module/mlx5_core/version"] = f"{shape.mlx5}\n"
    if shape.cpu_vendor == "ARM":  # /proc/cpuinfo of Arm names no socket
        for cpu in range(node.threads):
            package = cpu // (shape.cores_per_socket * shape.threads_per_core)
            files[f"sys/devices/system/cpu/cpu{cpu}/topology/physical_package_id"] = f"{package}\n"
    for number, (cpus, kib) in enumerate(numa_nodes(node)):
        base = f"sys/devices/system/node/node{number}"
        files[f"{base}/cpulist"] = f"{cpus}\n"
        files[f"{base}/meminfo"] = (
            f"Node {number} MemTotal:       {kib:>9} kB\nNode {number} MemFree:  {kib // 2:>9} kB\n"
        )
    files |= {
        "sys/class/dmi/id/product_serial": f"{node.serial}\n",
        "sys/class/dmi/id/product_name": f"{shape.product}\n",
        "sys/class/dmi/id/sys_vendor": f"{shape.vendor}\n",
        "sys/class/dmi/id/bios_version": f"{shape.bios}\n",
        "sys/class/dmi/id/board_serial": f"..CN{node.serial}00A1.\n",
        "sys/devices/system/clocksource/clocksource0/current_clocksource": (
            "arch_sys_counter\n" if shape.cpu_vendor == "ARM" else "tsc\n"
        ),
        "sys/devices/system/cpu/online": f"0-{node.threads - 1}\n",
        "sys/devices/system/edac/mc/mc0/ce_count": "0\n",
        "sys/devices/system/edac/mc/mc0/ue_count": "0\n",
        "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
        "sys/class/net/lo/operstate": "unknown\n",
        "sys/class/net/lo/flags": "0x9\n",
    }
