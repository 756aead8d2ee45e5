"""`dcgmi health -c`: what the health watches of NVIDIA's data center tool have seen so far.

Watches see only what happened since somebody switched them on (`dcgmi health -s a`); without them the tool says so,
which is no health. Names of the parts below `body` change with the version, so every word that is no good word is
collected with its path.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import CannotJudge, ParseError
from bringup.parsers.reading import quoted
from bringup.parsers.reading_json import document_among_lines, mapping

HEALTH = Command("dcgmi health -c -j", needs=("dcgmi",), root=True, timeout_s=60.0, estimate_s=2.0)

HEALTHY = "Healthy"
_DEPTH = 8
_MOST = 64


@dataclass(frozen=True, slots=True)
class Health:
    """The tool's word for the node, and what it says about the parts, each with its path."""

    overall: str
    incidents: tuple[str, ...]


def parse(text: str) -> Health:
    """The report. Raises CannotJudge where the watches are off or the daemon does not answer."""
    low = text.lower()
    if "not enabled" in low or "enable watches" in low:
        raise CannotJudge("the health watches of DCGM are off: nothing has been watched (dcgmi health -s a)")
    if "unable to connect" in low or "unable to establish" in low or "cannot establish" in low:
        raise CannotJudge(f"dcgmi does not reach its daemon nv-hostengine: {quoted(text)}")
    body = mapping(
        mapping(document_among_lines(text, "dcgmi health"), "dcgmi health").get("body"), "dcgmi health: body"
    )
    overall = next(
        (_word(value) for key, value in body.items() if key.strip().lower() == "overall health"), None
    )
    if overall is None:
        raise ParseError(f"dcgmi health: no overall health in {quoted(text)}")
    others = {key: value for key, value in body.items() if key.strip().lower() != "overall health"}
    return Health(overall, tuple(_incidents(others, ""))[:_MOST])


def _word(value: object) -> str:
    own = value.get("value") if isinstance(value, dict) else value
    if not isinstance(own, str) or not own.strip():
        raise ParseError(f"dcgmi health: {quoted(str(value))} is no word of health")
    return own.strip()


def _incidents(tree: object, path: str, depth: int = 0) -> Iterator[str]:
    """Every value of the tree with its path; a part without any trouble is not printed by the tool."""
    if not isinstance(tree, dict) or depth > _DEPTH:
        return
    for key, entry in tree.items():
        here = f"{path} {key}".strip()
        if isinstance(entry, str):
            if entry.strip() and entry.strip() != HEALTHY:
                yield f"{here}: {entry.strip()[:300]}"
        elif isinstance(entry, dict):
            value = entry.get("value")
            if isinstance(value, str) and value.strip() and value.strip() != HEALTHY:
                yield f"{here}: {value.strip()[:300]}"
            children = entry.get(
                "children", {k: v for k, v in entry.items() if k not in ("value", "overflow")}
            )
            yield from _incidents(children, here, depth + 1)
