"""Which way a collective really took: what NCCL and RCCL say of it in their log (`NCCL_DEBUG=INFO`), host by host.

A collective ends with right sums over any way, so nothing but these lines tells TCP from RDMA, copies through the host
from GPUDirect, or rings from reductions in the switches. A log without them proves nothing either way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

SOCKET = "Socket"
_LINE = re.compile(
    r"(?:\[\d{1,6},\d{1,6}\]<std(?:out|err)>: ?)?(?P<host>[A-Za-z0-9][\w.-]{0,254}):\d{1,10}:\d{1,10}"
    r" \[(?P<gpu>\d{1,3})\] (?:\S{1,80} )?NCCL INFO (?P<said>.{1,2000})",
    re.ASCII,
)
_NETWORK = re.compile(r"Using network (?P<name>.{1,60})", re.ASCII)
_PORTS = re.compile(r"NET/IB ?: Using (?P<ports>\[0\].{1,1600})", re.ASCII)
_PORT = re.compile(r"\[\d{1,3}\](?P<hca>[\w.+-]{1,64}):\d{1,3}/(?P<layer>\w{1,12})", re.ASCII)
_VIA = re.compile(
    r"\[(?:send|receive)\] via NET/(?P<way>[\w ]{1,30}?)(?:/\d{1,3})?(?P<direct>/GDRDMA)?(?:[/(].{0,40})?\s*$",
    re.ASCII,
)
_NVLS = re.compile(r"NVLS multicast support is (?P<no>not )?available on dev (?P<gpu>\d{1,3})", re.ASCII)
_MNNVL = re.compile(r"MNNVL (?P<on>[01]) clique|\bMNNVL (?P<comm>[01])\b|via P2P/MNNVL", re.ASCII)


@dataclass(slots=True)
class Way:
    """What the ranks of one host said. Sets are empty and counts 0 where this version says nothing of it.

    `networks` are names such as IB, Socket, IBext_v8 or AWS Libfabric; `hcas` the ports that NCCL may use. `direct` and
    `through_host` count the channels to other nodes with and without GPUDirect RDMA.
    """

    networks: set[str] = field(default_factory=set)
    hcas: set[str] = field(default_factory=set)
    direct: int = 0
    through_host: int = 0
    over_sockets: int = 0
    nvls: set[int] = field(default_factory=set)
    no_nvls: set[int] = field(default_factory=set)
    mnnvl: bool | None = None


def parse(text: str) -> dict[str, Way]:
    """What each host said, by its short name. Empty for a log that tells nothing: NCCL was silent, or is too old."""
    found: dict[str, Way] = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if match:
            _take(found.setdefault(match["host"].partition(".")[0], Way()), match["said"])
    return {host: way for host, way in found.items() if way != Way()}


def _take(way: Way, said: str) -> None:
    if network := _NETWORK.match(said):
        way.networks.add(network["name"].strip())
    elif ports := _PORTS.match(said):
        way.hcas |= {port["hca"] for port in _PORT.finditer(ports["ports"])}
    elif nvls := _NVLS.match(said):
        (way.no_nvls if nvls["no"] else way.nvls).add(int(nvls["gpu"]))
    elif via := _VIA.search(said):
        if via["way"].strip() == SOCKET:
            way.over_sockets += 1
        elif via["direct"]:
            way.direct += 1
        else:
            way.through_host += 1
    elif mnnvl := _MNNVL.search(said):
        on = (mnnvl["on"] or mnnvl["comm"] or "1") == "1"
        way.mnnvl = on or bool(way.mnnvl)


def wrong_ways(way: Way, hcas: Iterable[str], *, nvls: bool, direct: bool) -> list[str]:
    """What is not as it should be on one host, in words.

    `hcas` are the planned ports (none: the nodes are not joined by a fabric, or only one takes part), `nvls` whether
    the switches must reduce, `direct` whether GPUDirect RDMA is expected. Data that goes over NVLink uses no ports.
    """
    wrong: list[str] = []
    planned = sorted(set(hcas))
    if nvls and way.no_nvls:
        names = ", ".join(map(str, sorted(way.no_nvls)))
        wrong.append(f"NVLS, the reduction in the NVSwitches, is not available on GPU {names}")
    if way.mnnvl or not planned:
        return wrong
    if SOCKET in way.networks or way.over_sockets:
        wrong.append("the data goes over TCP sockets (NET/Socket), not over the fabric ports")
        return wrong
    missing = [name for name in planned if name not in way.hcas]
    if way.hcas and missing:
        wrong.append(
            f"{len(planned) - len(missing)} of {len(planned)} fabric ports are used, without {', '.join(missing)}"
        )
    if direct and way.through_host and not way.direct:
        wrong.append("the data goes through the host's memory, without GPUDirect RDMA (no GDRDMA)")
    return wrong
