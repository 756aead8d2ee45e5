"""Host: settings and parts that no profile puts a number on must at least be the same on equal nodes."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import NOTHING, Check, Outputs, Plan
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Group, Limit, Measurement, Stage, Weight
from bringup.parsers.host_faults import CPU_COUNT, DPU_FIRMWARE, DPU_MODE, NVME_COUNT, SSH_KEY_FOREIGN
from bringup.parsers.majority import LEAST, by_profile, compare, of_nodes

_DRIFT = "SETTING-MINORITY"
_SYSCTL = "SYSCTL-DRIFT"
_MODEL = "CPU-MODEL"
_CMDLINE = "kernel command line"
_KEYS = "login keys"
_READINGS = (
    ("host.kernel-cmdline", _CMDLINE, _DRIFT),
    ("host.kernel-cmdline", "iommu", _DRIFT),
    ("host.numa-balancing", "numa balancing", _SYSCTL),
    ("host.governor", "governor", _DRIFT),
    ("host.nvme", "nvme drives", NVME_COUNT.code),
    ("host.cpu", "processor model", _MODEL),
    ("host.cpu", "threads", CPU_COUNT.code),
    ("host.cpu", "sockets", CPU_COUNT.code),
    ("host.ssh-keys", _KEYS, SSH_KEY_FOREIGN.code),
    ("host.dpu", "DPU mode", DPU_MODE.code),
    ("host.dpu", "DPU firmware", DPU_FIRMWARE.code),
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
    """Nodes of one profile have the same kernel settings, drives, processors, login keys and BlueField cards.

    Kernel settings are command line, IOMMU mode, NUMA balancing and governor. Words of the command line that
    belong to one node only (its disk, its network) are left out. Keys that every node has for itself are a note.
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
        CPU_COUNT,
        SSH_KEY_FOREIGN,
        DPU_MODE,
        DPU_FIRMWARE,
        Fault(
            _MODEL,
            "{at} has other processors than the others",
            "compare {node} {place} with the order, and have its processors or the machine exchanged; where both models "
            "were ordered, give the nodes profiles of their own",
            Who.HANDS_ON,
            Severity.MONITOR,
        ),
    )

    def plan(self, target: Group, ctx: Context) -> Plan:
        if len(target.members) < LEAST:
            raise NotApplicable(f"fewer than {LEAST} nodes: there is no majority to compare with")
        return NOTHING

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        few: list[str] = []
        compared = 0
        for profile, members in by_profile(target.members).items():
            for check, name, code in _READINGS:
                mine = of_nodes(ctx.readings.get((check, name), ()), members)
                if len(mine) >= LEAST:
                    compared += 1
                    yield from compare(
                        name,
                        mine,
                        code=code,
                        limit=_RULE,
                        fleet=target.name,
                        word_by_word=name in (_CMDLINE, _KEYS),
                        split=Weight.NOTE if name == _KEYS else Weight.FAIL,
                    )
                elif mine and len(members) >= LEAST and check != "host.dpu":
                    few.append(f"{name} of {len(mine)} of {len(members)} nodes with profile {profile}")
                elif mine:
                    told = min(len(mine), len(members))  # not every node has such a card
                    said = f"only {told} with profile {profile}: {name} was not compared"
                    yield Finding(code, said, target.name, Weight.NOTE)
        if few:
            raise CannotJudge(f"too few readings for a majority: {'; '.join(few)}")
        if not compared:
            raise CannotJudge("no settings were told by enough nodes to compare them")
