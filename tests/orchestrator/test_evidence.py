"""Every byte of many nodes that answer in turn, with far more files than are held open."""

from __future__ import annotations

from pathlib import Path

from bringup.commands import Command, Ended, Output
from bringup.model import Stage
from bringup.orchestrator.evidence import EvidenceStore
from bringup.orchestrator.kept import read_kept

COMMAND = Command("true")
NODES = [f"n{number:03}" for number in range(300)]


def test_many_nodes_in_turn(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    before = _open_files()
    kept = []
    for turn in range(4):
        for node in NODES:
            out = Output(
                node, COMMAND, Ended.EXITED, 0, f"{node} out {turn}".encode(), f"err {turn}".encode()
            )
            kept.append((out, store.keep(Stage.HOST, out)))
        assert _open_files() - before <= 128
    for out, evidence in kept:
        assert read_kept(tmp_path, evidence) == (out.stdout, out.stderr)
    store.close()
    assert _open_files() == before


def test_a_resumed_run_goes_on_with_the_file(tmp_path: Path) -> None:
    first = EvidenceStore(tmp_path)
    a = first.keep(Stage.HOST, Output("n", COMMAND, Ended.EXITED, 0, b"one"))
    first.close()
    second = EvidenceStore(tmp_path)
    b = second.keep(Stage.HOST, Output("n", COMMAND, Ended.EXITED, 0, b"two"))
    second.close()
    assert read_kept(tmp_path, a)[0] == b"one"
    assert read_kept(tmp_path, b)[0] == b"two"


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
