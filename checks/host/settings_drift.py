"""Host: settings and parts that no profile puts a number on must at least be the same on equal nodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bringup.check import NOTHING, Check, Context, Outputs, Plan
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Fault, Finding, Group, Limit, Measurement, Node, Severity, Stage, Weight, Who
from bringup.parsers.host_faults import NVME_COUNT
from bringup.parsers.majority import LEAST, Vote, vote

_DRIFT = "SETTING-MINORITY"
_SYSCTL = "SYSCTL-DRIFT"
_READINGS = (
    ("host.kernel-cmdline", "kernel command line", _DRIFT),
    ("host.kernel-cmdline", "iommu", _DRIFT),
    ("host.numa-balancing", "numa balancing", _SYSCTL),
    ("host.governor", "governor", _DRIFT),
    ("host.nvme", "nvme drives", NVME_COUNT.code),
)
"""Which readings of which checks are compared, and what a minority is called."""
_RULE = Limit(
    "host.settings-drift",
    "<=",
    1,
    "values",
    why="consistency: equal nodes are set up equally; not a number",
    source="rule",
)


class SettingsDrift(Check[Group]):
    """Nodes of one profile have the same kernel command line, IOMMU mode, NUMA balancing, governor and NVMe drives.

    Words of the command line that belong to one node only (its disk, its network) are left out.
    """

    id = "host.settings-drift"
    stage = Stage.HOST
    faults = (
        Fault(
            _DRIFT,
            "{at} is set up in another way than the others",
            "set {at} up like the majority (re-image), or correct the others if the majority is wrong",
            Who.CONFIGURATION,
            Severity.REBOOT,
            explained_by=("IOMMU", "KERNEL-CMDLINE", "NUMA-BALANCING", "CPU-GOVERNOR"),
        ),
        Fault(
            _SYSCTL,
            "a kernel setting of {at} is not that of the others",
            "set it on {at} like on the majority (sysctl) and keep it over reboots",
            Who.CONFIGURATION,
            Severity.MONITOR,
            explained_by=("NUMA-BALANCING",),
        ),
        NVME_COUNT,
    )

    def plan(self, target: Group, ctx: Context) -> Plan:
        if len(target.members) < LEAST:
            raise NotApplicable(f"fewer than {LEAST} nodes: there is no majority to compare with")
        return NOTHING

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        few: list[str] = []
        compared = 0
        for profile, members in _by_profile(target.members).items():
            for check, name, code in _READINGS:
                mine = {m.at: str(m.value) for m in ctx.readings.get((check, name), ()) if m.at in members}
                if len(mine) >= LEAST:
                    compared += 1
                    yield from _compare(name, code, mine, target.name)
                elif mine and len(members) >= LEAST:
                    few.append(f"{name} of {len(mine)} of {len(members)} nodes with profile {profile}")
                elif mine:
                    said = f"only {len(members)} with profile {profile}: {name} was not compared"
                    yield Finding(code, said, target.name, Weight.NOTE)
        if few:
            raise CannotJudge(f"too few readings for a majority: {'; '.join(few)}")
        if not compared:
            raise CannotJudge("no settings were told by enough nodes to compare them")


def _by_profile(members: Sequence[Node]) -> dict[str, frozenset[str]]:
    profiles = dict.fromkeys(node.profile for node in members)
    return {p: frozenset(n.name for n in members if n.profile == p) for p in profiles}


def _compare(name: str, code: str, mine: dict[str, str], fleet: str) -> Iterator[Measurement | Finding]:
    """One setting: equal everywhere, a few odd ones out, or a split in which nobody can say who is right."""
    result = vote(mine)
    different = len(result.counts)
    # Where values differ the findings name the places; the count then only informs.
    limit = _RULE if different == 1 else None
    yield Measurement(f"{name} values", different, "values", fleet, limit, code)
    if result.split:
        counts = ", ".join(str(count) for count in result.counts.values())
        said = f"{name}: {different} values on {counts} nodes; no clear majority"
        yield Finding(code, said, fleet)
    for place in result.odd:
        yield Finding(code, f"{name}: {_difference(mine[place], result)}", place)


def _difference(value: str, result: Vote) -> str:
    """What is different, word by word where the values are long."""
    share = f"on {result.counts[result.majority]} of {result.total} nodes"
    have, others = value.split(), result.majority.split()
    if len(have) <= 1 and len(others) <= 1:
        return f"{value}, {result.majority} {share}"
    more = " ".join(word for word in have if word not in others)
    less = " ".join(word for word in others if word not in have)
    parts = [f"has {more}" if more else "", f"lacks {less}" if less else ""]
    return f"{', '.join(part for part in parts if part) or 'other order'}; not so {share}"
