"""`df` and `last` of a simulated node, which must not tell about the machine that simulates."""

from __future__ import annotations

import time

from bringup.mock.hardware import SimNode
from bringup.mock.switchboard import Reply
from bringup.mock.tools.call import Call, Options

_DAY_S = 86400.0


def df(call: Call) -> Reply:
    """`df -Pk PATH...` for the mounts of the node's /proc/mounts."""
    root = str(call.cluster.root_of(call.node.index))
    table = (call.cluster.root_of(call.node.index) / "proc/mounts").read_text(encoding="utf-8")
    mounts = {words[1]: words for line in table.splitlines() if len(words := line.split()) >= 4}
    rows = ["Filesystem     1024-blocks      Used Available Capacity Mounted on"]
    paths = Options(call.args, ()).words or [root + at for at in mounts]
    for path in paths:
        at = path.removeprefix(root) or "/"
        mount = mounts.get(at)
        if mount is None:
            return Reply(1, stderr=f"df: {path}: No such file or directory\n")
        if at in call.node.stale:
            return Reply(hangs=True)
        total, percent = _size(call.node, at, mount[3])
        used = total * percent // 100
        rows.append(f"{mount[0]:<14} {total:>11} {used:>9} {total - used:>9} {percent:>7}% {path}")
    return Reply(stdout="\n".join(rows) + "\n")


def _size(node: SimNode, at: str, options: str) -> tuple[int, int]:
    """KiB and per cent in use. A tmpfs without a size of its own has half of the memory."""
    if at == "/dev/shm":
        given = [
            o.removeprefix("size=").removesuffix("k") for o in options.split(",") if o.startswith("size=")
        ]
        return (int(given[0]) if given else node.memory_gib << 19), 1
    if at == "/":
        return 431_000_000, node.root_used_percent
    if at == "/tmp":
        return 20_971_520, 2 if node.scratch else 100
    return (1_992_552, 17) if at == "/boot" else (3_748_905_472, 2)


def last(call: Call) -> Reply:
    """The boots that the login records know, as with `--time-format iso`: the last one, and those of the delivery."""
    boot = call.node.boot_time
    rows = [f"reboot   system boot  {call.node.shape.kernel[:16]:<16} {_iso(boot)}   still running"]
    rows += [
        f"reboot   system boot  {call.node.shape.kernel[:16]:<16} {_iso(boot - n * 900)} - {_iso(boot - n * 900 + 800)}  (00:13)"
        for n in range(1, call.node.boots_today)
    ]
    for days in (30.2, 31.7):
        start, end = boot - days * _DAY_S, boot - days * _DAY_S + 7200
        rows.append(
            f"reboot   system boot  {call.node.shape.kernel[:16]:<16} {_iso(start)} - {_iso(end)}  (02:00)"
        )
    return Reply(stdout="\n".join([*rows, "", f"wtmp begins {_iso(boot - 32 * _DAY_S)}"]) + "\n")


def _iso(when: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(when))
