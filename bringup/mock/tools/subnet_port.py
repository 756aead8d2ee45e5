"""What every program of the InfiniBand diagnostics does first: choose a local port, and fail in the same words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from bringup.mock.hardware import Hca, Logical, Physical
from bringup.mock.switchboard import Reply
from bringup.mock.tools.call import Call, Options
from bringup.mock.tools.subnet import Subnet, subnet
from bringup.mock.tools.wiring import Plug

PID = 48213
_SHARED = (
    "-C",
    "--Ca",
    "-P",
    "--Port",
    "-t",
    "--timeout",
    "-z",
    "--config",
    "-y",
    "--m_key",
    "-s",
    "--sm_port",
)
_SILENT = ("-e", "--errors", "-v", "--verbose", "-K", "--show_keys")

Print = Callable[[Subnet], Reply]


def options_of(call: Call, valued: Sequence[str] = ()) -> Options:
    """The options of the call; those that all programs share take a value."""
    return Options(call.args, (*_SHARED, *valued))


def refused(call: Call, options: Options, known: Collection[str]) -> Reply | None:
    """The answer to a switch that the program does not have, or that is not simulated."""
    if not options.names <= {*known, *_SHARED, *_SILENT}:
        return Reply(2, stderr=f"\nUsage: {call.tool} [options] \n\n")
    return None


def asked(call: Call, options: Options, failed: Callable[[str], Reply], answer: Print) -> Reply:
    """The answer about the subnet behind the chosen port, or how the program fails without one.

    `failed` gets the port's name as the program prints it.
    """
    name, port = options.get("-C", "--Ca"), options.whole("-P", "--Port", default=0)
    words = f"{name or '(null)'}:{port}"
    hca = _chosen(call.node.hcas, name) if call.as_root and port < 2 else None
    if hca is None:
        return _with_warning(failed(words), f"can't open UMAD port ({words})")
    if hca.layer != "InfiniBand":
        return _with_warning(failed(words), "client_register for mgmt 1 failed")
    return answer(subnet(call.cluster, Plug(call.node, hca)))


def _with_warning(reply: Reply, text: str) -> Reply:
    warning = f"ibwarn: [{PID}] mad_rpc_open_port: {text}\n"
    return Reply(reply.status, reply.stdout, warning + reply.stderr)


def _chosen(hcas: Sequence[Hca], name: str) -> Hca | None:
    """The adapter of that name; without a name the first one with an active InfiniBand port, else the first of use."""
    there = sorted((hca for hca in hcas if hca.present), key=lambda hca: hca.name)
    usable = [h for h in there if h.physical is not Physical.DISABLED]
    if name:
        return next((hca for hca in there if hca.name == name), None)
    infiniband = [hca for hca in usable if hca.layer == "InfiniBand"]
    active = [hca for hca in infiniband if hca.logical is Logical.ACTIVE]
    trained = [hca for hca in infiniband if hca.physical is Physical.LINK_UP]
    return next(iter((*active, *trained, *usable)), None)
