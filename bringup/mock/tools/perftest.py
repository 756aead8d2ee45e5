"""ib_write_bw, ib_read_bw, ib_send_bw and their latency sisters: two calls that meet over a TCP port.

A server waits for its client, and shows as a listening port of its node while it does. A client without a server
ends at once, as the real one does. What they measure comes from bringup.mock.physics.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bringup.mock import load, physics
from bringup.mock.cluster import Cluster
from bringup.mock.fabric import End, Fabric
from bringup.mock.hardware import UNLIMITED, Gpu, Hca, Logical, SimNode
from bringup.mock.switchboard import Reply
from bringup.mock.tools.call import Call, Options
from bringup.mock.tools.perftest_text import WAITING, Row, Settings, banner, report, table

_VALUED = (
    "-d", "--ib-dev", "-i", "--ib-port", "-p", "--port", "-s", "--size", "-q", "--qp", "-D", "--duration", "-n",
    "--iters", "-x", "--gid-index", "-S", "--sl", "-m", "--mtu", "-t", "--tx-depth", "-u", "--qp-timeout", "-f",
    "--margin", "-T", "--tos", "--tclass", "--use_cuda", "--use_rocm", "-Q", "--cq-mod", "-I", "--inline_size", "--out_json_file",
    "-c", "--connection", "-w", "--limit_bw",
)  # fmt: skip
_NO_SOCKET = "Unable to open file descriptor for socket connection Unable to init the socket connection\n"
_NO_MEMORY = "Couldn't allocate MR\nfailed to create mr\nFailed to create MR\n Couldn't create IB resources\n"
_LOST_PEER = (
    "ethernet_read_keys: Couldn't read remote address\n Unable to read to socket/rdma_cm\n"
    " Failed to exchange data between server and clients\n"
)
_RETRY_EXCEEDED = (
    " Completion with error at client\n Failed status 12: wr_id 0 syndrom 0x81\nscnt=128, ccnt=0\n"
    " Failed to complete run_iter_bw function successfully\n"
)
_NO_PATH = "Failed to modify QP {qpn} to RTR\n Unable to Connect the HCA's through the link\n"
_USAGE = " Invalid Command or flag.\n Please check command line and run again.\n"
_THROUGH_CPU = 0.45
_SETUP_S = 0.25
_RETRY_S = 4.0
_SIZES = tuple(1 << k for k in range(1, 24))
_MESSAGES_PER_US = 7.0


@dataclass(slots=True)
class _Waiting:
    """A server that waits for its client."""

    node: SimNode
    settings: Settings
    met: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    reply: Reply = field(default_factory=lambda: Reply(1, stderr=_LOST_PEER))


class Perftest:
    """The perftest programs of one cluster: who waits where."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[int, int], _Waiting] = {}

    async def __call__(self, call: Call) -> Reply:
        options = Options(call.args, _VALUED)
        if options.has("-V", "--version"):
            return Reply(1, stdout="Version: 6.24\n")
        settings = _settings(call, options)
        if isinstance(settings, Reply):
            return settings
        port = options.whole("-p", "--port", default=18515)
        if not options.words:
            return await self._serve(call, settings, port)
        reply, rows = await self._connect(call, settings, options.words[0], port)
        if rows and options.has("--out_json"):
            name = options.get("--out_json_file", default="perftest_out.json")
            Path(call.cwd / name).write_text(report(settings, rows), encoding="utf-8")
        return reply

    async def _serve(self, call: Call, settings: Settings, port: int) -> Reply:
        key = (call.node.index, port)
        if key in self._waiting:
            return Reply(1, stdout=WAITING, stderr=f"Couldn't listen to port {port}\n{_NO_SOCKET}")
        waiting = _Waiting(call.node, settings)
        self._waiting[key] = waiting
        call.cluster.listen(call.node, port, on=True)
        try:
            await waiting.met.wait()
            self._close(call.cluster, key)
            await waiting.ended.wait()
        finally:
            waiting.gone.set()
            if self._waiting.get(key) is waiting:
                self._close(call.cluster, key)
        return waiting.reply

    def _close(self, cluster: Cluster, key: tuple[int, int]) -> None:
        """The server no longer listens: it has its client, or it ended."""
        waiting = self._waiting.pop(key)
        cluster.listen(waiting.node, key[1], on=False)

    async def _connect(self, call: Call, mine: Settings, host: str, port: int) -> tuple[Reply, list[Row]]:
        cluster = call.cluster
        far = cluster.find(host)
        if far is None:
            return Reply(1, stderr=f"Name or service not known for {host}:{port}\n{_NO_SOCKET}"), []
        waiting = (
            self._waiting.get((far.index, port)) if cluster.reachable(far) and not far.firewalled else None
        )
        if waiting is None or waiting.met.is_set():
            return Reply(1, stderr=f"Couldn't connect to {host}:{port}\n{_NO_SOCKET}"), []
        waiting.met.set()
        try:
            return await self._meet(call, mine, waiting)
        finally:
            waiting.ended.set()

    async def _meet(self, call: Call, mine: Settings, waiting: _Waiting) -> tuple[Reply, list[Row]]:
        cluster, theirs = call.cluster, waiting.settings
        a, b = End(call.node, mine.hca), End(waiting.node, theirs.hca)
        rng = cluster.random("perftest", a.node.name, a.hca.name, b.node.name, b.hca.name, call.tool)
        qpns = (rng.randrange(0x80, 0x4000), rng.randrange(0x80, 0x4000))
        head, far_head = banner(mine, qpns, b.hca), banner(theirs, qpns[::-1], a.hca)
        if a.hca.layer != b.hca.layer:
            text = _NO_PATH.format(qpn=qpns[0])
            waiting.reply = Reply(1, WAITING + far_head, text)
            return Reply(1, head, text), []
        if a.hca.refuses or b.hca.refuses or (mine.verb, mine.is_latency) != (theirs.verb, theirs.is_latency):
            await cluster.pause(_RETRY_S)
            waiting.reply = Reply(1, WAITING + far_head + table(theirs, []), _LOST_PEER)
            return Reply(1, head + table(mine, []), _RETRY_EXCEEDED), []
        attempts = [cluster.attempt(end.hca, end.node) for end in (a, b)]  # both count
        if not all(attempts):
            await cluster.pause(_RETRY_S)
            waiting.reply = Reply(1, WAITING + far_head + table(theirs, []), _LOST_PEER)
            return Reply(1, head + table(mine, []), _RETRY_EXCEEDED), []
        rows = await self._run(cluster, a, b, mine, waiting)
        if waiting.gone.is_set():
            return Reply(1, head + table(mine, []), _RETRY_EXCEEDED), []
        waiting.reply = Reply(0, WAITING + far_head + table(theirs, rows))
        return Reply(0, head + table(mine, rows)), rows

    async def _run(self, cluster: Cluster, a: End, b: End, s: Settings, waiting: _Waiting) -> list[Row]:
        """The transfer itself. A server that is killed meanwhile ends it."""
        rng = cluster.random("run", a.node.name, a.hca.name, b.node.name, b.hca.name, s.verb)
        if s.is_latency:
            row = _latency_row(s, a, b, rng, cluster.fabric)
            await _unless_gone(cluster, waiting, s.seconds or _SETUP_S)
            return [row]
        ways = [cluster.way(a, b), *([cluster.way(b, a)] if s.both_ways else [])]
        for way in ways:
            cluster.fabric.begin(way)
        try:
            shares = [cluster.fabric.share_gbps(way) for way in ways]
            await _unless_gone(cluster, waiting, (s.seconds or 0.1) / 2)
            shares += [cluster.fabric.share_gbps(way) for way in ways]
            await _unless_gone(cluster, waiting, (s.seconds or 0.1) / 2)
        finally:
            for way in ways:
                cluster.fabric.end(way)
        speed = min([*shares, *_gpu_gbps((a.node, s), (b.node, waiting.settings))]) * physics.noise(rng)
        rows = [_bandwidth_row(s, size, speed) for size in (_SIZES if s.all_sizes else (s.size,))]
        moved = sum(row.size * row.iterations for row in rows)
        cluster.moved(a.node, a.hca, moved, moved if s.both_ways else 0)
        cluster.moved(b.node, b.hca, moved if s.both_ways else 0, moved)
        return rows


async def _unless_gone(cluster: Cluster, waiting: _Waiting, seconds: float) -> None:
    """Let time pass, but no longer than the other side lives."""
    pause = asyncio.ensure_future(cluster.pause(seconds))
    gone = asyncio.ensure_future(waiting.gone.wait())
    try:
        await asyncio.wait({pause, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (pause, gone):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def _bandwidth_row(s: Settings, size: int, plateau: float) -> Row:
    gbps = min(plateau, size * 8 * _MESSAGES_PER_US / 1000) * (2 if s.both_ways else 1)
    iterations = s.iterations * s.qps
    if s.seconds is not None:
        iterations = int(gbps * 1e9 / 8 / size * s.seconds)
    return Row(size, iterations, gbps)


def _latency_row(s: Settings, a: End, b: End, rng: random.Random, fabric: Fabric) -> Row:
    typical = physics.latency_us(a, b, rng, fabric) + (1.6 if s.verb == "read" else 0.0) + s.size / 48000
    average = typical + rng.uniform(0.01, 0.05)
    p99, p999 = typical * 1.12, typical * 1.9
    iterations = s.iterations if s.seconds is None else int(s.seconds * 1e6 / (2 * average))
    return Row(
        s.size, iterations, latencies_us=(typical * 0.97, typical * 3.2, typical, average, 0.05, p99, p999)
    )


def _settings(call: Call, options: Options) -> Settings | Reply:
    """How the program was called, or what it says instead of starting."""
    hca = _device(call, options.get("-d", "--ib-dev"))
    if isinstance(hca, Reply):
        return hca
    if hca.logical is not Logical.ACTIVE:
        state = "Init" if hca.logical is Logical.INIT else "Down"
        text = f" Port number 1 state is {state}\n Couldn't set the link layer\n Couldn't get context for the device\n"
        return Reply(1, stderr=text)
    _, verb, kind = call.tool.split("_")
    is_latency = kind == "lat"
    size = options.whole("-s", "--size", default=2 if is_latency else 65536)
    qps = options.whole("-q", "--qp", default=1)
    locked = call.node.memlock_kib
    if not call.as_root and locked != UNLIMITED and locked * 1024 < max(size, 4096) * 2 * qps + 128 * 1024:
        return Reply(1, stderr=_NO_MEMORY)
    seconds = options.get("-D", "--duration")
    gpu = _gpu(call, options)
    if isinstance(gpu, Reply):
        return gpu
    return Settings(
        gpu=gpu,
        verb=verb,
        is_latency=is_latency,
        hca=hca,
        size=size,
        qps=qps,
        seconds=float(seconds) if seconds.isdigit() else None,
        iterations=options.whole("-n", "--iters", default=1000 if is_latency else 5000),
        gbits=options.has("--report_gbits"),
        both_ways=options.has("-b", "--bidirectional"),
        all_sizes=options.has("-a", "--all"),
        gid_index=options.get("-x", "--gid-index"),
        is_client=bool(options.words),
    )


def _gpu(call: Call, options: Options) -> Gpu | Reply | None:
    """The GPU whose memory is to be used, or what the program says instead of starting."""
    kind = next((k for k in ("--use_cuda", "--use_rocm") if options.has(k)), "")
    if not kind:
        return None
    if (kind == "--use_cuda") != (call.node.shape.gpu_vendor == "nvidia"):
        return Reply(1, stderr=f"{call.tool}: unrecognized option '{kind}={options.get(kind)}'\n{_USAGE}")
    trouble = load.cuda_trouble(call.node)
    index = options.whole(kind, default=0)
    if trouble or index >= len(call.node.visible_gpus):
        return Reply(1, stderr=f"{trouble or 'No such device id'}\n Couldn't allocate MR\n")
    if "nvidia_peermem" in call.node.unloaded and not options.has("--use_cuda_dmabuf"):
        return Reply(1, stderr=_NO_MEMORY)
    if "nvidia_peermem" in call.node.unloaded and call.node.files.get("proc/driver/nvidia/version"):
        return Reply(1, stderr=f"DMA-BUF is not supported on this GPU\n{_NO_MEMORY}")  # the closed driver
    return call.node.visible_gpus[index]


def _gpu_gbps(*ends: tuple[SimNode, Settings]) -> list[float]:
    """What the GPUs' own way to the adapters carries; access control sends it through the processor."""
    return [
        load.host_gbs(s.gpu) * 8 * (_THROUGH_CPU if node.acs else 1.0)
        for node, s in ends
        if s.gpu is not None
    ]


def _device(call: Call, name: str) -> Hca | Reply:
    present = [h for h in call.node.hcas if h.present]
    if not name and not present:
        return Reply(1, stderr=" Did not detect devices\n If device exists, check if driver is up\n")
    found = call.node.hca(name or present[0].name)
    if found is None:
        return Reply(1, stderr=f"IB device {name} not found\n Unable to find the Infiniband/RoCE device\n")
    return found
