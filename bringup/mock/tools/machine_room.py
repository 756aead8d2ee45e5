"""Programs of the machine around the GPUs: ipmitool, nvme and lsblk."""

from __future__ import annotations

import json
import random
import time

from bringup.mock.hardware import SimNode
from bringup.mock.host_files import drives
from bringup.mock.switchboard import Reply
from bringup.mock.tools.call import Call, Options


def ipmitool(call: Call) -> Reply:
    """`sel elist`, `sdr` and `fru`-less basics, only as root."""
    words = Options(call.args, ("-I", "-H", "-U", "-P", "-L")).words
    if not call.as_root:
        return Reply(
            1,
            stderr="Could not open device at /dev/ipmi0 or /dev/ipmi/0 or /dev/ipmidev/0: No such file or directory\n",
        )
    if words[:3] == ["sel", "time", "get"]:
        return Reply(stdout=time.strftime("%m/%d/%Y %H:%M:%S\n", time.gmtime()))
    if words[:1] == ["sel"] and words[1:2] in (["elist"], ["list"]):
        return Reply(stdout=_sel(call.node))
    if words[:1] == ["sdr"]:
        return Reply(stdout=_sdr(call.node))
    if words[:2] == ["chassis", "status"]:
        return Reply(
            stdout="System Power         : on\nPower Overload       : false\nMain Power Fault     : false\n"
        )
    return Reply(1, stderr=f"Invalid command: {' '.join(words)}\n")


def _sel(node: SimNode) -> str:
    """The log begins with its own clearing, as after every delivery; what a fault logs is as young as the fault."""
    records = [(node.boot_time - 864_000, "Event Logging Disabled #0x07 | Log area reset/cleared | Asserted")]
    records += [(node.started, text) for text in node.sel]
    stamps = [time.strftime("%m/%d/%Y | %H:%M:%S", time.gmtime(when)) for when, _ in records]
    return "".join(
        f"{k:4x} | {stamp} | {text}\n"
        for k, (stamp, (_, text)) in enumerate(zip(stamps, records, strict=True), 1)
    )


def _sdr(node: SimNode) -> str:
    rng = random.Random(f"sdr/{node.name}")
    hot = max((gpu.temperature_c for gpu in node.gpus), default=30)
    rows = [
        ("Inlet Temp", f"{rng.randrange(20, 25)} degrees C"),
        ("Exhaust Temp", f"{hot + 6} degrees C"),
        *((f"Fan{k}", f"{rng.randrange(7000, 7600)} RPM") for k in range(1, 7)),
        *((f"PS{k} Input Power", f"{rng.randrange(300, 420)} Watts") for k in range(1, 5)),
        *((f"CPU{k} Temp", f"{rng.randrange(38, 46)} degrees C") for k in range(1, node.sockets + 1)),
    ]
    return "".join(f"{name:<16} | {value:<17} | ok\n" for name, value in rows)


def nvme(call: Call) -> Reply:
    """`nvme list [-o json]`."""
    options = Options(call.args, ("-o", "--output-format"))
    if options.words[:1] != ["list"]:
        return Reply(1, stderr=f"ERROR: Invalid sub-command '{' '.join(options.words)}'\n")
    if not call.as_root:
        return Reply(1, stderr="Failed to open /dev/nvme0: Permission denied\n")
    if options.get("-o", "--output-format") != "json":
        head = (
            f"{'Node':<21} {'SN':<20} {'Model':<40} {'Usage'}\n{'-' * 21} {'-' * 20} {'-' * 40} {'-' * 26}\n"
        )
        rows = [f"/dev/{n:<16} {s:<20} {m:<40} {b / 1e12:.2f}  TB\n" for n, m, s, b in drives(call.node)]
        return Reply(stdout=head + "".join(rows))
    devices = [
        {
            "NameSpace": 1,
            "DevicePath": f"/dev/{name}",
            "GenericPath": f"/dev/ng{name[4:]}",
            "Firmware": "OPPA4B5Q",
            "ModelNumber": model,
            "SerialNumber": serial,
            "UsedBytes": size // 3,
            "MaximumLBA": size // 512,
            "PhysicalSize": size,
            "SectorSize": 512,
        }
        for name, model, serial, size in drives(call.node)
    ]
    return Reply(stdout=json.dumps({"Devices": devices}, indent=2) + "\n")


def lsblk(call: Call) -> Reply:
    """`lsblk [-J]`."""
    mounted = [
        (name, k, size, "/" if k == 0 else f"/mnt/nvme{k}")
        for k, (name, _, _, size) in enumerate(drives(call.node))
    ]
    if Options(call.args, ("-o", "--output")).has("-J", "--json"):
        rows = [
            {
                "name": name,
                "maj:min": f"259:{k}",
                "rm": False,
                "size": _size(size),
                "ro": False,
                "type": "disk",
                "mountpoints": [mount],
            }
            for name, k, size, mount in mounted
        ]
        return Reply(stdout=json.dumps({"blockdevices": rows}, indent=3) + "\n")
    head = "NAME        MAJ:MIN RM   SIZE RO TYPE MOUNTPOINTS\n"
    lines = [
        f"{name:<11} {f'259:{k}':<7}  0 {_size(size):>6}  0 disk {mount}\n"
        for name, k, size, mount in mounted
    ]
    return Reply(stdout=head + "".join(lines))


def _size(size: int) -> str:
    return f"{size / 2**40:.1f}T" if size > 2**40 else f"{size / 2**30:.1f}G"
