"""`iperf3`: TCP throughput between two nodes over their fastest plain network interface, or with a server of the site.

A host that is no node of the cluster is such a server: it has a fast line and serves one test on each port at a time.
"""

from __future__ import annotations

import json
import time

from bringup.mock import physics
from bringup.mock.hardware import SimNode
from bringup.mock.switchboard import Reply
from bringup.mock.tools.call import Call, Options
from bringup.mock.tools.meeting import Meetings

_VALUED = (
    "-c", "--client", "-p", "--port", "-t", "--time", "-P", "--parallel", "-i", "--interval", "-l", "--len", "-w",
    "-B", "--bind", "--connect-timeout", "-b", "--bitrate", "-O", "--omit", "-A", "--affinity", "-n", "-M", "-C",
)  # fmt: skip
_TCP_SHARE = 0.94  # of the line, after Ethernet, IP and TCP headers
_ONE_STREAM_GBPS = 38.0
_BUSY = "the server is busy running a test. try again later"
_VERSION = "iperf 3.12"
_REFUSED = "unable to connect to server - server may have stopped running or use a different port, firewall issue, etc."


class Iperf:
    """The iperf3 programs of one cluster."""

    def __init__(self) -> None:
        self._meetings = Meetings()
        self._busy: set[tuple[str, int]] = set()

    async def __call__(self, call: Call) -> Reply:
        options = Options(call.args, _VALUED)
        port = options.whole("-p", "--port", default=5201)
        if options.has("-v", "--version"):
            return Reply(stdout=f"{_VERSION} (cJSON 1.7.15)\n")
        if options.has("-s", "--server"):
            return await self._serve(call, port, once=options.has("-1", "--one-off"))
        host = options.get("-c", "--client")
        if not host:
            return Reply(1, stderr="iperf3: parameter error - must either be a client (-c) or server (-s)\n")
        return await self._client(call, options, host, port)

    async def _serve(self, call: Call, port: int, *, once: bool) -> Reply:
        bar = "-" * 59
        text = f"{bar}\nServer listening on {port} (test #1)\n{bar}\n"
        while True:
            waiting = await self._meetings.serve(call, port)
            if waiting is None:
                error = "unable to start listener for connections: Address already in use"
                return Reply(1, stderr=f"iperf3: error - {error}\niperf3: exiting\n")
            text += waiting.result
            if once:
                return Reply(stdout=text)

    async def _client(self, call: Call, options: Options, host: str, port: int) -> Reply:
        in_json = options.has("-J", "--json")
        seconds = options.whole("-t", "--time", default=10)
        streams = options.whole("-P", "--parallel", default=1)
        if call.cluster.find(host) is None:
            return await self._site(call, host, port, seconds, streams, in_json=in_json)
        waiting = self._meetings.find(call, host, port)
        if waiting is None:
            if in_json:  # this version ends well all the same
                return Reply(stdout=_document(call, host, port, seconds, streams, f"error - {_REFUSED}"))
            return Reply(1, stderr=f"iperf3: error - {_REFUSED}\n")
        try:
            rng = call.cluster.random("iperf3", call.node.name, waiting.node.name)
            gbps = min(_line_gbps(call.node), _line_gbps(waiting.node), streams * _ONE_STREAM_GBPS)
            gbps *= _TCP_SHARE * physics.noise(rng)
            await call.cluster.pause(seconds)
            waiting.result = (
                f"[SUM]   0.00-{seconds}.00  sec  {gbps:.1f} Gbits/sec                  receiver\n"
            )
        finally:
            waiting.ended.set()
        if in_json:
            return Reply(stdout=_document(call, host, port, seconds, streams, gbps))
        return Reply(stdout=f"[SUM]   0.00-{seconds}.00  sec  {gbps:.1f} Gbits/sec    0             sender\n")

    async def _site(
        self, call: Call, host: str, port: int, seconds: int, streams: int, *, in_json: bool
    ) -> Reply:
        """A test with a server of the site, in either direction."""
        wrong = f"error - {_REFUSED}" if f"{host}:{port}" in call.node.unreachable else ""
        wrong = wrong or (_BUSY if (host, port) in self._busy else "")
        gbps = 0.0
        if not wrong:
            self._busy.add((host, port))
            try:
                await call.cluster.pause(seconds)
            finally:
                self._busy.discard((host, port))
            rng = call.cluster.random("iperf3", call.node.name, host)
            gbps = min(_line_gbps(call.node), streams * _ONE_STREAM_GBPS) * _TCP_SHARE * physics.noise(rng)
        if in_json:
            return Reply(stdout=_document(call, host, port, seconds, streams, wrong or gbps))
        if wrong:
            return Reply(1, stderr=f"iperf3: {wrong}\n")
        return Reply(stdout=f"[SUM]   0.00-{seconds}.00  sec  {gbps:.1f} Gbits/sec    0             sender\n")


def _line_gbps(node: SimNode) -> float:
    """The fastest plain interface that has link."""
    return (
        max((nic.speed_mbps / 1000 * nic.tcp_fraction for nic in node.nics if nic.link), default=0.1)
        * node.fraction
    )


def _document(call: Call, host: str, port: int, seconds: int, streams: int, gbps: float | str) -> str:
    """The JSON of a test: how fast it was, or what was wrong."""
    start: dict[str, object] = {
        "connected": [],
        "version": _VERSION,
        "system_info": f"Linux {call.node.hostname} {call.node.shape.kernel} {call.node.shape.machine}",
    }
    if isinstance(gbps, str):
        return _printed({"start": start, "intervals": [], "end": {}, "error": gbps})
    start |= {
        "timestamp": {
            "time": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime()),
            "timesecs": int(time.time()),
        },
        "connecting_to": {"host": host, "port": port},
        "test_start": {
            "protocol": "TCP",
            "num_streams": streams,
            "blksize": 131072,
            "omit": 0,
            "duration": seconds,
            "bytes": 0,
            "blocks": 0,
            "reverse": 0,
            "tos": 0,
            "target_bitrate": 0,
        },
    }
    total = {"start": 0, "end": seconds, "seconds": seconds, "bytes": int(gbps * 1e9 / 8 * seconds)}
    sums = {**total, "bits_per_second": gbps * 1e9}
    cpu = dict.fromkeys(("host_total", "host_user", "host_system"), 21.4)
    end = {
        "sum_sent": {**sums, "retransmits": 0, "sender": True},
        "sum_received": {**sums, "bits_per_second": gbps * 1e9 * 0.9998, "sender": True},
        "cpu_utilization_percent": cpu
        | dict.fromkeys(("remote_total", "remote_user", "remote_system"), 24.9),
        "sender_tcp_congestion": "cubic",
        "receiver_tcp_congestion": "cubic",
    }
    intervals = [{"sum": {**sums, "omitted": False, "sender": True}}]
    return _printed({"start": start, "intervals": intervals, "end": end})


def _printed(document: dict[str, object]) -> str:
    return json.dumps(document, indent="\t", separators=(",", ":\t")) + "\n"
