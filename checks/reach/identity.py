"""Reach: a machine that answers at the right address may still be another one than planned."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Limit, Measurement, Node, Stage, Weight
from bringup.parsers import host


class Identity(Check[Node]):
    """The node is the machine that the inventory names: host name and, where known, serial number.

    A serial number that the inventory names and the machine does not tell leaves it unproven which machine this is.
    """

    id = "reach.identity"
    stage = Stage.REACH
    faults = (
        Fault(
            "NODE-IDENTITY",
            "the machine at the address of {node} is not {node}",
            "compare the serial label of {node} {place} with the inventory; correct the inventory, the host name or the slot",
            Who.PLAN,
        ),
        Fault(
            "IDENTITY-UNPROVEN",
            "{node} does not tell the serial number by which the inventory knows it",
            "compare the serial label of {node} {place} with the inventory; write the number into the board's FRU with "
            "the maker's tool (a replaced board has none), or take it out of the inventory",
            Who.COULD_NOT_JUDGE,
            Severity.MONITOR,
            explained_by=("NODE-IDENTITY",),
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
            if seen.placeholder:
                message = f"its serial number is the maker's placeholder {seen.placeholder!r}"
                yield Finding("IDENTITY-UNPROVEN", message, target.name, Weight.NOTE)
            return
        if seen.serial is None:
            raise _unproven(seen)
        planned = Limit(
            "reach.serial",
            "==",
            target.serial,
            why="the serial number in the inventory",
            source="inventory",
        )
        yield Measurement("serial", seen.serial, "", target.name, planned)


def _unproven(seen: host.Identity) -> CannotJudge:
    """Why the serial number could not be compared. Without root it is no fault of the machine."""
    if not seen.serial_readable:
        return CannotJudge("the serial number can only be read as root, so it was not compared")
    why = f"is the maker's placeholder {seen.placeholder!r}" if seen.placeholder else "is not reported"
    return CannotJudge(f"the serial number {why}, so it was not compared", code="IDENTITY-UNPROVEN")


def _short(name: str) -> str:
    """The host part of a name, in lower case: `GPU-001.hall2.example` is `gpu-001`."""
    return name.partition(".")[0].lower()
