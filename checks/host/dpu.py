"""Host: a BlueField card in the wrong mode is another machine: its own processors own the ports, or nobody does."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NotApplicable, ToolMissing
from bringup.model import Finding, Limit, Measurement, Node, Stage, Weight
from bringup.parsers import dpu
from bringup.parsers.dpu import Dpu
from bringup.parsers.host_faults import DPU_FIRMWARE, DPU_MODE

_RULE = Limit(
    "host.dpu", "==", 0, "", why="a changed setting holds only after a power cycle", source="NVIDIA BlueField"
)


class DpuCards(Check[Node]):
    """Every BlueField card is in the planned mode, says so itself, no change of mode waits, and all are there.

    Planned are `dpu.mode` (nic, dpu or separated) and `dpu.count`, where the profile names them; mode and firmware are
    readings that `host.settings-drift` compares. The card itself is asked by its management interface (rshim), where the
    host has one; its Arm system is not logged in to.
    """

    id = "host.dpu"
    stage = Stage.HOST
    collects = True
    faults = (
        DPU_MODE,
        DPU_FIRMWARE,
        Fault(
            "DPU-PENDING",
            "a BlueField card of {node} waits for a power cycle to change its mode",
            "switch {node} off and on at its power supply (a warm reboot does not reach the card), or set the old mode again",
            Who.SOFTWARE,
            Severity.REBOOT,
        ),
        Fault(
            "DPU-DISAGREES",
            "a BlueField card of {node} runs in another mode than its host believes",
            "switch {node} off and on at its power supply, so that host and card read the same settings; if they still "
            "differ, install the BlueField bundle anew",
            Who.SOFTWARE,
            Severity.REBOOT,
            explained_by=("DPU-PENDING",),
        ),
        Fault(
            "DPU-MISSING",
            "{node} has fewer BlueField cards than planned",
            "reseat the card in {node} {place} and look at its own power cable; then replace it",
            severity=Severity.ISOLATE,
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, dpu.DPUS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        planned, count = ctx.limit_or_none(target, "dpu.mode"), ctx.limit_or_none(target, "dpu.count")
        seen = dpu.parse(out.text(target, dpu.DPUS))
        if count is not None:
            yield Measurement("BlueField cards", len(seen.cards), "cards", target.name, count, "DPU-MISSING")
        elif not seen.cards:
            raise NotApplicable(f"{target.name} has no BlueField card")
        for card in seen.cards:
            at = f"{target.name}/hca/{card.name}" if card.name else target.name
            if card.firmware is not None:
                yield Measurement("DPU firmware", card.firmware, "", at)
            mode = card.mode or card.own or card.next_mode
            if mode is None:
                continue
            yield Measurement("DPU mode", mode, "", at, planned, DPU_MODE.code)
            if card.mode is not None and card.own is not None:
                same = Limit(
                    "host.dpu", "==", _shown(card.mode), why="what its host reads", source="mlxconfig"
                )
                yield Measurement("mode by the card itself", card.own, "", at, same, "DPU-DISAGREES")
            if card.mode is not None and card.next_mode is not None:
                waits = int(card.mode != card.next_mode)
                yield Measurement("waiting for a power cycle", waits, "", at, _RULE, "DPU-PENDING")
                if waits:
                    message = f"{_name(card)}: {card.mode} now, {card.next_mode} after it"
                    yield Finding("DPU-PENDING", message, at, Weight.NOTE)
        silent = [card for card in seen.cards if card.next_mode is None and card.own is None]
        if silent and not seen.tool:
            if planned is not None:
                raise ToolMissing(("mlxconfig",))
            yield Finding(DPU_MODE.code, f"mode not known: {silent[0].why}", target.name, Weight.NOTE)
        elif silent:
            raise CannotJudge(f"the mode is not known: {'; '.join(f'{_name(c)}: {c.why}' for c in silent)}")


def _name(card: Dpu) -> str:
    return f"{card.generation} {card.name or card.address}"


def _shown(mode: str) -> str:
    """How rshim names a mode: a card with processors apart is one in DPU mode."""
    return "nic" if mode == "nic" else "dpu"
