"""The campaign's files: every scenario as data and as an inventory, the result as JSON and as a page."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from bringup.campaign.show import markdown
from bringup.campaign.totals import Totals
from bringup.campaign.types import Scenario
from bringup.errors import UsageError

SCHEMA = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,150}")
_MOST_BYTES = 16 << 20


def save_scenario(scenario: Scenario, out: Path) -> None:
    """The scenario for `--replay`, and its inventory for `bringup run -i`."""
    folder = out / "scenarios"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{scenario.id}.json").write_bytes(msgspec.json.format(msgspec.json.encode(scenario)))
    if scenario.text:
        (folder / f"{scenario.id}.yaml").write_text(scenario.text, encoding="utf-8")


def load_scenario(name: str, out: Path) -> Scenario | None:
    """A stored scenario, or None if there is none of that name. Raises UsageError for a damaged one."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"no scenario has the name {name[:80]!r}")
    path = out / "scenarios" / f"{name}.json"
    try:
        with path.open("rb") as opened:
            data = opened.read(_MOST_BYTES)
        found = msgspec.json.decode(data, type=Scenario)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None
    if found.id != name:
        raise UsageError(f"{path}: holds another scenario")
    return found


def document(totals: Totals) -> dict[str, object]:
    """The result as JSON knows it."""
    due, later = totals.due, totals.later
    return {
        "schema": SCHEMA,
        "wall_s": round(totals.wall_s, 1),
        "totals": {
            "scenarios": len(totals.scores),
            "failed": [s.scenario.id for s in totals.failed],
            "due": sum(r.planted for r in due),
            "found": sum(r.found for r in due),
            "right_component": sum(r.placed for r in due),
            "right_class": sum(r.right for r in due),
            "false_alarms": len(totals.alarms),
            "later": sum(r.planted for r in later),
            "later_right": sum(r.right for r in later),
        },
        "kinds": [
            {
                "kind": r.kind, "oddity": r.oddity, "closes": r.closes, "seeded": r.planted, "found": r.found,
                "right_component": r.placed, "right_class": r.right, "alarms": r.alarms,
                "seconds": round(r.seconds, 1), "shapes": sorted(r.shapes),
            }
            for r in totals.rows
        ],
        "scenarios": [
            {
                "id": s.scenario.id, "family": s.scenario.family, "title": s.scenario.title, "shape": s.scenario.shape,
                "seed": s.scenario.seed, "nodes": s.scenario.nodes, "seconds": s.seconds, "failed": s.failed,
                "closes": s.scenario.closes, "blocked": s.scenario.blocked, "problems": list(s.problems),
                "faults": [
                    {
                        "kind": f.planted.kind, "nodes": list(f.planted.nodes), "params": f.planted.params,
                        "hit": f.hit.value if f.planted.places else "oddity", "closes": f.planted.closes,
                        "wanted": [[msgspec.to_builtins(w) for w in p.anyone_of] for p in f.planted.places],
                        "reported": list(f.reported),
                    }
                    for f in s.faults
                ],
                "alarms": [msgspec.to_builtins(a) for a in s.alarms],
            }
            for s in totals.scores
        ],
        "not_played": dict(totals.unplayed),
    }  # fmt: skip


def save(totals: Totals, out: Path, title: str, replay: str) -> tuple[Path, Path]:
    """Write campaign.json and campaign.md; returns both paths."""
    out.mkdir(parents=True, exist_ok=True)
    result, page = out / "campaign.json", out / "campaign.md"
    result.write_bytes(msgspec.json.format(msgspec.json.encode(document(totals))) + b"\n")
    page.write_text(markdown(totals, title, replay), encoding="utf-8")
    return result, page
