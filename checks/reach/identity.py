"""Reach: a machine that answers at the right address may still be another one than planned."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Context, Outputs, Plan, run
from bringup.errors import NotApplicable
from bringup.model import Fault, Finding, Limit, Measurement, Node, Stage, Weight, Who
from bringup.parsers import host


class Identity(Check[Node]):
    """The node is the machine that the inventory names: host name and, where known, serial number."""

    id = "reach.identity"
    stage = Stage.REACH
    faults = (
        Fault(
            "NODE-IDENTITY",
            "the machine at the address of {node} is not {node}",
            "compare the serial label of {node} {place} with the inventory; correct the inventory, the host name or the slot",
            Who.PLAN,
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        if target.connection == "local" and not target.serial:
            raise NotApplicable("no connection is made: this machine is this machine, whatever it is called")
        return run(target, host.IDENTITY)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        seen = host.parse_identity(out.text(target, host.IDENTITY))
        if target.connection != "local":
            name = _short(target.name)
            expected = Limit(
                "reach.hostname", "==", name, why="the name in the inventory", source="inventory"
            )
            yield Measurement("hostname", _short(seen.hostname), "", target.name, expected)
        if not target.serial:
            return
        if seen.serial is not None:
            planned = Limit(
                "reach.serial",
                "==",
                target.serial,
                why="the serial number in the inventory",
                source="inventory",
            )
            yield Measurement("serial", seen.serial, "", target.name, planned)
            return
        why = "is not reported" if seen.serial_readable else "can only be read as root"
        yield Finding(
            "NODE-IDENTITY", f"the serial number {why}, so it was not compared", target.name, Weight.NOTE
        )


def _short(name: str) -> str:
    """The host part of a name, in lower case: `GPU-001.hall2.example` is `gpu-001`."""
    return name.partition(".")[0].lower()
