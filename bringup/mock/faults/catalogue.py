"""The list of fault kinds as people read it: one table row for each, grouped by the part that fails."""

from __future__ import annotations

from bringup.mock.faults import KINDS
from bringup.mock.faults.registry import Kind

_GROUPS = {
    "node": "The node and the way to it",
    "gpu": "GPUs and their slots",
    "nvlink": "NVLink and collectives",
    "port": "Adapters, ports, cables, switches",
}


def markdown() -> str:
    """All kinds, in tables."""
    parts: list[str] = []
    for module, title in _GROUPS.items():
        rows = [_row(kind) for kind in KINDS.values() if _module(kind) == module]
        head = "| kind | what it does | parameters | a run should report |\n| --- | --- | --- | --- |\n"
        parts.append(f"### {title}\n\n{head}{''.join(rows)}")
    return "\n".join(parts)


def _module(kind: Kind) -> str:
    change = kind.change or kind.door
    return change.__module__.rpartition(".")[2] if change is not None else ""


def _row(kind: Kind) -> str:
    params = ", ".join(p.shown for p in kind.params).replace("|", "\\|") or "none"
    return f"| `{kind.id}` | {kind.does} | {params} | {', '.join(kind.codes) or 'nothing'} |\n"
