"""The published schema of the ledger is that of its types."""

from __future__ import annotations

import json
from pathlib import Path

from bringup.life.schema import document

PUBLISHED = Path(__file__).parents[2] / "docs" / "life-schema.json"


def test_the_published_schema_is_up_to_date() -> None:
    assert json.loads(PUBLISHED.read_text()) == json.loads(json.dumps(document()))


def test_every_kind_of_line_is_in_it() -> None:
    kinds = {part["properties"]["type"]["enum"][0] for part in json.loads(PUBLISHED.read_text())["$defs"].values()
             if "properties" in part}  # fmt: skip
    assert kinds == {
        "run", "seen", "proven", "claimed", "repaired", "waived", "waiver-ended", "signed", "note", "swap"
    }  # fmt: skip
