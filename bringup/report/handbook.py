"""The handbook of the battery: docs/checks.md and docs/faults.md, written from the checks themselves.

So it cannot say anything else than what is run. A test compares the files with what is written here.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence

from bringup.battery.asked import Asked, asked
from bringup.check import AnyCheck
from bringup.defects import Fault, Who
from bringup.diagnosis import GENERAL
from bringup.model import STAGES, Group, Pair, Stage
from bringup.profile import usual
from bringup.report.handbook_commands import commands
from bringup.report.words import plural

_MADE = "<!-- Written by `bringup checks docs`. Do not edit: change the checks and write it again (`make docs`). -->"
_STAGES: Mapping[Stage, str] = {
    Stage.REACH: "Can every node be reached, and is it the one that the plan says?",
    Stage.HOST: "Processors, memory, disks, kernel and services of the node",
    Stage.PCIE: "GPUs and adapters on the PCIe bus",
    Stage.GPU: "GPUs, their memory, driver and settings",
    Stage.NVLINK: "NVLink, NVSwitch and XGMI between the GPUs",
    Stage.LINK: "Fabric ports, cables, optics and their settings",
    Stage.CABLING: "Is every cable where the plan says?",
    Stage.PERF: "Speed of single GPUs and nodes under load",
    Stage.RDMA: "Every port against other nodes",
    Stage.COLLECTIVE: "All GPUs together, in a node and over nodes",
    Stage.SOAK: "Load for hours",
    Stage.AFTER: "What the load of the run did: counters and logs once more, against their first answers",
}
_WHO = {
    Who.HANDS_ON: "hands on",
    Who.CONFIGURATION: "configuration",
    Who.SOFTWARE: "software",
    Who.PLAN: "plan",
    Who.COULD_NOT_JUDGE: "could not judge",
}
_GATE = {"": "stays in", "node": "node leaves", "component": "part leaves"}
_PLACES = re.compile(r"\{(at|node|place|cable|leaf|leaf_port|todo)\}")
_WORDS = {
    "at": "PART",
    "node": "NODE",
    "place": "PLACE",
    "cable": "CABLE",
    "leaf": "LEAF",
    "leaf_port": "PORT",
    "todo": "what the finding says, with both ends of each cable",
}


def checks_page(checks: Sequence[AnyCheck]) -> str:
    """docs/checks.md: a table for each stage, and a paragraph for each check."""
    stages = [stage for stage in STAGES if any(c.stage is stage for c in checks)]
    out = [
        "# The checks",
        "",
        _MADE,
        "",
        f"{plural(len(checks), 'check')} in {plural(len(stages), 'stage')}. A check passes only if everything that it looks at "
        'was read and is right; what cannot be read is "could not judge", never a pass. Limits and facts stand in the '
        "profile of the node ([profiles.md](profiles.md)); every code of a defect is in [faults.md](faults.md).",
        "",
        "*Level*: `quick` is part of every run; `standard`, `full` and `soak` add to it. *If it fails*: whether the node or "
        "the part takes no part in later stages. In commands, `mlx5_0` stands for each planned port.",
    ]
    for stage in stages:
        mine = [c for c in checks if c.stage is stage]
        out += ["", f"## {stage.value}", "", _STAGES.get(stage, ""), ""]
        out += ["| check | level | true when it passes | if it fails |", "|---|---|---|---|"]
        out += [
            f"| [{c.id}](#{_anchor(c.id)}) | {c.level.value} | {_cell(c.says)} | {_GATE.get(c.gate, c.gate)} |"
            for c in mine
        ]
        for check in mine:
            out += ["", *_paragraph(check)]
    return "\n".join(out) + "\n"


def _paragraph(check: AnyCheck) -> list[str]:
    asks = asked(check)
    out = [f"### {check.id}", "", inspect.cleandoc(check.__doc__ or ""), ""]
    out.append(f"- *judges* {_target(check)}; level `{check.level.value}`")
    found = commands(check)
    if found:
        out.append(f"- *commands*: {'; '.join(found)}")
    elif check.target is not Group:
        out.append("- *commands*: only where the profile asks for them")
    if asks.limits:
        out.append(f"- *limits*: {', '.join(_limit(name, asks) for name in asks.limits)}")
    if asks.facts:
        out.append(f"- *facts*: {', '.join(f'`{name}`' for name in sorted(asks.facts))}")
    if check.faults:
        out += ["", "| defect | who | what | do |", "|---|---|---|---|"]
        out += [
            f"| [{f.code}](faults.md#{_anchor(f.code)}) | {_WHO[f.who]} | {_filled(f.title)} | {_filled(f.action)} |"
            for f in check.faults
        ]
    return out


def _target(check: AnyCheck) -> str:
    if check.target is Group:
        return "all nodes together, from what other checks have read"
    if check.target is Pair:
        each = "each port of " if check.per_rail else ""
        return f"{each}two nodes at a time, {plural(check.rounds, 'round')} with other partners"
    after = ", against what it answered earlier in the run" if check.compares else ""
    return f"each node by itself{after}"


def _limit(name: str, asks: Asked) -> str:
    """A limit with its unit, as profiles write it where they have it."""
    stock = usual.limits().get(name)
    units = sorted(stock.units if stock else asks.limits[name])
    unit = " or ".join(u for u in units if u)
    return f"`{name}`" + (f" ({unit})" if unit else "")


def faults_page(checks: Sequence[AnyCheck]) -> str:
    """docs/faults.md: every code of a defect, with what it means, who acts and what they do."""
    known = _faults(checks)
    out = [
        "# The codes of defects",
        "",
        _MADE,
        "",
        f"{plural(len(known), 'code')}. A code never changes its meaning, so that tickets, reports and filters can rely on "
        "it. A capital word stands for what a run fills in: the PART, its NODE and PLACE, the CABLE, the LEAF switch and "
        "its PORT. *Follows from*: with one of these codes at the same part, this one is only told as its consequence.",
        "",
        "| code | who | what |",
        "|---|---|---|",
    ]
    out += [f"| [{c}](#{_anchor(c)}) | {_WHO[f.who]} | {_filled(f.title)} |" for c, (f, _) in known.items()]
    for code, (fault, by) in known.items():
        out += ["", f"### {code}", "", f"{_upper(_filled(fault.title))}.", ""]
        out.append(f"- *who*: {_WHO[fault.who]}; *before tenants use it*: {fault.severity.value}")
        out.append(f"- *do*: {_filled(fault.action)}")
        said = (
            ", ".join(f"[{i}](checks.md#{_anchor(i)})" for i in by)
            or "diagnosis, from the results of several checks"
        )
        out.append(f"- *told by*: {said}")
        if fault.explained_by:
            out.append(f"- *follows from*: {', '.join(dict.fromkeys(fault.explained_by))}")
    return "\n".join(out) + "\n"


def _faults(checks: Iterable[AnyCheck]) -> dict[str, tuple[Fault, list[str]]]:
    """Every code with the checks that report it; of several declarations the first counts, as in a run."""
    found: dict[str, tuple[Fault, list[str]]] = {}
    for check in checks:
        for fault in check.faults:
            found.setdefault(fault.code, (fault, []))[1].append(check.id)
    for code, fault in GENERAL.items():
        found.setdefault(code, (fault, []))
    return dict(sorted(found.items()))


def _filled(text: str) -> str:
    return _cell(_PLACES.sub(lambda m: _WORDS[m.group(1)], text))


def _cell(text: str) -> str:
    """Text that a table can hold."""
    return " ".join(text.split()).replace("|", "\\|")


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _anchor(heading: str) -> str:
    """The anchor that a heading gets in rendered Markdown."""
    return re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-")
