"""bringup's own collective on the simulated nodes: every node's call meets the others, and each prints its report.

As with the real program it is the first node that knows who came. PyTorch is on every simulated node with GPUs.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bringup.mock import load, physics
from bringup.mock.hardware import SimNode
from bringup.mock.tools import nccl_log
from bringup.mock.tools.call import Call, Options
from bringup.mock.tools.nccl_text import Rank

_VALUED = (
    "--node", "--nodes", "--meet", "--backend", "--processes", "--mib", "--join", "--load", "--seconds",
)  # fmt: skip
_START_S, _WORK_S = 3.0, 2.0
_START_ALL_S, _START_ONE_S = 5.0, 0.05
_RING_SHARE = 0.85
_TCP_GBS = 2.4
_NO_DATA = "DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:3690, remote process exited or there was a network error"


@dataclass(slots=True)
class _Meeting:
    """Who has come to one place. `members` are the nodes by their numbers."""

    members: dict[int, SimNode] = field(default_factory=dict)
    full: asyncio.Event = field(default_factory=asyncio.Event)


class OwnCollective:
    """The collectives of one cluster: where nodes meet now."""

    def __init__(self) -> None:
        self._meetings: dict[str, _Meeting] = {}

    async def __call__(self, call: Call) -> str:
        """What the program prints: with NCCL what its ranks say of their way, then the report."""
        options = Options(call.args[2:], _VALUED)
        said: list[str] = []
        report = await self._report(call, options, said)
        return "".join(said) + json.dumps(report) + "\n"

    async def _report(self, call: Call, options: Options, said: list[str]) -> dict[str, object]:
        number, nodes = options.whole("--node", default=0), options.whole("--nodes", default=1)
        place = options.get("--meet")
        report: dict[str, object] = {"bringup_collective": 1, "node": number, "host": call.node.hostname}
        processes = options.whole("--processes", default=1)
        own = range(number * processes, (number + 1) * processes)
        refused = self._refused(call, place, number)
        if refused:
            await call.cluster.pause(float(options.get("--join", default="30")))
            ranks = [{"rank": n, "host": call.node.hostname, "error": refused} for n in own]
            return report | {"ranks": ranks}
        meeting = self._meetings.setdefault(place, _Meeting())
        meeting.members[number] = call.node
        if len(meeting.members) == nodes:
            meeting.full.set()
            del self._meetings[place]
        patience = asyncio.ensure_future(_patience(call, float(options.get("--join", default="30")), nodes))
        full = asyncio.ensure_future(meeting.full.wait())
        try:
            await asyncio.wait({patience, full}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            patience.cancel()
            full.cancel()
            if number == 0 and self._meetings.get(place) is meeting:
                del self._meetings[place]
        if not meeting.full.is_set():
            return report | _incomplete(call, meeting, number, nodes, processes)
        return report | await _worked(call, options, meeting, number, nodes, processes, said)

    def _refused(self, call: Call, place: str, number: int) -> str:
        host, _, _ = place.rpartition(":")
        far = call.cluster.find(host.strip("[]"))
        if number == 0 or (far is not None and call.cluster.reachable(far) and not far.firewalled):
            return ""
        return f"RuntimeError: cannot reach {place}: TimeoutError: timed out"


async def _patience(call: Call, seconds: float, nodes: int) -> None:
    """As long as the real program waits for others, and in real time as long as this machine may need to start them."""
    begun = time.monotonic()
    await call.cluster.pause(seconds)
    await asyncio.sleep(_START_ALL_S + nodes * _START_ONE_S - (time.monotonic() - begun))


def _incomplete(call: Call, meeting: _Meeting, number: int, nodes: int, processes: int) -> dict[str, object]:
    missing = [n * processes + k for n in range(nodes) if n not in meeting.members for k in range(processes)]
    own = range(number * processes, (number + 1) * processes)
    ranks = [{"rank": n, "host": call.node.hostname, "step": "came", "stopped": "never came"} for n in own]
    found: dict[str, object] = {"ranks": ranks}
    if number == 0:
        steps = ["came" if n // processes in meeting.members else "" for n in range(nodes * processes)]
        found["meeting"] = {"why": "never came", "named": missing, "steps": steps}
    return found


async def _worked(
    call: Call, options: Options, meeting: _Meeting, number: int, nodes: int, processes: int, said: list[str]
) -> dict[str, object]:  # fmt: skip
    cluster, members = call.cluster, [meeting.members[n] for n in range(nodes)]
    await cluster.pause(_START_S)
    backend = options.get("--backend", default="auto")
    own = range(number * processes, (number + 1) * processes)
    total = nodes * processes
    hcas = nccl_log.allowed(call.variable("NCCL_IB_HCA"))
    if backend == "nccl":
        broken = [(n, trouble) for n, node in enumerate(members) if (trouble := load.cuda_trouble(node))]
        if not broken and call.variable("NCCL_DEBUG") == "INFO":
            said.append(_own_lines(call, members, processes, hcas))
        if not broken and physics.refusing(members, hcas) is not None:
            return _cut_off(call, members, number, own, total, hcas)
        if broken:
            first, trouble = broken[0]
            why = f"failed: RuntimeError: {trouble}"
            ended: dict[str, object] = {"error": f"RuntimeError: {trouble}"}
            ranks = [
                {"rank": n, "host": call.node.hostname, "step": "came"}
                | (ended if number == first else {"stopped": why})
                for n in own
            ]
            found: dict[str, object] = {"ranks": ranks}
            if number == 0:
                found["meeting"] = {"why": why, "named": [first * processes], "steps": ["came"] * total}
            return found
    elif backend == "auto":
        backend = "gloo" if all(node.shape.gpu_vendor for node in members) else "tcp"
    await cluster.pause(_WORK_S)
    speeds = [
        _TCP_GBS * node.fraction * physics.noise(cluster.random("links", node.name)) for node in members
    ]
    busbw = min(speeds) * _RING_SHARE
    if backend == "nccl":
        rng = cluster.random("nccl", *(node.name for node in members))
        busbw = physics.busbw_gbs("all_reduce", members, processes, hcas, rng, cluster.fabric)
        for node in members:
            cluster.worked(node)
    wrong = [
        sum(gpu.wrong_results for gpu in node.visible_gpus) if backend == "nccl" else 0 for node in members
    ]
    ranks = []
    for rank in own:
        links = []
        for far in range(1, min(nodes, 4)):
            of = (rank - far * processes) % total
            links.append([of, min(speeds[of // processes], speeds[number])])
        ranks.append(
            {
                "rank": rank, "host": call.node.hostname, "step": "out farewell",
                "torch": "2.9.1", "backend": backend, "wrong": sum(wrong) if sum(wrong) else 0,
                "size": options.whole("--mib", default=16) << 20, "busbw_gbs": max(busbw, 1e-3),
                "pace_ms": 2.0 * physics.noise(cluster.random("pace", call.node.name)), "links": links,
            }
        )  # fmt: skip
    done: dict[str, object] = {"ranks": ranks}
    if number == 0:
        done["meeting"] = {"why": "", "named": [], "steps": ["done"] * total}
    return done


def _own_lines(call: Call, members: Sequence[SimNode], processes: int, hcas: Sequence[str]) -> str:
    """What NCCL says on this node."""
    pids = call.cluster.random("pid", "torch", *(node.name for node in members))
    ranks = [
        Rank(node.hostname, index, gpu.bdf, gpu.name, pids.randrange(10_000, 4_000_000))
        for node in members
        for index, gpu in enumerate(node.visible_gpus[:processes])
    ]
    lines = nccl_log.lines(members, ranks, hcas).splitlines(keepends=True)
    return "".join(line for line in lines if line.startswith(f"{call.node.hostname}:"))


def _cut_off(
    call: Call, members: Sequence[SimNode], number: int, own: range, total: int, hcas: Sequence[str]
) -> dict[str, object]:
    """The fabric connects and lets no data through: a rank of another node is the first to be told."""
    refusing = physics.refusing(members, hcas)
    first = next(n for n, node in enumerate(members) if node is not refusing)
    why = f"failed: {_NO_DATA}"
    ended: dict[str, object] = {"error": _NO_DATA} if number == first else {"stopped": why}
    ranks = [{"rank": n, "host": call.node.hostname, "step": "in all_reduce"} | ended for n in own]
    found: dict[str, object] = {"ranks": ranks}
    if number == 0:
        steps = ["in all_reduce"] * total
        found["meeting"] = {"why": why, "named": [first * len(own)], "steps": steps}
    return found
