"""Link: what the adapter itself thinks of its link; its number says which end and which part to look at."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.ports import links, mlxlink_commands
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity
from bringup.errors import CannotJudge
from bringup.model import Finding, Limit, Measurement, Node, Stage, Weight

_RULE = Limit("link.opcode", "==", 0, why="the adapter sees no issue with its link", source="NVIDIA mlxlink")
_MEANINGS: tuple[tuple[range, str], ...] = (
    (range(1, 2), "closed by command: find out who closed the port, and open it"),
    (range(2, 5), "auto-negotiation: compare speed and FEC of both ends, and the light that arrives"),
    (range(5, 9), "training failed: reseat and clean both ends, then replace the cable"),
    (range(9, 14), "the two ends do not fit logically: compare their settings"),
    (range(14, 15), "the far end reports a fault: look there"),
    (range(15, 18), "bad signal: clean and reseat both ends, then replace the cable"),
    (range(24, 33), "cable and port do not fit: compare the part number with the plan"),
    (range(34, 36), "the link runs slower than it could: clean and reseat both ends"),
    (range(40, 41), "the two ends speak different protocols: set LINK_TYPE"),
    (range(41, 42), "the module cannot run the rate that is switched on"),
    (range(42, 53), "bad signal: clean and reseat both ends, then replace the cable"),
    (range(57, 58), "no signal arrives: look at the far end's transmitter and the fibre"),
    (range(60, 61), "no partner for a long time: look at the far end"),
    (range(1024, 1025), "nothing is plugged in"),
)
_NO_INFORMATION = (128, 1023)
"""Troubleshooting in process, and no information: neither good nor bad."""


class Mlxlink(Check[Node]):
    """The adapter of every planned port sees no issue with its link.

    A node without mlxlink is not judged unless the profile requires it.
    """

    id = "link.mlxlink"
    stage = Stage.LINK
    faults = (
        Fault(
            "LINK-DIAGNOSIS",
            "the adapter sees an issue with the link of {at}",
            "do what the evidence says for the number, at {at} {place} and at {leaf} {leaf_port} ({cable}), then read "
            "it again: mlxlink -d",
            severity=Severity.ISOLATE,
            explained_by=("HCA-MISSING", "LINK-DOWN", "LINK-DISABLED", "LINK-INIT", "LINK-RATE"),
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, *mlxlink_commands(target, ctx))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        silent: list[str] = []
        for at, link in links(target, out, ctx):
            if link.opcode is None or link.opcode in _NO_INFORMATION:
                silent.append(at)
                continue
            yield Measurement("link.opcode", link.opcode, "", at, _RULE)
            if link.opcode:
                words = "; ".join(w for w in (link.recommendation, _meaning(link.opcode)) if w)
                yield Finding("LINK-DIAGNOSIS", f"opcode {link.opcode}: {words}", at, Weight.NOTE)
        if silent:
            raise CannotJudge(f"the adapter has no opinion of its link: {', '.join(silent)}")


def _meaning(opcode: int) -> str:
    return next((words for numbers, words in _MEANINGS if opcode in numbers), "")
