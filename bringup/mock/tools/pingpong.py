"""`ibv_rc_pingpong`: whether two ports can exchange messages at all, and how long one takes."""

from __future__ import annotations

from bringup.mock import physics, roce
from bringup.mock.fabric import End
from bringup.mock.hardware import Hca
from bringup.mock.switchboard import Reply
from bringup.mock.tools.call import Call, Options
from bringup.mock.tools.meeting import Meetings

_VALUED = (
    "-d", "--ib-dev", "-i", "--ib-port", "-p", "--port", "-s", "--size", "-n", "--iters", "-g", "--gid-idx", "-m",
    "--mtu", "-r", "--rx-depth", "-l", "--sl",
)  # fmt: skip
_RETRY_S = 4.0


class Pingpong:
    """The ibv_rc_pingpong programs of one cluster."""

    def __init__(self) -> None:
        self._meetings = Meetings()

    async def __call__(self, call: Call) -> Reply:
        options = Options(call.args, _VALUED)
        mine = _device(call, options)
        if isinstance(mine, Reply):
            return mine
        port = options.whole("-p", "--port", default=18515)
        iterations, size = (
            options.whole("-n", "--iters", default=1000),
            options.whole("-s", "--size", default=4096),
        )
        if not options.words:
            waiting = await self._meetings.serve(call, port)
            if waiting is None:
                return Reply(1, stderr=f"Couldn't listen to port {port}\n")
            return _ended(waiting.result, mine)
        waiting = self._meetings.find(call, options.words[0], port)
        if waiting is None:
            return Reply(1, stderr=f"Couldn't connect to {options.words[0]}:{port}\n")
        try:
            theirs = _device(call, Options(waiting.args, _VALUED), waiting.node.hcas)
            if isinstance(theirs, Reply) or mine.layer != theirs.layer or mine.refuses or theirs.refuses:
                await call.cluster.pause(_RETRY_S)
                text = "Failed status transport retry counter exceeded (12) for wr_id 2\n"
                waiting.result = f"failed\n{text}"
                return Reply(1, stdout=_line("local", mine), stderr=text)
            rng = call.cluster.random("pingpong", call.node.name, mine.name, waiting.node.name, theirs.name)
            ends = End(call.node, mine), End(waiting.node, theirs)
            us = 2 * physics.latency_us(*ends, rng, call.cluster.fabric) + size / 24_000
            total = us * iterations / 1e6
            await call.cluster.pause(total)
            megabits = 2 * size * iterations * 8 / total / 1e6
            text = (
                f"{2 * size * iterations} bytes in {total:.2f} seconds = {megabits:.2f} Mbit/sec\n"
                f"{iterations} iters in {total:.2f} seconds = {us:.2f} usec/iter\n"
            )
            waiting.result = _line("remote", mine) + text
            return Reply(stdout=_line("local", mine) + _line("remote", theirs) + text)
        finally:
            waiting.ended.set()


def _ended(result: str, mine: Hca) -> Reply:
    if result.startswith("failed\n"):
        return Reply(1, stdout=_line("local", mine), stderr=result.removeprefix("failed\n"))
    return Reply(0 if result else 1, stdout=_line("local", mine) + result)


def _device(call: Call, options: Options, hcas: list[Hca] | None = None) -> Hca | Reply:
    """The port that is named, or the first; a complaint where it cannot be used."""
    present = [h for h in (call.node.hcas if hcas is None else hcas) if h.present]
    name = options.get("-d", "--ib-dev")
    found = next((h for h in present if not name or h.name == name), None)
    if found is None:
        return Reply(1, stderr=f"IB device {name} not found\n" if name else "No IB devices found\n")
    if found.layer == "Ethernet" and not options.has("-g", "--gid-idx"):
        return Reply(1, stderr="Failed to modify QP to RTR\nCouldn't connect to remote QP\n")
    if not found.active:
        return Reply(1, stderr="Couldn't get local LID\n")
    return found


def _line(who: str, hca: Hca) -> str:
    gid = "::" if hca.layer == "InfiniBand" else roce.gids(hca)[-1].gid
    return f"  {who + ' address:':<16}LID 0x{hca.lid:04x}, QPN 0x0000{hca.lid + 80:02x}, PSN 0x2c41a7, GID {gid}\n"
