"""`nvidia-smi`: its table, lists, NVLink and topology views, and the way into its reports and queries."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from bringup.mock.hardware import Gpu, Hca, Presence, SimNode
from bringup.mock.switchboard import Reply
from bringup.mock.tools import nvidia_query, nvidia_report
from bringup.mock.tools.call import Call, Options
from bringup.mock.tools.nvidia_memory import memory

_NO_DRIVER = (
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA"
    " driver is installed and running.\n\n"
)
_INFOROM = "WARNING: infoROM is corrupted at gpu {bdf}\n"
_VALUED = ("-i", "--id", "-d", "--display", "-l", "--loop", "-f")
_ERROR_NAMES = ("Replay Errors", "Recovery Errors", "CRC Errors")
_BAR = "+-----------------------------------------+------------------------+----------------------+"
_WIDE = "+-----------------------------------------------------------------------------------------+"


def nvidia_smi(call: Call) -> Reply:
    """One call of nvidia-smi."""
    node = call.node
    if not node.driver_loaded:
        return Reply(status=9, stdout=_NO_DRIVER)
    lost = [g for g in node.gpus if g.presence is Presence.LOST]
    complaint = "".join(
        f"Unable to determine the device handle for GPU{g.index}: {g.bdf.upper()}: Unknown Error\n"
        for g in lost
    )
    if lost and node.smi_fails:
        return Reply(status=255, stdout=complaint)
    reply = _answer(call, node)
    reply = replace(reply, stderr=complaint + reply.stderr)
    bad = [g for g in node.visible_gpus if g.inforom_corrupted]
    if bad and call.args[:1] not in (("nvlink",), ("topo",)):
        reply = replace(
            reply, stdout=reply.stdout + "".join(_INFOROM.format(bdf=g.bdf) for g in bad), status=14
        )
    return reply


def _answer(call: Call, node: SimNode) -> Reply:
    args = call.args
    options = Options(args, _VALUED)
    gpus = [g for g in node.visible_gpus if _chosen(g, options.get("-i", "--id"))]
    if args[:1] == ("nvlink",):
        return _nvlink(node, gpus, options)
    if args[:1] == ("topo",):
        if options.has("-p2p", "--p2pstatus"):
            return _p2p(gpus)
        return _topo(node, gpus) if options.has("-m", "--matrix") else _usage()
    if options.has("--query-gpu"):
        return nvidia_query.gpus(node, options.get("--query-gpu"), options.get("--format"), gpus)
    if options.has("--query-compute-apps"):
        return nvidia_query.apps(options.get("--query-compute-apps"), options.get("--format"), gpus)
    if options.has("-q", "--query"):
        xml = options.has("-x", "--xml-format")
        return Reply(stdout=nvidia_report.xml(node, gpus) if xml else nvidia_report.text(node, gpus))
    if options.has("-L", "--list-gpus"):
        return Reply(stdout="".join(_heading(g) for g in gpus) or "No devices found.\n")
    if options.has("--version"):
        return Reply(stdout=f"NVIDIA-SMI version  : {node.driver}\nDRIVER version      : {node.driver}\n")
    if set(args) - {"-i", "--id", options.get("-i", "--id")}:
        return _usage()
    return Reply(stdout=_table(node, gpus)) if gpus else Reply(status=6, stdout="No devices were found\n")


def _usage() -> Reply:
    return Reply(
        status=2, stdout='Invalid combination of input arguments. Please run "nvidia-smi -h" for help.\n\n'
    )


def _chosen(gpu: Gpu, wanted: str) -> bool:
    names = (str(gpu.index), gpu.uuid, gpu.long_bdf, gpu.bdf, gpu.serial)
    return not wanted or any(word.strip().lower() in map(str.lower, names) for word in wanted.split(","))


def _heading(gpu: Gpu) -> str:
    return f"GPU {gpu.index}: {gpu.name} (UUID: {gpu.uuid})\n"


def _nvlink(node: SimNode, gpus: Sequence[Gpu], options: Options) -> Reply:
    lines: list[str] = []
    for gpu in gpus:
        lines.append(_heading(gpu))
        status = not options.has("-e", "--errorcounters", "-R", "--remotelinkinfo")
        links = sorted((*gpu.kind.links, *gpu.kind.unwired)) if status else gpu.kind.links
        if all(gpu.link_gbs(link) == 0 for link in links):
            lines.append("NVML: Unable to retrieve NVLink information as all links are inActive\n")
            continue
        for link in links:
            if options.has("-e", "--errorcounters"):
                counts = [
                    of.get(link, 0) for of in (gpu.link_errors, gpu.link_recoveries, gpu.link_crc_errors)
                ]
                pairs = zip(_ERROR_NAMES, counts, strict=True)
                lines += [f"\t Link {link}: {name}: {count}\n" for name, count in pairs] + ["\n"]
            elif options.has("-R", "--remotelinkinfo"):
                lines.append(f"\t Link {link}: Remote Device {_far_end(node, gpu, link)}\n")
            else:
                speed = gpu.link_gbs(link)
                lines.append(f"\t Link {link}: {_speed(speed) if speed else '<inactive>'}\n")
    return Reply(stdout="".join(lines))


def _far_end(node: SimNode, gpu: Gpu, link: int) -> str:
    """Where a link ends: at a switch, or at the same link of the card on the other side of the bridge."""
    if node.shape.bridged:
        return f"{node.gpus[gpu.index ^ 1].long_bdf}: Link {link}"
    return f"0000000{link % 4}:00:00.0: Link {gpu.index * 4 + link // 4}"


def _speed(gbs: float) -> str:
    """Whole numbers have no decimals."""
    return f"{gbs:.0f} GB/s" if gbs == int(gbs) else f"{gbs:.3f} GB/s"


def _topo(node: SimNode, gpus: Sequence[Gpu]) -> Reply:
    hcas = [h for h in node.hcas if h.present]
    head = [f"GPU{g.index}" for g in gpus] + [f"NIC{i}" for i in range(len(hcas))]
    rows = [
        "\t"
        + "\t".join(
            f"\x1b[4m{name}\x1b[0m" for name in [*head, "CPU Affinity", "NUMA Affinity", "GPU NUMA ID"]
        )
    ]
    cores = node.shape.cores_per_socket
    for gpu in gpus:
        cells = [" X " if other is gpu else f"NV{_shared_links(gpu, other)}" for other in gpus]
        cells += [_near(node, gpu, hca) for hca in hcas]
        firsts = [(2 * thread + gpu.numa) * cores for thread in range(node.shape.threads_per_core)]
        cpus = ",".join(f"{first}-{first + cores - 1}" for first in firsts)
        rows.append("\t".join([f"GPU{gpu.index}", *cells, cpus, str(gpu.numa), "\tN/A"]))
    for i, hca in enumerate(hcas):
        cells = [_near(node, gpu, hca) for gpu in gpus]
        cells += [" X " if o is hca else "NODE" if o.numa == hca.numa else "SYS" for o in hcas]
        rows.append("\t".join([f"NIC{i}", *cells, "\t"]))
    names = "".join(f"  NIC{i}: {hca.name}\n" for i, hca in enumerate(hcas))
    return Reply(stdout="\n".join(rows) + _TOPO_LEGEND + names + "\n")


def _p2p(gpus: Sequence[Gpu]) -> Reply:
    rows = [" \t" + "".join(f"GPU{gpu.index}\t" for gpu in gpus)]
    for gpu in gpus:
        cells = ("X" if other is gpu else "OK" if _shared_links(gpu, other) else "NS" for other in gpus)
        rows.append(f" GPU{gpu.index}\t" + "".join(f"{cell}\t" for cell in cells))
    legend = "\n\nLegend:\n\n  X    = Self\n  OK   = Status Ok\n  NS   = Not supported\n  U    = Unknown\n"
    return Reply(stdout="\n".join(rows) + legend)


def _shared_links(a: Gpu, b: Gpu) -> int:
    return min(sum(g.link_gbs(link) > 0 for link in g.kind.links) for g in (a, b))


def _near(node: SimNode, gpu: Gpu, hca: Hca) -> str:
    if (
        hca.rail == gpu.index and hca.numa == gpu.numa and gpu.kind.addressing != "ATS"
    ):  # no PCIe switch is between Grace and its GPUs
        return "PIX"
    return "NODE" if hca.numa == gpu.numa else "SYS"


_TOPO_LEGEND = """

Legend:

  X    = Self
  SYS  = Connection traversing PCIe as well as the SMP interconnect between NUMA nodes (e.g., QPI/UPI)
  NODE = Connection traversing PCIe as well as the interconnect between PCIe Host Bridges within a NUMA node
  PHB  = Connection traversing PCIe as well as a PCIe Host Bridge (typically the CPU)
  PXB  = Connection traversing multiple PCIe bridges (without traversing the PCIe Host Bridge)
  PIX  = Connection traversing at most a single PCIe bridge
  NV#  = Connection traversing a bonded set of # NVLinks

NIC Legend:

"""


def _table(node: SimNode, gpus: Sequence[Gpu]) -> str:
    version = (
        f" NVIDIA-SMI {node.driver:<22} Driver Version: {node.driver:<14} CUDA Version: {node.shape.cuda:<8} "
    )
    lines = [
        time.strftime("%a %b %d %H:%M:%S %Y       "),
        _WIDE,
        f"|{version:<89}|",
        "|-----------------------------------------+------------------------+----------------------+",
        "| GPU  Name                 Persistence-M | Bus-Id          Disp.A | Volatile Uncorr. ECC |",
        "| Fan  Temp   Perf          Pwr:Usage/Cap |           Memory-Usage | GPU-Util  Compute M. |",
        "|                                         |                        |               MIG M. |",
        "|=========================================+========================+======================|",
    ]
    for gpu in gpus:
        _, used, _ = memory(gpu)
        name = gpu.name if len(gpu.name) <= 25 else f"{gpu.name[:22]}..."
        ecc = str(gpu.ecc_uncorrected) if gpu.ecc_mode == "Enabled" else "Off"
        persistence = "On" if gpu.persistence == "Enabled" else "Off"
        busy = 97 if gpu.processes else 0
        power = f"{gpu.power_w:.0f}W / {gpu.power_limit_w:4d}W"
        use = f"{used:8d}MiB / {gpu.memory_mib:6d}MiB"
        lines += [
            f"| {gpu.index:3d}  {name:<27}{persistence:>6}  |   {gpu.long_bdf} Off | {ecc:>20} |",
            f"| N/A   {gpu.temperature_c:2d}C    P0{power:>24} |{use} |{busy:7d}%      Default |",
            f"|                                         |                        | {gpu.mig:>20} |",
            _BAR,
        ]
    return "\n".join([*lines, " " * 89, *_process_rows(gpus)]) + "\n"


def _process_rows(gpus: Sequence[Gpu]) -> list[str]:
    rows = [
        _WIDE,
        "| Processes:                                                                              |",
        "|  GPU   GI   CI              PID   Type   Process name                        GPU Memory |",
        "|        ID   ID                                                               Usage      |",
        "|=========================================================================================|",
    ]
    found = [
        f"|  {gpu.index:3d}   N/A  N/A{p.pid:16d}      C   {p.name[:33]:<34}{f'{p.memory_mib}MiB':>12} |"
        for gpu in gpus
        for p in gpu.processes
    ]
    return [*rows, *(found or [f"|  {'No running processes found':<87}|"]), _WIDE]
