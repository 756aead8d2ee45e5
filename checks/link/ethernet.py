"""Link: speed, error correction and negotiation of Ethernet ports as their driver tells them."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.ports import ETHERNET, need_layer, planned
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge
from bringup.model import Finding, Limit, Measurement, Node, Stage, port_path
from bringup.parsers import ethtool, ethtool_fec, per_interface
from bringup.parsers.siblings import majority

LINK_FEC = Fault(
    "LINK-FEC",
    "{at} uses other error correction than planned",
    "set the same FEC at {at} and at {leaf} {leaf_port} (ethtool --set-fec), or leave both on auto; look for a module of "
    "another kind",
    Who.CONFIGURATION,
    Severity.MONITOR,
    explained_by=("HCA-MISSING", "LINK-DOWN", "LINK-DISABLED", "LINK-RATE", "LINK-LAYER"),
)
LINK_SPEED = Fault(
    "LINK-SPEED",
    "the interface of {at} runs below its speed",
    "compare speed and breakout of {at} and {leaf} {leaf_port}; clean and reseat both ends of {cable}, then replace it",
    explained_by=("HCA-MISSING", "LINK-DOWN", "LINK-DISABLED", "LINK-RATE", "LINK-LAYER"),
)


class Ethernet(Check[Node]):
    """Every planned Ethernet port that has link runs at the planned speed and with the planned error correction.

    Where the profile names no error correction (`link.fec`), the majority of the node's own ports counts; link.drift
    compares the nodes. A node without ethtool is not judged unless the profile requires it.
    """

    id = "link.ethernet"
    stage = Stage.LINK
    collects = True
    faults = (LINK_SPEED, LINK_FEC)

    def plan(self, target: Node, ctx: Context) -> Plan:
        planned(target, ctx)
        need_layer(target, ctx, ETHERNET)
        return run(target, per_interface.SETTINGS, per_interface.FEC)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        rate = ctx.limit(target, "link.rate")
        out.optional(target, per_interface.SETTINGS, ctx)
        settings = {a.device: a for a in per_interface.parse(out.text(target, per_interface.SETTINGS))}
        corrections = {a.device: a for a in per_interface.parse(out.text(target, per_interface.FEC))}
        fec: dict[str, float | str] = {}
        silent: list[str] = []
        absent: list[str] = []
        for hca in planned(target, ctx):
            at = port_path(target.name, hca)
            answer = settings.get(hca)
            if answer is None:
                absent.append(hca)
                continue
            own = ethtool.parse(answer.text)[0]
            if not own.link:
                continue  # link.state judges that, and what is printed of such a port is only a claim
            if own.running_mbps is None:
                silent.append(f"{hca} does not tell its speed")
            else:
                yield Measurement("speed", own.running_mbps / 1000, "Gb/s", at, rate, LINK_SPEED.code)
            if own.autonegotiation is not None:
                yield Measurement("autonegotiation", "on" if own.autonegotiation else "off", "", at)
            correction = corrections.get(hca)
            if correction is not None and correction.status == 0:
                fec[at] = ethtool_fec.parse(correction.text)
            else:
                silent.append(f"{hca} does not tell its error correction")
        limit = ctx.limit_or_none(target, "link.fec")
        usual = majority(fec)
        if limit is None and usual is not None:
            limit = Limit("link.fec", "==", usual, "", "the majority of this node's ports", "rule")
        for at, word in fec.items():
            yield Measurement("link.fec", word, "", at, limit, LINK_FEC.code)
        if silent:
            raise CannotJudge("; ".join([*silent, *(f"{hca} has no network interface" for hca in absent)]))
        if absent:
            at = f"{target.name}/hca/{absent[0]}"
            raise CannotJudge(f"no network interface of {', '.join(absent)}", code="HCA-MISSING", at=at)
        if not fec:
            raise CannotJudge("no planned port has link (link.state says why)")
