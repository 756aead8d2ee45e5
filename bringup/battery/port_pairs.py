"""What the tests between two ports share: which ports meet, and what follows if the test has no result.

The client's result counts, whatever became of the server afterwards. Without one, an end that was lost is the reason,
before anything that the other end says about it; only then the programs' own sentences are read.
"""

from __future__ import annotations

from collections.abc import Generator

from bringup.check import Outputs, Plan, Step, serve
from bringup.commands import Command, Ended, Output
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Node, Pair, port_path
from bringup.parsers.perftest_failure import pair_failure

PORT_CAUSES = (
    "HCA-MISSING",
    "LINK-DOWN",
    "LINK-DISABLED",
    "LINK-INIT",
    "LINK-LAYER",
    "LINK-RATE",
    "PCIE-NIC-WIDTH",
    "PCIE-NIC-SPEED",
    "LINK-ERRORS",
    "LINK-FLAP",
    "LINK-BER",
    "CABLE-SWAP",
    "CABLE-WRONG",
    "CABLE-RAIL",
)

CONNECT = Fault(
    "RDMA-CONNECT",
    "{at} moves no data at all",
    "look at {cable} from {at} to {leaf} {leaf_port}, at the switch port's state and partition, and on RoCE at address and"
    " MTU of both ends",
    explained_by=PORT_CAUSES,
)
SETUP = Fault(
    "RDMA-SETUP",
    "the test of {at} could not start",
    "free or open the TCP port between the nodes, raise memlock, install one perftest version; then: bringup resume",
    Who.COULD_NOT_JUDGE,
    Severity.MONITOR,
    explained_by=("MEMLOCK-LIMIT", "HCA-MISSING", "LINK-LAYER"),
)


def hca(node: Node, target: Pair, ctx: Context) -> str:
    """The node's adapter on the pair's rail. Raises NotApplicable where it has none."""
    for port in ctx.training_ports(node):
        if port.rail == target.rail:
            return port.hca
    raise NotApplicable(
        f"{node.name} has no planned port on {f'rail {target.rail}' if target.rail is not None else 'a common rail'}"
    )


def peer(target: Pair) -> str:
    """How a reaches b."""
    return target.b.peer_address or target.b.address or target.b.name


def path(target: Pair, ctx: Context) -> str:
    """The two ports as one component."""
    return " ~ ".join(port_path(node.name, hca(node, target, ctx)) for node in target.nodes)


def plan(target: Pair, server: Command, client: Command) -> Plan:
    """The server on b and the client on a."""
    return serve(Step(target.b, server), Step(target.a, client))


def client_text(
    target: Pair, out: Outputs, ctx: Context, server: Command, client: Command
) -> Generator[Finding, None, str | None]:
    """What the client printed if it has a result; else None, after the finding that the fabric is to blame for.

    Raises CannotJudge, at the end that is to blame if it is one, for everything that judges no hardware.
    """
    waited, measured = _ended(out, target.b, server), _ended(out, target.a, client)
    if waited is None:
        raise CannotJudge(f"the server on {target.b.name} gave no answer")
    reason = pair_failure(waited, measured)
    if measured is not None and measured.ended is Ended.EXITED and reason is None:
        return out.text(target.a, client)
    for node, command, end in ((target.b, server, waited), (target.a, client, measured)):
        if end is not None and end.ended is Ended.LOST:
            out.answered(node, command)  # raises: what the other end says or lacks follows from that
    if reason is None:
        never_ready = measured is None and waited.ended is Ended.TIMEOUT
        out.answered(*((target.b, server) if never_ready else (target.a, client)))
        raise CannotJudge(f"the test between {target.a.name} and {target.b.name} ended without a word")
    name, why = reason
    place = ""
    if why.cause.at_port:
        place = port_path(name, hca(next(n for n in target.nodes if n.name == name), target, ctx))
    elif why.cause.at_node:
        place = name
    if not why.cause.fabric:
        raise CannotJudge(f"{name}: {why}", code="RDMA-SETUP", at=place)
    yield Finding("RDMA-CONNECT", f"{name}: {why}", place or path(target, ctx))
    return None


def _ended(out: Outputs, node: Node, command: Command) -> Output | None:
    """How a step ended; None where it was never started. Raises ToolMissing where the tool is not there."""
    try:
        output = out.get(node, command)
    except CannotJudge:
        return None
    if output.ended is Ended.MISSING:
        out.answered(node, command)
    return output
