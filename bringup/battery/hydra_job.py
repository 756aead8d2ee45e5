"""A job under Hydra, whose proxies bringup starts on every node itself: no node logs in to another.

Who is to blame where it does not begin is told by the proxies, each on its own node, and not by mpiexec.hydra, which
only waits for them.
"""

from __future__ import annotations

from collections.abc import Sequence

from bringup.check import Outputs, Step
from bringup.commands import Ended, Output
from bringup.context import Context
from bringup.errors import CannotJudge, ToolMissing
from bringup.model import Node
from bringup.parsers import hydra, nccl_tests

_SETUP = "COLL-SETUP"


def steps(
    nodes: Sequence[Node], ctx: Context, mpiexec: str, binary: str, hosts: Sequence[str], gpus: int,
    hcas: Sequence[str], env: Sequence[str] = (),
) -> tuple[Step, ...]:  # fmt: skip
    """One step for each node; mpiexec.hydra runs on the first."""
    if ":" in hosts[0]:
        raise CannotJudge(
            f"{nodes[0].name} is {hosts[0]} to the others, and Hydra needs an IPv4 address or a name: give it a"
            " peer_address",
            code=_SETUP,
            at=nodes[0].name,
        )
    commands = nccl_tests.all_reduce_hydra(mpiexec, binary, hosts, gpus, ctx.listen_port, hcas, env)
    return tuple(Step(node, command) for node, command in zip(nodes, commands, strict=True))


def came(steps: Sequence[Step], out: Outputs) -> None:
    """Raises CannotJudge if a proxy could not be started, if its node was lost meanwhile, or if all came and no rank said
    anything; never for a job that ended well, or that Hydra did not start."""
    first, *others = steps
    answer = out.get(first.node, first.command)
    if answer.ended not in (Ended.EXITED, Ended.TIMEOUT) or answer.status == 0:
        return
    for step in others:
        if out.get(step.node, step.command).ended in (Ended.MISSING, Ended.LOST):
            out.answered(step.node, step.command)
    said = hydra.without_lines(_before_we_ended_it(answer))
    if others and answer.ended is Ended.TIMEOUT and not said.strip():
        raise _not_begun(f"every proxy came, and no rank said anything within {first.command.timeout_s:g} s")


def not_begun(steps: Sequence[Step], out: Outputs) -> CannotJudge | None:
    """Why no test began, at the node that is to blame where that is known; None for a job that Hydra did not start."""
    first, *others = steps
    if not others:
        return None
    answer = out.get(first.node, first.command)
    if (without := hydra.no_program(answer.error_text)) is not None and without[0] < len(steps):
        return ToolMissing((without[1].program,), at=steps[without[0]].node.name)
    waits = hydra.parse(answer.text)
    if not waits:
        said = hydra.complaint(answer.error_text) or f"mpiexec.hydra ended with status {answer.status}"
        return _not_begun(f"{first.node.name}: {said}", first.node.name)
    planned = {hydra.Launch(wait.host, first.command.listens or 0, n) for n, wait in enumerate(waits)}
    if set(waits) != planned or len(waits) != len(steps):
        return _not_begun(
            f"mpiexec.hydra waits for {len(waits)} proxies at port {waits[0].port}, needed {len(steps)} at port"
            f" {first.command.listens}",
            first.node.name,
        )
    why = {step.node.name: _unreached(out.get(step.node, step.command)) for step in others}
    lonely = [name for name, said in why.items() if said]
    if lonely:
        told = f"no way to mpiexec.hydra on {first.node.name} from {_some(lonely)}: {why[lonely[0]]}"
        if len(lonely) == len(others) > 1:
            return _not_begun(told, first.node.name)
        return _not_begun(told, lonely[0] if len(lonely) == 1 else "")
    if own := hydra.unreached(answer.error_text):
        return _not_begun(
            f"{first.node.name} does not reach itself at its own address: {own}", first.node.name
        )
    if lacking := hydra.lacking(answer.error_text):
        return _not_begun(lacking + who_ended(steps, out))
    said = who_ended(steps, out) or f" (status {answer.status})"
    return _not_begun(f"every proxy came, and the program printed nothing that is known{said}")


def who_ended(steps: Sequence[Step], out: Outputs) -> str:
    """What Hydra knows of the end of a job that did not end well, in brackets; empty where it says nothing.

    It is told and blames nobody: the rank that ends first is often the one that was told of another's failure.
    """
    first, *others = steps
    ended = out.get(first.node, first.command)
    killed = [step.node.name for step in others if (out.get(step.node, step.command).status or 0) > 128]
    if killed:
        return f" (the proxy on {_some(killed)} was killed)"
    bad = hydra.bad_end(_before_we_ended_it(ended)) if others else None
    if bad is None:
        return ""
    at = next(
        (s.node.name for s in steps if bad.host in (s.node.peer_address, s.node.address, s.node.name)), ""
    )
    return f" (the first rank to end, on {at or bad.host}: {bad.how})"


def _before_we_ended_it(answer: Output) -> str:
    """What it printed. A job whose time is over is told to end (TERM), and some Hydras find the time to report that."""
    bad = hydra.bad_end(answer.text) if answer.ended is Ended.TIMEOUT else None
    return answer.text[: bad.at] if bad is not None and bad.by_term else answer.text


def _unreached(answer: Output) -> str:
    """Why a proxy did not come. One that says nothing and did not end with mpiexec.hydra was stopped while it tried."""
    said = hydra.unreached(answer.error_text)
    return said or ("it was still trying" if answer.ended is Ended.CANCELLED else "")


def _not_begun(why: str, at: str = "") -> CannotJudge:
    return CannotJudge(f"the test did not begin: {why}", code=_SETUP, at=at)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
