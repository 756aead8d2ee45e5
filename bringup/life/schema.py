"""The JSON schema of the ledger's lines, made from their types; docs/life-schema.json is this, and a test compares."""

from __future__ import annotations

import msgspec

from bringup.life.entries import AnyEntry


def document() -> dict[str, object]:
    """The schema of one line of the ledger."""
    (schema,), parts = msgspec.json.schema_components((AnyEntry,), ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "bringup.ledger-line/1",
        "title": "One line of the ledger of defects (runs/defects.jsonl), version 1",
        "description": "Lines are only ever added; fields are only ever added within version 1. Readers skip lines that"
        " they do not know.",
        **schema,
        "$defs": parts,
    }
