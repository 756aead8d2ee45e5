"""Sharing equal parts changes nothing of what a result says."""

from __future__ import annotations

from typing import Any

import msgspec
from tui.hall import SMI

from bringup.commands import Ended, Evidence
from bringup.model import Finding, Limit, Measurement, Outcome, Stage, Verdict, Why
from bringup.tui.pool import Pool


def outcome() -> Outcome:
    """One whose every field is set."""
    limit = Limit("rate".upper().lower(), ">=", 370.0, "Gb/s", "why", "file:1")
    return Outcome(
        "link." + "rate", Stage.LINK, "gpu-" + "001", ("gpu-" + "001",), Verdict.NOT_RUN, ("gpu-001/hca/x",), 2, "reason",
        "CODE", Why.ABORTED, (Measurement("rate", 187.4, "Gb/s", "gpu-001/hca/x", limit, "CODE"), Measurement("w", "x", "", "a")),
        (Finding("CODE", "said", "gpu-001"),),
        (Evidence("gpu-001", "f", SMI, Ended.EXITED, 0, 1.0, 2.0, 0, 3, 0),),
        1.5, 2.5, "gpu-001/hca/x",
    )  # fmt: skip


def test_an_outcome_out_of_the_pool_is_equal_in_every_field() -> None:
    empty = Outcome("", Stage.REACH, "", (), Verdict.PASS)
    told = outcome()
    same = [
        f.name for f in msgspec.structs.fields(Outcome) if getattr(told, f.name) == getattr(empty, f.name)
    ]
    assert same == [], "this test must set every field that an outcome has"
    assert Pool().outcome(told) == told


def test_equal_parts_are_one() -> None:
    pool = Pool()
    a, b = (pool.outcome(outcome()) for _ in range(2))
    pairs: list[tuple[Any, Any]] = [
        (a.check, b.check), (a.target, b.target), (a.nodes, b.nodes), (a.at, b.at),
        (a.measurements[0].limit, b.measurements[0].limit), (a.measurements[0].at, b.measurements[0].at),
    ]  # fmt: skip
    assert all(one is other for one, other in pairs)
