"""`iperf3 -J`: TCP or UDP throughput between two nodes, in both directions.

The program exits with 0 and prints figures even when the connection was refused or the server died, so `error` is
read first, and a result with an error has no figures here. With `--bidir` the second direction has keys of its own.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers import inside
from bringup.parsers.reading import quoted
from bringup.parsers.reading_json import count, document, figure, mapping, words_or_none

SENDS, RECEIVES = "sends", "receives"
BUSY = "the server is busy running a test"
BEGUN = '"test_start"'
"""What the document holds of a test that began: what broke it after that is no question of turns."""
BETWEEN = "[Cc]onnection refused|[Cc]onnection reset"
"""What a client is told by a server between two tests: it closes its listening port after each one and opens it again,
and whoever is connecting meanwhile is refused or reset (seen with 3.12; 3.20 does the same)."""
_CONNECT_MS = 8000
_ASK = f"""ask() {{
  n=0
  while :; do
    iperf3 @OPTIONS@ -J --connect-timeout {_CONNECT_MS} "$@" >"$TMP/answer" 2>"$TMP/words"
    s=$?
    n=$((n + 1))
    grep -q '{BEGUN}' "$TMP/answer" && break
    grep -Eq '{BUSY}|{BETWEEN}' "$TMP/answer" "$TMP/words" && [ $n -lt 10 ] || break
    sleep 0.5 2>/dev/null || sleep 1
  done
  if [ -s "$TMP/answer" ]; then cat "$TMP/answer"; else cat "$TMP/words"; fi
  echo
  return $s
}}
"""


def server(port: int, seconds: int) -> Command:
    """The waiting side of both directions; it waits on when they are done. Listens on TCP `port`."""
    return Command(
        f"exec iperf3 -s -p {port:d}", needs=("iperf3",), timeout_s=2.0 * seconds + 90.0, listens=port,
        estimate_s=2.0 * seconds + 2.0,
    )  # fmt: skip


def client(peer: str, port: int, seconds: int, streams: int = 8) -> Command:
    """The measuring side: over several streams to the server at `peer`, and then from it.

    A server that still ends the test before is asked again. What breaks once a test has begun is told as it is.
    """
    options = f"-c {shlex.quote(peer)} -p {port:d} -t {seconds:d} -P {streams:d}"
    ask = _ASK.replace("@OPTIONS@", options)
    return Command(
        ask + inside.section(SENDS, "ask\n") + inside.section(RECEIVES, "ask -R\n"),
        needs=("iperf3",),
        timeout_s=2.0 * seconds + 60.0,
        max_bytes=4 << 20,
        alone=True,
        estimate_s=2.0 * seconds + 2.0,
    )


@dataclass(frozen=True, slots=True)
class Flow:
    """One direction. None: not reported (`retransmits` is for TCP, the losses are for UDP).

    Old versions tell only the sender's rate of UDP.
    """

    sent_gbps: float | None
    received_gbps: float | None
    retransmits: int | None = None
    lost_packets: int | None = None
    lost_percent: float | None = None
    jitter_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """One test. `error` is the program's sentence; then there are no flows. `back` is the second one of --bidir.

    `reverse` means that the server sent. None: the program did not get far enough to say.
    """

    error: str | None
    protocol: str | None
    reverse: bool | None
    streams: int | None
    forward: Flow | None
    back: Flow | None = None


def parse(text: str) -> Transfer:
    """The test of a JSON report. Raises ParseError where it has neither an error nor figures."""
    root = mapping(document(text, "iperf3"), "iperf3: the document")
    error = words_or_none(root.get("error"), "iperf3: error")
    start = mapping(root.get("start", {}), "iperf3: start")
    about = mapping(start.get("test_start", {}), "iperf3: test_start")
    end = mapping(root.get("end", {}), "iperf3: end")
    forward = back = None
    if error is None:
        forward = _flow(end, "")
        back = _flow(end, "_bidir_reverse") if "sum_received_bidir_reverse" in end else None
        if forward is None:
            raise ParseError(f"iperf3: neither figures nor an error in {quoted(text)}")
    return Transfer(
        error=error,
        protocol=words_or_none(about.get("protocol"), "iperf3: protocol"),
        reverse=count(about["reverse"], "iperf3: reverse") == 1 if "reverse" in about else None,
        streams=count(about["num_streams"], "iperf3: num_streams") if "num_streams" in about else None,
        forward=forward,
        back=back,
    )


def _flow(end: Mapping[str, object], suffix: str) -> Flow | None:
    """A direction's sums."""
    alone = mapping(end.get(f"sum{suffix}", {}), "iperf3: sum")
    received = mapping(end.get(f"sum_received{suffix}", {}), "iperf3: sum_received")
    sent = mapping(end.get(f"sum_sent{suffix}", alone), "iperf3: sum_sent")
    if not received and not sent:
        return None
    losses = received or alone
    return Flow(
        sent_gbps=_gbps(sent) if sent else None,
        received_gbps=_gbps(received) if received else None,
        retransmits=count(sent["retransmits"], "iperf3: retransmits") if "retransmits" in sent else None,
        lost_packets=count(losses["lost_packets"], "iperf3: lost") if "lost_packets" in losses else None,
        lost_percent=figure(losses["lost_percent"], "iperf3: lost") if "lost_percent" in losses else None,
        jitter_ms=figure(losses["jitter_ms"], "iperf3: jitter") if "jitter_ms" in losses else None,
    )


def _gbps(sums: Mapping[str, object]) -> float:
    bits = figure(sums.get("bits_per_second"), "iperf3: bits_per_second")
    if bits < 0:
        raise ParseError(f"iperf3: {bits:g} bits per second")
    return bits / 1e9
