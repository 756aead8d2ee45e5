"""Link: which priority is lossless is the site's choice, but all ports must have chosen the same one."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.ports import ETHERNET, need_layer, planned
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge
from bringup.model import Finding, Limit, Measurement, Node, Stage, port_path
from bringup.parsers import mlnx_qos, per_interface
from bringup.parsers.siblings import majority

LINK_QOS = Fault(
    "ROCE-QOS",
    "{at} has other flow control than the others",
    "set trust and priority flow control of {at} as on all other ports (mlnx_qos --trust dscp --pfc ...), at every boot",
    Who.CONFIGURATION,
    Severity.MONITOR,
    explained_by=("HCA-MISSING", "LINK-LAYER"),
)


class Qos(Check[Node]):
    """Trust and priority flow control of every planned Ethernet port are as planned.

    Where the profile names none (`link.qos.trust`, `link.qos.pfc`), the majority of the node's own ports counts;
    link.drift compares the nodes. A node without mlnx_qos is not judged unless the profile requires it.
    """

    id = "link.qos"
    stage = Stage.LINK
    collects = True
    faults = (LINK_QOS,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        planned(target, ctx)
        need_layer(target, ctx, ETHERNET)
        return run(target, per_interface.QOS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        out.optional(target, per_interface.QOS, ctx)
        answers = {a.device: a for a in per_interface.parse(out.text(target, per_interface.QOS))}
        told: dict[str, dict[str, float | str]] = {"link.qos.trust": {}, "link.qos.pfc": {}}
        failed: dict[str, str] = {}
        for hca in planned(target, ctx):
            answer = answers.get(hca)
            if answer is None or answer.status != 0:
                said = answer.text.strip().splitlines()[-1:] if answer else []
                failed[hca] = said[0][:80] if said else "no network interface"
                continue
            qos = mlnx_qos.parse(answer.text)
            at = port_path(target.name, hca)
            told["link.qos.pfc"][at] = (
                ",".join(str(p) for p, on in enumerate(qos.flow_control) if on) or "none"
            )
            if qos.trust is not None:
                told["link.qos.trust"][at] = qos.trust
        split: list[str] = []
        for name, values in told.items():
            limit = ctx.limit_or_none(target, name)
            usual = majority(values)
            if limit is None and usual is not None:
                limit = Limit(name, "==", usual, "", "the majority of this node's ports", "rule")
            split += [name] if values and limit is None else []
            for at, value in values.items():
                yield Measurement(name, value, "", at, limit)
        if failed:
            words = ", ".join(f"{hca} ({said})" for hca, said in failed.items())
            absent = not any(hca in answers for hca in failed)
            raise CannotJudge(f"mlnx_qos tells nothing of {words}", code="HCA-MISSING" if absent else "")
        if split:
            raise CannotJudge(f"the node's ports do not agree and the profile names none: {', '.join(split)}")
