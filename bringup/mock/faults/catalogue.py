"""The list of fault kinds as people read it: one table row for each, grouped by the part that fails."""

from __future__ import annotations

from bringup.mock.faults import KINDS
from bringup.mock.faults.registry import Kind

_GROUPS = {
    "reach": "The way to the node",
    "host": "The machine around the GPUs",
    "settings": "Settings and drives of the machine",
    "software": "Programs, versions, rights, services",
    "tenant": "What tenants leave, and what the site has planned around the GPUs",
    "gpu": "GPUs",
    "slot": "PCIe slots",
    "memory": "GPU memory",
    "nvlink": "NVLink and collectives",
    "port": "Adapters, ports, modules",
    "counters": "What ports count",
    "intermittent": "What fails only sometimes",
    "cabling": "Cables",
    "switch": "Leaf and spine switches",
    "fleet": "Many nodes, and two that meet",
    "plan": "Mistakes in the plan",
    "oddity": "Normal oddities",
}
_HEAD = "| kind | what it does | parameters | a run should report | who |\n| --- | --- | --- | --- | --- |\n"
_ODD_HEAD = "| kind | what it does | parameters |\n| --- | --- | --- |\n"


def markdown() -> str:
    """All kinds, in tables."""
    parts: list[str] = []
    for group, title in _GROUPS.items():
        kinds = [kind for kind in KINDS.values() if kind.group == group]
        odd = all(kind.oddity for kind in kinds)
        rows = "".join(_row(kind) for kind in kinds)
        parts.append(f"### {title}\n\n{_ODD_HEAD if odd else _HEAD}{rows}")
    return "\n".join(parts)


def _row(kind: Kind) -> str:
    params = ", ".join(p.shown for p in kind.params) or "none"
    cells = [f"`{kind.id}`", kind.does, params]
    if not kind.oddity:
        right = " or ".join(f"{e.code} at `{e.component}`" for e in kind.expected)
        more = f"; explained by it: {', '.join(kind.follows)}" if kind.follows else ""
        later = " (no check sees it yet)" if kind.closes else ""
        cells += [right + more + later, ", ".join(dict.fromkeys(e.who.value for e in kind.expected))]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"
