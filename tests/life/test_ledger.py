"""The ledger's file: two writers, a cut line, lines of another version."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from bringup.errors import RunFolderError
from bringup.life import entries as en
from bringup.life import ledger


def noted(text: str) -> en.Noted:
    return en.Noted(id="D-1", text=text, at=1.0, by="ann", cluster="hall")


def _write(path: str, name: str) -> None:
    for number in range(50):
        ledger.append(Path(path), [noted(f"{name} {number} a"), noted(f"{name} {number} b")])


def test_two_writers_lose_nothing_and_mix_nothing(tmp_path: Path) -> None:
    path = tmp_path / "defects.jsonl"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(str(path), name)) for name in ("x", "y")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = ledger.read(path)
    texts = [e.text for e in found.entries if isinstance(e, en.Noted)]
    assert sorted(texts) == sorted(f"{n} {i} {half}" for n in "xy" for i in range(50) for half in "ab")
    assert found.unread == 0
    for first, second in zip(texts[::2], texts[1::2], strict=True):
        assert first[:-1] == second[:-1], "what is added together stays together"


def test_a_cut_line_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "defects.jsonl"
    ledger.append(path, [noted("one")])
    with path.open("ab") as file:
        file.write(b'{"type":"note","id":"D-1","te')
    assert ledger.read(path) == ledger.Ledger((noted("one"),), 0)
    ledger.append(path, [noted("two")])
    assert ledger.read(path) == ledger.Ledger((noted("one"), noted("two")), 1)


def test_lines_that_are_no_entries_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "defects.jsonl"
    path.write_bytes(b'{"type":"of-the-future"}\n\n[]\n\xff\n' + b"[" * 100_000 + b"\n")
    ledger.append(path, [noted("one")])
    assert ledger.read(path) == ledger.Ledger((noted("one"),), 4)


def test_an_absent_ledger_is_empty_and_an_unreadable_one_is_told(tmp_path: Path) -> None:
    assert ledger.read(tmp_path / "none.jsonl") == ledger.Ledger()
    with pytest.raises(RunFolderError, match="cannot be read"):
        ledger.read(tmp_path)
    with pytest.raises(RunFolderError, match="cannot be written"):
        ledger.append(tmp_path, [noted("one")])


def test_every_entry_reads_back(tmp_path: Path) -> None:
    from bringup.defects import Who

    path = tmp_path / "defects.jsonl"
    every: list[en.AnyEntry] = [
        en.RunTaken(run="r", seen=["D-1"]),
        en.Seen(run="r", id="D-1", code="C", who=Who.PLAN, component="n", components=["n"], nodes=["n"], needs={"a": ["n"]}),
        en.Proven(run="r", id="D-1", open=["x"], retest=True),
        en.Claimed(id="D-1", owner="o"),
        en.Repaired(id="D-1"),
        en.Waived(what="D-1", reason="r", owner="o", until="2030-01-01"),
        en.WaiverEnded(what="D-1"),
        en.Signed(what="D-1", name="Jane", run="r"),
        noted("x"),
        en.Swapped(a="n:mlx5_0", b="n:mlx5_1", run="r", good_a=True, good_b=None),
    ]  # fmt: skip
    ledger.append(path, every)
    assert ledger.read(path) == ledger.Ledger(tuple(every), 0)
