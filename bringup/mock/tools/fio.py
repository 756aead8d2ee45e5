"""`fio` reading one NVMe drive, with its JSON. Only what reads is known; only root may open a drive."""

from __future__ import annotations

import json
from pathlib import Path

from bringup.mock import load, physics
from bringup.mock.host_files import drives
from bringup.mock.switchboard import Reply
from bringup.mock.tools.call import Call, Options


async def fio(call: Call) -> Reply:
    """One job."""
    options = Options(call.args, ("--name", "--filename", "--rw", "--runtime", "--output-format"))
    if (
        options.get("--rw") != "read"
        or options.get("--output-format") != "json"
        or not options.has("--readonly")
    ):
        return Reply(
            1, stderr="This node is simulated: only fio --readonly --rw=read --output-format=json is known\n"
        )
    name = Path(options.get("--filename")).name
    numbers = {device: int(device[4:-2]) for device, *_ in drives(call.node)}
    if name not in numbers:
        return Reply(
            1, stderr=f"fio: looks like your file system does not have {options.get('--filename')}\n"
        )
    if not call.as_root:
        return Reply(
            1, stderr="fio: pid=4711, err=13/file:filesetup.c:791, func=open, error=Permission denied\n"
        )
    seconds = options.whole("--runtime", default=3)
    await call.cluster.pause(seconds)
    rng = call.cluster.random("fio", call.node.name, name)
    rate = int(load.drive_gbs(call.node, numbers[name]) * 1e9 * physics.noise(rng))
    reading = {"io_bytes": rate * seconds, "bw_bytes": rate, "bw": rate // 1024, "runtime": seconds * 1000}
    job = {
        "jobname": options.get("--name"),
        "error": 0,
        "read": reading,
        "write": {"io_bytes": 0, "bw_bytes": 0},
    }
    return Reply(stdout=json.dumps({"fio version": "fio-3.28", "jobs": [job]}, indent=2) + "\n")
