"""Why a run cannot be handed over, and what is in the documents of one that can. All runs are invented."""

from __future__ import annotations

import csv
from pathlib import Path

from support.invented_run import nodes, pair, port, run, serial, single

from bringup.life import entries as en
from bringup.life.standing import Book, book
from bringup.life.taking import taken
from bringup.report import handover
from bringup.run import RunState

NOW = 1_787_400_000.0
FINE = [single("gpu.count", n) for n in nodes()]
SLOW = single("link.rate", "n1", good=False, at=port("n1"))
GOOD = single("link.rate", "n1", at=port("n1"))


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def told(*runs: RunState, more: tuple[en.AnyEntry, ...] = ()) -> Book:
    entries: list[en.AnyEntry] = []
    for state in runs:
        entries += taken(state, entries, now=NOW, by="ann")
    return book([*entries, *more], "hall")


def ready(state: RunState, found: Book) -> list[str]:
    state.waivers = found.in_force(NOW)
    return handover.missing(state, found, NOW)


def test_a_clean_run_lacks_nothing() -> None:
    state = run("r", FINE)
    assert ready(state, told(state)) == []


def test_every_reason_is_named() -> None:
    state = run("r", [*FINE, SLOW], selection="-n n1")
    said = ready(state, told(state))
    assert said[0].startswith("the run was of a selection only (-n n1)")
    assert said[1] == "the run is NOT READY"
    assert "neither repaired nor accepted" in said[2]
    assert len(said) == 3


def test_a_repair_that_no_run_has_proven_is_a_reason() -> None:
    first, second = run("r1", [*FINE, SLOW]), run("r2", FINE)
    (said,) = ready(second, told(first, second))
    assert said.endswith("n1 mlx5_0 is slow: open; prove it with bringup retest")
    passed = run("r3", [*FINE, GOOD])
    (said,) = ready(passed, told(first, passed))
    assert "nobody has said that it was repaired" in said


def test_an_exception_needs_a_signature() -> None:
    state = run("r", [*FINE, SLOW])
    ident = state.defects[0].id
    waived = en.Waived(what=ident, reason="spare on order", owner="Jane", until="2030-01-01", cluster="hall")
    assert ready(state, told(state, more=(waived,))) == [
        f"the exception for {ident} (accepted by Jane) is not signed"
    ]
    signed = en.Signed(what=ident, name="Jane Doe", cluster="hall")
    assert ready(state, told(state, more=(waived, signed))) == []


def test_the_documents(tmp_path: Path) -> None:
    state = run("r", [*FINE, GOOD, pair("n1", "n2"), serial("n1", "=OPTIC-7"), SLOW_AFTER])
    found = told(state)
    handover.write(state, found, tmp_path, NOW, {"sum": "abc"})
    names = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert names >= {
        "README.md", "1-inventory-as-found.csv", "1-versions.csv", "2-links-as-built.csv", "3-results-by-node.csv",
        "3-results.json", "3-measurements.csv", "4-counters-after-load.csv", "5-punch-list.csv", "6-baseline.csv",
        "7-exceptions.md", "8-report.html", "8-summary.md", "8-ocp-diag/n1.jsonl",
    }  # fmt: skip
    rows = rows_of(tmp_path / "1-inventory-as-found.csv")
    assert {(r["node"], r["what"], r["value"], r["as_planned"]) for r in rows} == {
        *((n, "node serial", f"SN{n[1]}", "yes") for n in nodes()), ("n1", "optic serial", "'=OPTIC-7", "")
    }  # fmt: skip
    by_node = {r["node"]: r for r in rows_of(tmp_path / "3-results-by-node.csv")}
    assert (by_node["n1"]["ready"], by_node["n1"]["passed"], by_node["n1"]["failed"]) == ("yes", "5", "0")
    baseline = {r["name"]: r for r in rows_of(tmp_path / "6-baseline.csv") if r["check"] == "rdma.write-bw"}
    assert (baseline["bw"]["lowest"], baseline["bw"]["limits"]) == ("391.0", "at least 380 Gb/s")
    counters = rows_of(tmp_path / "4-counters-after-load.csv")
    assert [(r["stage"], r["check"], r["ok"]) for r in counters] == [("after", "after.link", "yes")]
    assert "None." in (tmp_path / "7-exceptions.md").read_text()
    assert "**Verdict**: READY" in (tmp_path / "README.md").read_text()


SLOW_AFTER = single("after.link", "n1")
