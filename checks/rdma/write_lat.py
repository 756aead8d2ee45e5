"""RDMA: how long one small message takes from one port to one port of another node, on the same rail."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Context, Outputs, Plan, Step, port_path, serve
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Ended, Fault, Finding, Level, Measurement, Node, Output, Pair, Severity, Stage, Who
from bringup.parsers import perftest
from bringup.parsers.perftest_failure import pair_failure

_PORT_CAUSES = (
    "HCA-MISSING",
    "LINK-DOWN",
    "LINK-DISABLED",
    "LINK-INIT",
    "LINK-LAYER",
    "LINK-RATE",
    "PCIE-NIC-WIDTH",
    "PCIE-NIC-SPEED",
    "LINK-ERRORS",
)


class WriteLatency(Check[Pair]):
    """A small message takes no longer than planned between two ports of a rail."""

    id = "rdma.write-lat"
    stage = Stage.RDMA
    level = Level.STANDARD
    faults = (
        Fault(
            "RDMA-LAT",
            "{at} answers late",
            "compare power settings (C-states, governor) and firmware of {node} with its neighbours; look at the errors of"
            " {at} and at congestion on {leaf}",
            Who.HANDS_ON,
            Severity.MONITOR,
            explained_by=(*_PORT_CAUSES, "RDMA-CONNECT", "RDMA-BW", "VERSION-MINORITY"),
        ),
        Fault(
            "RDMA-CONNECT",
            "{at} moves no data at all",
            "look at {cable} from {at} to {leaf} {leaf_port}, at the switch port's state and partition, and on RoCE at"
            " address and MTU of both ends",
            explained_by=_PORT_CAUSES,
        ),
        Fault(
            "RDMA-SETUP",
            "the test of {at} could not start",
            "free or open the TCP port between the nodes, raise memlock, install one perftest version; then: bringup resume",
            Who.COULD_NOT_JUDGE,
            Severity.MONITOR,
            explained_by=("MEMLOCK-LIMIT", "HCA-MISSING", "LINK-LAYER"),
        ),
    )

    def plan(self, target: Pair, ctx: Context) -> Plan:
        return serve(*_steps(target, ctx))

    def judge(self, target: Pair, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        server, client = _steps(target, ctx)
        ports = {node.name: port_path(node.name, _hca(node, target, ctx)) for node in target.nodes}
        at = " ~ ".join(ports.values())
        waited, measured = _ended(out, server), _ended(out, client)
        if waited is None:
            raise CannotJudge(f"the server on {target.b.name} gave no answer")
        reason = pair_failure(waited, measured)
        if reason is not None:
            for step, end in ((server, waited), (client, measured)):
                if end is not None and end.ended is Ended.LOST:
                    out.answered(step.node, step.command)  # raises: what the other end says follows from that
            node, why = reason
            place = ports[node] if why.cause.at_port else node if why.cause.at_node else ""
            if not why.cause.fabric:
                raise CannotJudge(f"{node}: {why}", code="RDMA-SETUP", at=place)
            yield Finding("RDMA-CONNECT", f"{node}: {why}", place or at)
            return
        row = perftest.latencies(out.text(target.a, client.command))[-1]
        # The median: one late message of a thousand says nothing about the path.
        yield Measurement("write_lat", row.middle_us, "us", at, ctx.limit(target.a, "rdma.write_lat"))
        if row.p99_us is not None:
            yield Measurement("write_lat_p99", row.p99_us, "us", at)


def _steps(target: Pair, ctx: Context) -> tuple[Step, Step]:
    """The server on b and the client on a."""
    near, far = _hca(target.a, target, ctx), _hca(target.b, target, ctx)
    peer = target.b.peer_address or target.b.address or target.b.name
    server = perftest.write_lat_server(far, ctx.listen_port)
    client = perftest.write_lat_client(near, ctx.listen_port, peer)
    return Step(target.b, server), Step(target.a, client)


def _hca(node: Node, target: Pair, ctx: Context) -> str:
    """The node's adapter on the pair's rail."""
    for port in ctx.training_ports(node):
        if port.rail == target.rail:
            return port.hca
    raise NotApplicable(
        f"{node.name} has no planned port on {f'rail {target.rail}' if target.rail is not None else 'a common rail'}"
    )


def _ended(out: Outputs, step: Step) -> Output | None:
    """How a step ended; None where it was never started. Raises ToolMissing where the tool is not there."""
    try:
        output = out.get(step.node, step.command)
    except CannotJudge:
        return None
    if output.ended is Ended.MISSING:
        out.answered(step.node, step.command)
    return output
