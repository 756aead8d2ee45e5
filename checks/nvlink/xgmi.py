"""Are all AMD GPUs of the node joined by XGMI?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NotApplicable, ParseError
from bringup.model import Finding, Limit, Measurement, Node, Stage, Weight
from bringup.parsers import amd_smi_tables, bdf, siblings
from bringup.parsers.amd_smi_answer import answered

XGMI_DOWN = Fault(
    code="XGMI-DOWN",
    title="{at} is not joined to its siblings by XGMI",
    action="reset the GPUs of {node}; if the link stays away, reseat the GPU on its baseboard at {place}, then replace "
    "the baseboard",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=("GPU-DRIVER", "GPU-MISSING"),
)
_TABLE = "LINK TYPE TABLE"
_RULE = Limit(
    "nvlink.xgmi", "==", 0, "GPUs", why="XGMI joins each two GPUs of a node", source="AMD-AGI/Primus"
)


class Xgmi(Check[Node]):
    """Each two AMD GPUs of the node are joined by XGMI."""

    id = "nvlink.xgmi"
    stage = Stage.NVLINK
    faults = (XGMI_DOWN,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        if ctx.need_gpus(target, "amd") < 2:
            raise NotApplicable(f"profile {target.profile} has a single GPU")
        return run(target, amd_smi_tables.TOPOLOGY)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        expected = ctx.need_gpus(target)
        tables = amd_smi_tables.parse_topology(answered(out.answered(target, amd_smi_tables.TOPOLOGY)))
        if _TABLE not in tables:
            raise ParseError(f"amd-smi topology has no {_TABLE.lower()}; cut off?")
        cells = tables[_TABLE]
        # The table names no index: its order is that of amd-smi's own numbers.
        addresses = list(dict.fromkeys(row for row, _ in cells))
        places = {address: index for index, address in enumerate(addresses)}
        bad = {pair: word for pair, word in cells.items() if pair[0] != pair[1] and word != "XGMI"}
        blamed = siblings.blamed((places[a], places[b]) for a, b in bad)
        for address, index in places.items():
            others = {b if a == address else a: word for (a, b), word in bad.items() if address in (a, b)}
            at = f"{target.name}/gpu/{index}"
            # What a GPU lacks because of another one is said at that one.
            judged = _RULE if not others or index in blamed else None
            yield Measurement("nvlink.xgmi", len(others), "GPUs", at, judged)
            if others:
                words = ", ".join(f"{bdf.short(to)} by {word}" for to, word in others.items())
                yield Finding(XGMI_DOWN.code, f"{bdf.short(address)} reaches {words}", at, Weight.NOTE)
        if len(addresses) < expected:
            message = f"only {len(addresses)} of {expected} GPUs are in the table, the others are not judged"
            raise CannotJudge(message, code="GPU-MISSING")
