"""The page about the simulated cluster says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from bringup.mock import SHAPES
from bringup.mock.faults.catalogue import markdown
from bringup.mock.programs import PROGRAMS
from bringup.mock.tools import tools

PAGE = Path(__file__).parents[2] / "docs" / "simulated-cluster.md"


def test_the_tables_of_faults_are_those_of_the_code():  # type: ignore[no-untyped-def]
    assert markdown() in PAGE.read_text(encoding="utf-8")


def test_shapes_and_programs_are_named():  # type: ignore[no-untyped-def]
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"`{shape}`" in text for shape in SHAPES)
    grouped = {
        "all_gather_perf",
        "alltoall_perf",
        "broadcast_perf",
        "reduce_perf",
        "reduce_scatter_perf",
        "sendrecv_perf",
    }
    grouped |= {f"ib_{verb}_{kind}" for verb in ("write", "read", "send") for kind in ("bw", "lat")}
    missing = [
        name for name in PROGRAMS if name not in grouped and not re.search(rf"`{re.escape(name)}[ `]", text)
    ]
    assert missing == []


def test_every_named_program_is_simulated():  # type: ignore[no-untyped-def]
    assert set(tools()) == set(PROGRAMS)
