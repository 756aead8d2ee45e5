"""An InfiniBand fabric as one node sees it: which switch port each adapter is plugged into, and the links of switches.

`discover` asks once for each subnet that the node's ports belong to: where every rail is a network of its own, a port
whose adapter an earlier answer already named is not asked again. Aggregation nodes inside switches are no hosts.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from bringup.commands import Command
from bringup.errors import CannotJudge, ParseError
from bringup.parsers import ib_names, iblinkinfo, ibnetdiscover_nodes
from bringup.parsers.ib_diags import unanswered
from bringup.parsers.ib_trouble import trouble

_HEAD = re.compile(r"=== (?P<tool>ibnetdiscover|iblinkinfo) (?P<device>\S{1,64}) (?P<status>[0-9]{1,3})")
_NO_TOOL = "=== no tool"
_NO_PORT = "=== no port"
NOT_ACTIVE = "no planned port is an active InfiniBand port"
_LANE_GBPS: Mapping[str, float] = {
    "SDR": 2.5, "DDR": 5, "QDR": 10, "FDR10": 10, "FDR": 14, "EDR": 25, "HDR": 50, "NDR": 100, "XDR": 200,
}  # fmt: skip
_SPEEDS = tuple(_LANE_GBPS.values())
_MOST_PORTS_OF_A_HOST = 4
"""`iblinkinfo -l` does not say what is a switch; no adapter has more ports."""


@lru_cache(maxsize=4096)
def discover(hcas: tuple[str, ...]) -> Command:
    """Discovers every subnet that these adapters belong to, with `ibnetdiscover`, or `iblinkinfo` where that is missing."""
    names = " ".join(shlex.quote(hca) for hca in hcas)
    return Command(
        f"""tool=ibnetdiscover more=
command -v ibnetdiscover >/dev/null 2>&1 || {{ tool=iblinkinfo; more=-l; }}
command -v "$tool" >/dev/null 2>&1 || {{ echo "{_NO_TOOL}"; exit 0; }}
all="$TMP/fabric.all" one="$TMP/fabric.one" said="$TMP/fabric.said"
: >"$all"
asked=
for dev in {names}; do
  own="$ROOT/sys/class/infiniband/$dev"
  grep -qs InfiniBand "$own/ports/1/link_layer" || continue
  grep -qs ACTIVE "$own/ports/1/state" || continue
  guid=$(tr -d ':\\n' <"$own/node_guid" 2>/dev/null)
  [ -n "$guid" ] && grep -qi "$guid" "$all" && continue
  "$tool" $more -C "$dev" -P 1 >"$one" 2>"$said"
  echo "=== $tool $dev $?"
  asked=yes
  cat "$one" "$said"
  cat "$one" >>"$all"
done
[ -n "$asked" ] || echo "{_NO_PORT}"
rm -f "$all" "$one" "$said"
exit 0
""",
        root=True,
        timeout_s=120.0,
        max_bytes=48 << 20,
        estimate_s=1.0,
    )


@dataclass(frozen=True, slots=True, order=True)
class SwitchPort:
    """A port of a switch, by the switch's GUID."""

    switch: str
    port: int


@dataclass(frozen=True, slots=True)
class Trunk:
    """One link between two switches, once. `gbps` is what it runs at; None where the tool has no word for it."""

    a: SwitchPort
    b: SwitchPort
    gbps: float | None


@dataclass(frozen=True)
class Fabric:
    """What was discovered.

    `switches` holds names by GUID, `hosts` the switch port of each adapter's port (GUID and number), `adapters` the
    descriptions of adapters by GUID. `shared` are GUIDs of adapters that were seen at two places, so that nothing is
    known of them. `trouble` says what did not answer.
    """

    switches: Mapping[str, str] = field(default_factory=dict)
    hosts: Mapping[tuple[str, int], SwitchPort] = field(default_factory=dict)
    adapters: Mapping[str, str] = field(default_factory=dict)
    trunks: tuple[Trunk, ...] = ()
    shared: frozenset[str] = frozenset()
    trouble: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Row:
    """One end of one link, as any of the programs tells it."""

    guid: str
    port: int
    far: str
    far_port: int
    gbps: float | None


@lru_cache(maxsize=16)
def parse(text: str) -> Fabric:
    """The fabric in the answer of `discover`. Raises CannotJudge where nothing could be seen, with the reason."""
    if text.startswith(_NO_TOOL):
        raise CannotJudge("neither ibnetdiscover nor iblinkinfo is installed", code="FABRIC-UNSEEN")
    if text.startswith(_NO_PORT):
        raise CannotJudge(NOT_ACTIVE, code="FABRIC-UNSEEN")
    kinds: dict[str, str] = {}
    names: dict[str, str] = {}
    rows: list[_Row] = []
    said: list[str] = []
    seen = 0
    for tool, device, status, body in _parts(text):
        if status:
            reason = trouble(body)
            said.append(f"{tool} on {device} ended with status {status}: {reason or body.strip()[:120]}")
            continue
        seen += 1
        if missing := unanswered(body):
            said.append(f"{tool} on {device}: {missing} queries to the fabric were not answered")
        mine = _from_nodes(body, kinds, names) if tool == "ibnetdiscover" else _from_lines(body, kinds, names)
        rows += mine
    if not seen:
        raise CannotJudge("; ".join(said)[:400], code="FABRIC-UNSEEN")
    return _fabric(kinds, names, rows, tuple(said))


def merged(fabrics: Iterable[Fabric]) -> Fabric:
    """What several nodes see together; where two contradict each other the first counts, and it is said."""
    switches: dict[str, str] = {}
    hosts: dict[tuple[str, int], SwitchPort] = {}
    adapters: dict[str, str] = {}
    trunks: dict[frozenset[SwitchPort], Trunk] = {}
    shared: set[str] = set()
    said: list[str] = []
    for fabric in fabrics:
        other = sum(1 for port, at in fabric.hosts.items() if hosts.get(port, at) != at)
        if other:
            said.append(f"two nodes see {other} ports at different places: cables were moved during the run")
        switches = {**fabric.switches, **switches}
        hosts = {**fabric.hosts, **hosts}
        adapters = {**fabric.adapters, **adapters}
        trunks = {**{frozenset((t.a, t.b)): t for t in fabric.trunks}, **trunks}
        shared |= fabric.shared
        said += fabric.trouble
    hosts = {port: at for port, at in hosts.items() if port[0] not in shared}
    return Fabric(
        switches, hosts, adapters, tuple(trunks.values()), frozenset(shared), tuple(dict.fromkeys(said))
    )


def _parts(text: str) -> Iterator[tuple[str, str, int, str]]:
    """Tool, device, exit status and answer of each call."""
    head: re.Match[str] | None = None
    body: list[str] = []
    for line in text.splitlines():
        match = _HEAD.fullmatch(line)
        if match is None:
            body.append(line)
            continue
        if head is not None:
            yield head["tool"], head["device"], int(head["status"]), "\n".join(body)
        elif any(own.strip() for own in body):
            raise ParseError(f"discovery: {body[0][:80]!r} stands before its tool")
        head, body = match, []
    if head is None:
        raise ParseError(f"discovery: {text[:80]!r} is no answer of ibnetdiscover or iblinkinfo")
    yield head["tool"], head["device"], int(head["status"]), "\n".join(body)


def _from_nodes(body: str, kinds: dict[str, str], names: dict[str, str]) -> list[_Row]:
    rows: list[_Row] = []
    for node in ibnetdiscover_nodes.parse(body).nodes:
        kinds[node.guid], names[node.guid] = node.kind, node.name
        for link in node.links:
            lane = _LANE_GBPS.get(link.speed)
            gbps = lane * link.width if lane is not None and link.width is not None else None
            rows.append(_Row(node.guid, link.port, link.peer, link.peer_port, gbps))
    return rows


def _from_lines(body: str, kinds: dict[str, str], names: dict[str, str]) -> list[_Row]:
    rows: list[_Row] = []
    ports = iblinkinfo.parse(body)
    count = Counter(port.guid for port in ports)
    for port in ports:
        if port.guid is None:
            raise ParseError("iblinkinfo: a port has no GUID")
        guid = _digits(port.guid)
        kinds[guid] = "SW" if count[port.guid] > _MOST_PORTS_OF_A_HOST else "CA"
        names[guid] = port.name
        if port.peer is not None and port.peer.guid is not None:
            width = (port.width or "").removesuffix("X")
            lanes = int(width) if width.isdigit() else None
            gbps = _nominal(port.lane_gbps) * lanes if port.lane_gbps and lanes else None
            rows.append(_Row(guid, port.port, _digits(port.peer.guid), port.peer.port, gbps))
    return rows


def _digits(guid: str) -> str:
    return guid.removeprefix("0x").lower().zfill(16)


def _nominal(lane_gbps: float) -> float:
    """The name of a speed from what the line really carries: 106.25 is 100."""
    return min(_SPEEDS, key=lambda speed: abs(speed - lane_gbps))


def _fabric(
    kinds: Mapping[str, str], names: Mapping[str, str], rows: Iterable[_Row], said: tuple[str, ...]
) -> Fabric:
    hosts: dict[tuple[str, int], set[SwitchPort]] = {}
    trunks: dict[frozenset[SwitchPort], Trunk] = {}
    for row in rows:
        own, far = kinds.get(row.guid), kinds.get(row.far)
        if own == "SW" and far == "SW":
            a, b = sorted((SwitchPort(row.guid, row.port), SwitchPort(row.far, row.far_port)))
            trunks.setdefault(frozenset((a, b)), Trunk(a, b, row.gbps))
        elif own == "SW":
            hosts.setdefault((row.far, row.far_port), set()).add(SwitchPort(row.guid, row.port))
        elif far == "SW":
            hosts.setdefault((row.guid, row.port), set()).add(SwitchPort(row.far, row.far_port))
    inside = {guid for guid, name in names.items() if ib_names.is_aggregation_node(name)}
    shared = frozenset(port[0] for port, at in hosts.items() if len(at) > 1)
    return Fabric(
        switches={g: ib_names.switch_name(names[g]) for g, kind in kinds.items() if kind == "SW"},
        hosts={
            port: next(iter(at))
            for port, at in hosts.items()
            if port[0] not in inside and port[0] not in shared
        },
        adapters={g: names[g] for g, kind in kinds.items() if kind != "SW" and g not in inside},
        trunks=tuple(trunks.values()),
        shared=shared,
        trouble=said,
    )
