"""The kernel log of a simulated node: the noise of a healthy boot, and the sentences that faults leave.

Only node-local facts go in; when an event happened is the caller's business.
"""

from __future__ import annotations

import random

from bringup.mock.hardware import Gpu, Hca, LogLine, Presence, SimNode

_GTS_PER_GEN = {1: "2.5", 2: "5.0", 3: "8.0", 4: "16.0", 5: "32.0", 6: "64.0"}
_LANE_GBPS = {2.5: 2.0, 5.0: 4.0, 8.0: 7.877, 16.0: 15.753, 32.0: 31.506, 64.0: 60.504}

# The part of an Xid's sentence after "pid=…, name=…, ".
_XIDS: dict[int, str] = {
    13: "Graphics SM Warp Exception on (GPC 2, TPC 4, SM 1): Out Of Range Address",
    31: "Ch 00000008, intr 00000000. MMU Fault: ENGINE GRAPHICS GPCCLIENT_T1_1 faulted @ 0x7f2a_10000000",
    43: "Ch 00000008",
    45: "Ch 00000008",
    48: "An uncorrectable double bit error (DBE) has been detected on GPU in the framebuffer at physical address 0x3c2b8000.",
    63: "Row Remapper: New row (0x000000003c2b8000) marked for remapping, reset gpu to activate.",
    64: "Row Remapper Error: (0x000000003c2b8000) - All reserved rows for bank are remapped",
    74: "NVLink: fatal error detected on link 7(0x10000, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0)",
    79: "GPU has fallen off the bus.",
    92: "High single-bit ECC error rate",
    94: "Contained: SM (0x1). RST: No, D-RST: No",
    95: "Uncontained: LTC TAG (0x2,0x0). RST: Yes, D-RST: No",
    119: "Timeout after 6s of waiting for RPC response from GPU{index} GSP! Expected function 76 (GSP_RM_CONTROL).",
    120: "GSP task timeout @ pc:0x5e3a66c, partition:4#0, task:1",
    145: "RLW_RXPIPE Nonfatal XC0 i0 Link 13 (0x0409a0c2 0x00000008 0x00000001 0x00000000 0x00100000 0x00000004)",
    149: "NETIR Fatal XC0 i0 Link -1 (0x000fe406 0x00000000 0x00000000 0x00000000 0x00000000 0x00000000)",
    154: "GPU recovery action changed from 0x0 (None) to 0x2 (Node Reboot Required)",
}
# Xids that come from the driver itself and name no process.
_NO_PROCESS = {79, 154, 145, 149}


def xid(gpu: Gpu, code: int) -> str:
    """The driver's line for an Xid on a GPU."""
    who = "" if code in _NO_PROCESS else "pid='<unknown>', name=<unknown>, "
    text = _XIDS.get(code, f"Unknown event {code:#x}").format(index=gpu.index)
    return f"NVRM: Xid (PCI:{gpu.xid_bdf}): {code}, {who}{text}"


def fell_off(gpu: Gpu) -> list[str]:
    """What the driver writes when a GPU stops answering on the bus."""
    return [
        f"NVRM: GPU at PCI:{gpu.xid_bdf}: {gpu.uuid}",
        f"NVRM: GPU Board Serial Number: {gpu.serial}",
        xid(gpu, 79),
        f"NVRM: GPU {gpu.bdf}: GPU has fallen off the bus.",
        f"NVRM: GPU {gpu.bdf}: GPU serial number is {gpu.serial}.",
        xid(gpu, 154),
    ]


def limited(bdf: str, upstream: str, width: int, gts: float, full_width: int, full_gts: float) -> str:
    """What the PCI core writes at boot about a device whose link is slower than it could be."""
    now, best = _LANE_GBPS[gts] * width, _LANE_GBPS[full_gts] * full_width
    return (
        f"pci {bdf}: {now:.3f} Gb/s available PCIe bandwidth, limited by {gts:.1f} GT/s PCIe x{width} link at "
        f"{upstream} (capable of {best:.3f} Gb/s with {full_gts:.1f} GT/s PCIe x{full_width} link)"
    )


def aer(bdf: str, driver: str, severity: str, device: str) -> list[str]:
    """The AER report of one PCIe error."""
    layer, agent, bit = {
        "correctable": ("Physical Layer", "Receiver ID", " [ 0] RxErr                  (First)"),
        "nonfatal": ("Transaction Layer", "Requester ID", " [14] CmpltTO                (First)"),
        "fatal": ("Data Link Layer", "Receiver ID", " [ 4] DLP                    (First)"),
    }[severity]
    word = {
        "correctable": "Corrected",
        "nonfatal": "Uncorrected (Non-Fatal)",
        "fatal": "Uncorrected (Fatal)",
    }[severity]
    return [
        f"pcieport {upstream_of(bdf)}: AER: {word} error received: {bdf}",
        f"{driver} {bdf}: PCIe Bus Error: severity={word}, type={layer}, ({agent})",
        f"{driver} {bdf}:   device [{device}] error status/mask=00000001/0000e000",
        f"{driver} {bdf}:   {bit}",
    ]


def upstream_of(bdf: str) -> str:
    """The bridge above a device: the bus before it, as the simulated topology has it."""
    domain, bus, _ = bdf.split(":")
    return f"{domain}:{int(bus, 16) - 1:02x}:01.0"


def link_down(hca: Hca) -> str:
    return f"mlx5_core {hca.bdf} {hca.netdev}: Link down"


def link_up(hca: Hca) -> str:
    return f"mlx5_core {hca.bdf} {hca.netdev}: Link up"


def _nvidia_boot(node: SimNode, rng: random.Random) -> list[str]:
    machine = node.shape.machine
    service = {
        "active": "systemd[1]: Started NVIDIA fabric manager service.",
        "failed": "systemd[1]: nvidia-fabricmanager.service: Failed with result 'exit-code'.",
    }
    return [
        "nvidia: loading out-of-tree module taints kernel.",
        "nvidia: module verification failed: signature and/or required key missing - tainting kernel",
        f"nvidia-nvlink: Nvlink Core is being initialized, major device number {rng.randrange(230, 240)}",
        f"NVRM: loading NVIDIA UNIX Open Kernel Module for {machine}  {node.driver}  Release Build  (dvs-builder)",
        *(f"nvidia {bdf}: enabling device (0000 -> 0002)" for bdf in node.shape.gpu_bdfs[:2]),
        f"nvidia-modeset: Loading NVIDIA UNIX Open Kernel Mode Setting Driver for {machine}  {node.driver}",
        "nvidia_uvm: module uses symbols nvUvmInterfaceDisableAccessCntr from proprietary module nvidia, inheriting taint.",
        *([service[node.fabric_manager]] if node.fabric_manager in service else ()),
        *(["systemd[1]: Started NVIDIA IMEX service."] if node.imex == "active" else ()),
    ]


def _amd_boot(node: SimNode, rng: random.Random) -> list[str]:
    ready = rng.randrange(20, 40)
    return [
        f"[drm] amdgpu version: {node.driver}",
        *(f"amdgpu {bdf}: amdgpu: Fetched VBIOS from ROM BAR" for bdf in node.shape.gpu_bdfs),
        f"amdgpu {node.shape.gpu_bdfs[0]}: amdgpu: RAS: optional ras ta ucode is not available",
        f"kfd kfd: amdgpu: added device 1002:{node.shape.gpu.device_id} ({ready} ms)",
        f"[drm] Initialized amdgpu 3.61.0 for {node.shape.gpu_bdfs[0]} on minor 1",
    ]


def _no_gpu_boot(node: SimNode, rng: random.Random) -> list[str]:
    return [
        f"{nic.kind.driver} {nic.kind.bdf} {nic.kind.name}: NIC Link is up {nic.speed_mbps // 1000} Gbps Full Duplex"
        for nic in node.nics
        if nic.kind.bdf and nic.link
    ] + [f"EXT4-fs (dm-0): mounted filesystem with ordered data mode. Quota mode: none. ({rng.randrange(9)})"]


def boot_lines(node: SimNode, rng: random.Random) -> list[LogLine]:
    """A healthy boot, with what a healthy boot complains about."""
    early = [
        f"Linux version {node.shape.kernel} (buildd@lcy02-amd64-109) (gcc 11.4.0) #122-Ubuntu SMP",
        f"Command line: BOOT_IMAGE=/boot/vmlinuz-{node.shape.kernel} root=/dev/mapper/vg0-root ro iommu=pt quiet",
        *(
            ["x86/split lock detection: #AC: crashing the kernel on kernel split_locks"]
            if node.shape.machine == "x86_64"
            else ()
        ),
        "ACPI: [Firmware Bug]: BIOS _OSI(Linux) query ignored",
        "pci 0000:00:00.0: EDR: ACPI event 0x3 received",
        "nvme nvme0: failed to set APST feature (2)",
        *(["mlx5_core: loading out-of-tree module taints kernel."] if node.shape.mlx5 else ()),
    ]
    late = {"nvidia": _nvidia_boot, "amd": _amd_boot}.get(node.shape.gpu_vendor, _no_gpu_boot)(node, rng)
    lines: list[LogLine] = []
    stamp = 0.0
    for text in early:
        lines.append(LogLine(stamp, text))
        stamp += rng.uniform(0.2, 1.1)
    for hca in node.hcas:
        text = f"mlx5_core {hca.bdf}: firmware version: {hca.firmware}"
        lines.append(LogLine(stamp := stamp + rng.uniform(0.01, 0.05), text))
        speed = f"{_LANE_GBPS[hca.kind.pcie_gts] * hca.kind.pcie_width:.3f}"
        text = f"mlx5_core {hca.bdf}: {speed} Gb/s available PCIe bandwidth ({hca.kind.pcie_gts} GT/s PCIe x16 link)"
        lines.append(LogLine(stamp := stamp + 0.001, text))
    for text in late:
        lines.append(LogLine(stamp := stamp + rng.uniform(0.05, 0.6), text))
    for hca in node.hcas:
        if hca.active and hca.is_fabric:
            lines.append(LogLine(stamp := stamp + rng.uniform(0.01, 0.4), link_up(hca)))
    day = 86400.0
    while (stamp := stamp + rng.uniform(0.3, 1.2) * day) < node.uptime_now - 7200:
        lines.append(
            LogLine(
                stamp,
                "perf: interrupt took too long (2503 > 2500), lowering kernel.perf_event_max_sample_rate",
            )
        )
    return lines


def pcie_limits(node: SimNode) -> list[LogLine]:
    """The boot's complaints about narrow or slow slots; they follow from the state of the parts."""
    lines: list[LogLine] = []
    for gpu in node.gpus:
        kind = gpu.kind
        if gpu.presence is not Presence.MISSING and (gpu.pcie_width, gpu.pcie_gen_max) != (
            kind.pcie_width,
            kind.pcie_gen,
        ):
            gts, full = float(_GTS_PER_GEN[gpu.pcie_gen_max]), float(_GTS_PER_GEN[kind.pcie_gen])
            text = limited(gpu.bdf, upstream_of(gpu.bdf), gpu.pcie_width, gts, kind.pcie_width, full)
            lines.append(LogLine(3.0 + gpu.index / 100, text))
    for n, hca in enumerate(node.hcas):
        best = (hca.kind.pcie_width, hca.kind.pcie_gts)
        if hca.present and (hca.pcie_width, hca.pcie_gts) != best:
            text = limited(hca.bdf, upstream_of(hca.bdf), hca.pcie_width, hca.pcie_gts, *best)
            lines.append(LogLine(3.5 + n / 100, text))
    return lines


def text_of(node: SimNode) -> list[LogLine]:
    """The whole log in its order."""
    rng = random.Random(f"log/{node.name}/{node.boot_id}")
    return sorted([*boot_lines(node, rng), *pcie_limits(node), *node.log], key=lambda line: line.stamp)
