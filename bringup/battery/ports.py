"""What the checks of fabric ports share: which ports are planned, and what each port's own tool tells of it.

A port whose tool fails does not hide the others: the generators here give every port that answers and only then
raise what could not be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from bringup.check import Outputs
from bringup.commands import Command, Output
from bringup.context import Context
from bringup.errors import CannotJudge, NotApplicable, ParseError
from bringup.model import Limit, Node, port_path
from bringup.parsers import mlxlink, optics, per_interface
from bringup.parsers.mlxlink import Link
from bringup.parsers.optics import Optic

ETHERNET = "Ethernet"
T = TypeVar("T")


def planned(node: Node, ctx: Context) -> tuple[str, ...]:
    """The device names of the planned ports, each once. Raises NotApplicable where there is none."""
    names = tuple(dict.fromkeys(port.hca for port in ctx.training_ports(node)))
    if not names:
        raise NotApplicable(f"{node.name} has no planned fabric ports")
    return names


def need_layer(node: Node, ctx: Context, layer: str) -> None:
    """Raises NotApplicable where the profile's fabric has another link layer."""
    own = ctx.fact(node, "fabric.link_layer")
    if own != layer:
        raise NotApplicable(f"the fabric of profile {node.profile} is {own}, not {layer}")


def mlxlink_commands(node: Node, ctx: Context) -> tuple[Command, ...]:
    """One mlxlink for each planned port; checks that ask for the same share the answer."""
    return tuple(mlxlink.port(hca) for hca in planned(node, ctx))


def optic_commands(node: Node, ctx: Context) -> tuple[Command, ...]:
    """mlxlink, and on Ethernet ethtool too, for nodes without mlxlink."""
    commands = mlxlink_commands(node, ctx)
    return (*commands, per_interface.MODULE) if ctx.fact(node, "fabric.link_layer") == ETHERNET else commands


def links(node: Node, out: Outputs, ctx: Context) -> Iterator[tuple[str, Link]]:
    """What mlxlink says of each planned port, by component path. Raises NotApplicable as `Outputs.optional` does."""
    yield from _each(planned(node, ctx), node, lambda hca: _link(hca, node, out, ctx))


def optics_of(node: Node, out: Outputs, ctx: Context) -> Iterator[tuple[str, Optic | None]]:
    """The module of each planned port by component path; None where the port says that it has none."""
    hcas = planned(node, ctx)
    ethernet = ctx.fact(node, "fabric.link_layer") == ETHERNET
    if ethernet and optics.missing([out.get(node, mlxlink.port(hca)) for hca in hcas]):
        answer = out.optional(node, per_interface.MODULE, ctx)
        text = _text(answer)
        yield from _each(hcas, node, lambda hca: optics.from_ethtool(text, hca))
    else:
        yield from _each(hcas, node, lambda hca: optics.from_mlxlink(_link(hca, node, out, ctx)))


def lanes(optic: Optic | None, reading: mlxlink.Reading | None) -> tuple[tuple[int, float], ...] | None:
    """Lane number (from 1) and value of each lane that reports one; None where a light should report and does not.

    Empty for copper, which has nothing to report.
    """
    if optic is None or (reading is None and optic.copper):
        return ()
    if reading is None:
        return None
    return tuple((n, value) for n, value in enumerate(reading.lanes, 1) if value is not None) or None


def own_limits(name: str, unit: str, reading: mlxlink.Reading) -> tuple[Limit, ...]:
    """The range that a module itself allows, as limits."""
    why, source = "the module's own alarm threshold", "module"
    low = Limit(name, ">=", reading.low, unit, why, source) if reading.low is not None else None
    high = Limit(name, "<=", reading.high, unit, why, source) if reading.high is not None else None
    return tuple(limit for limit in (low, high) if limit is not None)


def _link(hca: str, node: Node, out: Outputs, ctx: Context) -> Link:
    return mlxlink.parse(_text(out.optional(node, mlxlink.port(hca), ctx)))


def _text(answer: Output) -> str:
    if answer.status == 0:
        return answer.text
    said = " / ".join((answer.error_text.strip() or answer.text.strip()).splitlines()[-2:])[:160] or "no text"
    rights = "" if answer.as_root else " without root"
    program = answer.command.needs[0]
    raise CannotJudge(f"{program}{rights} ended with status {answer.status}: {said}")


def _each(hcas: tuple[str, ...], node: Node, ask: Callable[[str], T]) -> Iterator[tuple[str, T]]:
    failed: list[tuple[str, CannotJudge]] = []
    for hca in hcas:
        try:
            found = ask(hca)
        except CannotJudge as error:
            failed.append((hca, error))
        else:
            yield port_path(node.name, hca), found
    if failed:
        first = failed[0][1]
        names = ", ".join(hca for hca, _ in failed)
        at = port_path(node.name, failed[0][0]) if len(failed) == 1 else ""
        kind = ParseError if isinstance(first, ParseError) else CannotJudge
        raise kind(f"{names}: {first.reason}", code=first.code, at=first.at or at)
