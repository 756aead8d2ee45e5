"""After the load: how often the adapters had to send packets again. A lossless network loses nearly none."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.ports import planned
from bringup.battery.rises import Count, Rule, again, rises
from bringup.check import Check, Outputs, Plan
from bringup.context import Context
from bringup.defects import Fault, Severity
from bringup.errors import CannotJudge
from bringup.model import Finding, Level, Measurement, Node, Stage, port_path
from bringup.parsers import rdma_transport

_JUDGED = "packet_seq_err"
_TOLD = ("out_of_sequence", "local_ack_timeout_err", "rnr_nak_retry_err", "roce_adp_retrans")
"""These rise at a healthy port whose partner is bad or went away."""


class Transport(Check[Node]):
    """No planned port had to send packets again more often during the run than its profile allows.

    Judged are the packets that were asked for again (`packet_seq_err`); what else the transport counts is told. A port
    whose partners are bad counts as well, so look at the partners' own counters first.
    """

    id = "after.transport"
    stage = Stage.AFTER
    level = Level.STANDARD
    compares = True
    faults = (
        Fault(
            "RDMA-RETRANSMITS",
            "{at} sends packets again and again",
            "look whether its partners count errors too; else clean and reseat {cable} at {at} {place} and at {leaf} "
            "{leaf_port}, on RoCE compare flow control of both ends; then try another adapter",
            severity=Severity.MONITOR,
            explained_by=(
                "HCA-MISSING",
                "LINK-DOWN",
                "LINK-RATE",
                "LINK-ERRORS",
                "LINK-BER",
                "LINK-FLAP",
                "ROCE-QOS",
                "RDMA-CONNECT",
                "NODE-REBOOTED",
            ),
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        planned(target, ctx)
        return again(target, rdma_transport.COUNTERS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        limit = ctx.limit(target, "rdma.rise.sent_again")
        rules = dict.fromkeys(_TOLD, Rule(None, "RDMA-RETRANSMITS"))
        rules[_JUDGED] = Rule(limit, "RDMA-RETRANSMITS")

        def read(outputs: Outputs) -> Iterator[Count]:
            return _counts(target, planned(target, ctx), outputs)

        yield from rises(target, out, rdma_transport.COUNTERS, read, rules)


def _counts(node: Node, hcas: tuple[str, ...], outputs: Outputs) -> Iterator[Count]:
    """The counters of every planned port. Raises CannotJudge for ports that do not tell the one that is judged."""
    devices = rdma_transport.parse(outputs.text(node, rdma_transport.COUNTERS))
    for hca in hcas:
        for name in (_JUDGED, *_TOLD):
            if name in devices.get(hca, {}):
                yield Count(port_path(node.name, hca), name, devices[hca][name])
    silent = [hca for hca in hcas if _JUDGED not in devices.get(hca, {})]
    if silent:
        gone = [hca for hca in silent if hca not in devices]
        at = f"{node.name}/hca/{gone[0]}" if gone else ""
        raise CannotJudge(
            f"{_JUDGED} is not reported by {', '.join(silent)}", code="HCA-MISSING" if gone else "", at=at
        )
