"""Several perftest transfers between two nodes in one script for each side: at the same time, or one after the other.

Each transfer has a TCP port of its own. The server's script starts all its servers, waits until all but the last listen,
and only then starts that one, so that whoever sees the last port listen knows that all are ready. Both sides tell the
error counters of the ports that they use before and after.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers import inside
from bringup.parsers.inside import Sections
from bringup.parsers.perftest import choose_gid
from bringup.parsers.reading import quoted, whole

COUNTERS = {
    "link_error_recovery": "link.rise.recovery",
    "link_downed": "link.rise.link_downed",
    "port_rcv_errors": "link.rise.rcv_errors",
    "port_xmit_discards": "link.rise.xmit_discards",
    "local_link_integrity_errors": "link.rise.integrity_errors",
    "excessive_buffer_overrun_errors": "link.rise.buffer_overruns",
}
"""Counters of a port, and the limits of profiles for what they may rise."""
_SLACK_S = 30.0
_TEXT_BYTES = 4 << 20
_VENDORS = {"cuda": "0x10de", "rocm": "0x1002"}
_NEAR = r"""near() {
  { readlink -f "$ROOT/sys/class/infiniband/$1/device"
    for d in "$ROOT"/sys/bus/pci/devices/*; do
      [ "$(cat "$d/vendor" 2>/dev/null)" = "$2" ] || continue
      case $(cat "$d/class") in 0x0300*|0x0302*|0x0380*|0x1200*) readlink -f "$d" ;; esac
    done; } | awk '
    NR == 1 { n = split($0, own, "/"); next }
    { m = split($0, p, "/"); for (i = 1; i <= n && i <= m && own[i] == p[i]; i++); if (i > best) { best = i; at = NR - 2 } }
    END { if (NR > 1) print at }'
}
CUDA_DEVICE_ORDER=PCI_BUS_ID
export CUDA_DEVICE_ORDER
"""


@dataclass(frozen=True, slots=True)
class Flow:
    """One transfer from the client's adapter to the server's. `memory` is "" for the host's, else cuda or rocm: that
    of the GPU nearest to the adapter."""

    client_hca: str
    server_hca: str
    tool: str = "ib_write_bw"
    options: str = ""
    memory: str = ""


def server(flows: Sequence[Flow], port: int, seconds: float) -> Command:
    """The waiting side of all flows; the last one listens at the last of as many ports."""
    lines = [_NEAR if any(flow.memory for flow in flows) else "", *_counters(flows, "before", client=False)]
    for number, flow in enumerate(flows):
        if number == len(flows) - 1 and number:
            lines.append(_until_listening(range(port, port + number)))
        lines.append(_start(number, flow, flow.server_hca, port + number, ""))
    lines += [_result(number) for number in range(len(flows))]
    lines += _counters(flows, "after", client=False)
    tools = tuple(dict.fromkeys(flow.tool for flow in flows))
    return Command(
        "".join(lines), timeout_s=seconds + 2 * _SLACK_S, max_bytes=_TEXT_BYTES, needs=tools,
        listens=port + len(flows) - 1, estimate_s=seconds + 3.0,
    )  # fmt: skip


def client(flows: Sequence[Flow], port: int, seconds: float, peer: str, *, at_once: bool) -> Command:
    """The measuring side: all flows at the same time, or each after the one before. `seconds` is for all of them."""
    lines = [_NEAR if any(flow.memory for flow in flows) else "", *_counters(flows, "before", client=True)]
    for number, flow in enumerate(flows):
        lines.append(_start(number, flow, flow.client_hca, port + number, peer))
        if not at_once:
            lines.append(_result(number))
    if at_once:
        lines += [_result(number) for number in range(len(flows))]
    lines += _counters(flows, "after", client=True)
    tools = tuple(dict.fromkeys(flow.tool for flow in flows))
    return Command(
        "".join(lines), timeout_s=seconds + _SLACK_S, max_bytes=_TEXT_BYTES, needs=tools, alone=True,
        estimate_s=seconds + 3.0,
    )  # fmt: skip


def _start(number: int, flow: Flow, hca: str, port: int, peer: str) -> str:
    memory = ""
    if flow.memory:
        memory = f'gpu=$(near "$hca" {_VENDORS[flow.memory]})\n'
        memory += '[ "$gpu" ] || { echo "no GPU near $hca" >&2; exit 1; }\nmore=\n'
        if flow.memory == "cuda":
            memory += '[ -d "$ROOT/sys/module/nvidia_peermem" ] || more=--use_cuda_dmabuf\n'
    use = f' --use_{flow.memory}="$gpu" $more' if flow.memory else ""
    to = f" {shlex.quote(peer)}" if peer else ""
    call = f'exec {flow.tool} -d "$hca" -i 1 -p {port:d} {flow.options}{use} ${{gid:+-x "$gid"}}{to}\n'
    return f'(\n{choose_gid(hca)}{memory}{call}) >"$TMP/{number:d}.out" 2>&1 &\np{number:d}=$!\n'


def _result(number: int) -> str:
    shown = f'cat "$TMP/{number:d}.out"\necho\n(exit $s)\n'
    return f"wait $p{number:d}\ns=$?\n" + inside.section(f"flow-{number:d}", shown)


def _until_listening(ports: Sequence[int]) -> str:
    return (
        f"tries=0\nfor port in {' '.join(f'{port:04X}' for port in ports)}; do\n"
        ' while [ $tries -lt 100 ] && ! grep -qs ":$port [0-9A-F]*:[0-9A-F]* 0A " "$ROOT"/proc/net/tcp'
        ' "$ROOT"/proc/net/tcp6; do\n  tries=$((tries + 1))\n  sleep 0.1 2>/dev/null || sleep 1\n done\ndone\n'
    )


def _counters(flows: Sequence[Flow], name: str, *, client: bool) -> Iterator[str]:
    hcas = dict.fromkeys(flow.client_hca if client else flow.server_hca for flow in flows)
    script = (
        f"for hca in {' '.join(map(shlex.quote, hcas))}; do\n for counter in {' '.join(COUNTERS)}; do\n"
        '  value=$(cat "$ROOT/sys/class/infiniband/$hca/ports/1/counters/$counter" 2>/dev/null) &&'
        ' echo "$hca $counter $value"\n done\ndone\ntrue\n'
    )
    yield inside.section(name, script)


# --------------------------------------------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True)
class Ended:
    """How one flow ended on one side. `status` None: it was cut off."""

    text: str
    status: int | None


def parse(text: str, flows: int) -> tuple[Ended, ...]:
    """Every flow of a script's output. Raises ParseError where one is missing."""
    found = inside.parse(text)
    return tuple(_flow(found, number) for number in range(flows))


def _flow(found: Sections, number: int) -> Ended:
    part = found.one(f"flow-{number}")
    if part is None:
        raise ParseError(f"perftest: transfer {number + 1} has no result in the output")
    return Ended(part.text.rstrip("\n"), part.status)


def rises(text: str) -> Mapping[tuple[str, str], int]:
    """How far each counter of each adapter rose; those that were read only once, or that went back, are left out."""
    found = inside.parse(text)
    values: list[dict[tuple[str, str], int]] = []
    for name in ("before", "after"):
        part = found.one(name)
        read: dict[tuple[str, str], int] = {}
        for line in part.text.splitlines() if part is not None else ():
            words = line.split()
            if len(words) != 3 or words[1] not in COUNTERS:
                raise ParseError(f"perftest: the counter line {quoted(line)} is not known")
            read[words[0], words[1]] = whole(words[2], f"counter {words[1]}")
        values.append(read)
    before, after = values
    return {key: after[key] - before[key] for key in after if key in before and after[key] >= before[key]}
