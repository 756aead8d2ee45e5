"""Two runs against each other, and the index over all of them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from support.invented_run import STARTED, error, events_of, pair, port, run, serial, single

from bringup import events as ev
from bringup.errors import RunFolderError
from bringup.journal import encode
from bringup.life.difference import Moved, difference, lines
from bringup.life.index import NAME, Index

SLOW = single("link.rate", "n1", good=False, at=port("n1"))
FINE = single("link.rate", "n1", at=port("n1"))


def write(runs: Path, name: str, told: list[ev.AnyEvent]) -> None:
    (runs / name).mkdir(parents=True, exist_ok=True)
    (runs / name / "journal.jsonl").write_bytes(b"".join(encode(event) + b"\n" for event in told))


def test_two_runs_differ_in_defects_results_and_parts() -> None:
    before = run("r1", [SLOW, serial("n1", "A"), serial("n2", "B"), single("gpu.count", "n1")])
    after = run("r2", [FINE, serial("n1", "B"), serial("n2", "C"), error("gpu.count", "n1")])
    found = difference(before, after)
    assert [d.code for d in found.gone] == ["LINK-RATE"]
    assert [d.code for d in found.appeared] == ["NOT-JUDGED"]
    assert found.stayed == ()
    assert [(c.check, *c.words) for c in found.changes] == [
        ("link.rate", "fail", "pass"), ("gpu.count", "pass", "error")
    ]  # fmt: skip
    assert set(found.moved) == {
        Moved(port("n1"), "optic", "A", "B", port("n2")), Moved(port("n2"), "optic", "B", "C", ""),
    }  # fmt: skip
    said = "\n".join(lines(found, before, after))
    assert "n1 mlx5_0: optic A -> B, which was in n2 mlx5_0" in said
    assert "nothing is proven" not in said


def test_a_defect_that_the_later_run_did_not_judge_is_gone_without_proof() -> None:
    before, after = run("r1", [SLOW]), run("r2", [single("gpu.count", "n1")])
    said = lines(difference(before, after), before, after)
    assert any("not judged in the later run, so nothing is proven" in line for line in said)


def test_equal_runs() -> None:
    one = run("r1", [FINE])
    assert lines(difference(one, one), one, one) == ["no difference in 1 results"]


def test_the_index_tells_a_port_over_runs_and_is_built_again_from_the_folders(tmp_path: Path) -> None:
    write(tmp_path, "r1", events_of("r1", [SLOW, pair("n1", "n2", good=False), serial("n1", "OPTIC-7")]))
    write(tmp_path, "r2", events_of("r2", [FINE, pair("n1", "n3"), serial("n3", "OPTIC-7")]))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/journal.jsonl").write_text("nonsense\n")
    for _ in range(2):
        with Index(tmp_path) as index:
            (trouble,) = index.refresh()
            assert trouble.startswith("broken: ")
            assert [r.id for r in index.runs("n1")] == ["r2", "r1"]
            rows = [(r.what, r.name, r.value, r.ok) for r in index.of("r1", "n1/hca/mlx5_0")]
            assert [row for row in rows if row[0] != "defect"] == [
                ("part", "optic", "OPTIC-7", None),
                ("reading", "link.rate one", "0, needs 1", False),
                ("reading", "rdma.write-bw bw", "170 Gb/s, needs at least 380 Gb/s", False),
            ]
            assert [row[1] for row in rows if row[0] == "defect"] == ["LINK-RATE"]
            assert all(r.ok is not False for r in index.of("r2", "n1/hca/mlx5_0"))
            assert index.places("OPTIC-7") == [("r2", port("n3"), "optic"), ("r1", port("n1"), "optic")]
        (tmp_path / NAME).write_bytes(b"no database at all" * 100)
        for leftover in tmp_path.glob(f"{NAME}-*"):
            leftover.unlink()


def test_a_run_that_has_changed_is_read_again_and_one_that_is_gone_forgotten(tmp_path: Path) -> None:
    write(tmp_path, "r1", events_of("r1", [SLOW]))
    write(tmp_path, "r2", events_of("r2", [SLOW]))
    with Index(tmp_path) as index:
        assert index.refresh() == []
        write(tmp_path, "r1", events_of("r1", [FINE, single("gpu.count", "n1")]))
        (tmp_path / "r2/journal.jsonl").unlink()
        assert index.refresh() == []
        assert [(r.id, r.started) for r in index.runs("n1")] == [("r1", STARTED)]
        assert [r for r in index.of("r1", "n1") if r.what == "defect"] == []


def test_an_index_of_another_version_is_built_anew(tmp_path: Path) -> None:
    write(tmp_path, "r1", events_of("r1", [SLOW]))
    db = sqlite3.connect(tmp_path / NAME)
    db.execute("CREATE TABLE runs (other TEXT)")
    db.execute("PRAGMA user_version=99")
    db.commit()
    db.close()
    with Index(tmp_path) as index:
        assert index.refresh() == []
        assert [r.id for r in index.runs("n1")] == ["r1"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    with pytest.raises(RunFolderError, match=r"index\.sqlite"):
        Index(tmp_path)
