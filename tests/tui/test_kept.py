"""The viewer of kept output: exactly the recorded bytes, nothing from outside, nothing that acts on the terminal."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from bringup.commands import Command, Ended, Evidence
from bringup.run import load
from bringup.tui.kept import evidence_lines, evidence_rows
from bringup.tui.look import Line, Look, line_text

LOOK = Look()


def text(lines: list[Line]) -> str:
    return "\n".join(line_text(line).rstrip() for line in lines)


@pytest.fixture
def lost(finished: Any) -> Evidence:
    return load(finished.folder).cases["gpu.inventory", "gpu-021"].evidence[0]


def test_stdout_then_stderr_without_escapes(finished: Any, lost: Evidence) -> None:
    assert text(evidence_lines(finished.folder, lost, LOOK)) == (
        " gpu-021 · status 1 · 1.25 s\n"
        " evidence/gpu-021/gpu.out at byte 0\n"
        " ── command ──────────────────────────────────────────────────────────────────\n"
        " nvidia-smi -q -x\n"
        " ── stdout, 87 bytes ─────────────────────────────────────────────────────────\n"
        " NVRM: Xid (PCI:0000:9b:00): 79, GPU has fallen off the bus.\n"
        " Attached GPUs : 7\n"
        " ── stderr, 30 bytes ─────────────────────────────────────────────────────────\n"
        " WARNING: infoROM is corrupted"
    )


def test_only_the_recorded_slice_is_shown(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"BEFOREstdoutstderrAFTER")
    evidence = Evidence("n", "out", Command("true"), Ended.TIMEOUT, None, 3.0, 0.0, 6, 6, 6, detail="killed")
    shown = text(evidence_lines(tmp_path, evidence, LOOK))
    assert " n · timeout · 3 s · killed\n" in shown
    assert "\n stdout\n" in shown and shown.endswith("\n stderr")
    assert "BEFORE" not in shown and "AFTER" not in shown
    assert (
        text([((t, tone),) for t, tone in evidence_rows([evidence], LOOK)[0].cells])
        == "n\ntimeout\n3.0 s\n12\ntrue"
    )


@pytest.mark.parametrize(
    "file",
    [
        "../secret",
        "/etc/passwd",
        "a/../../secret",
        "link",
        "linked/secret",
        "pipe",
        "",
        ".",
        "gone",
        "nul\0l",
    ],
)
def test_nothing_outside_of_the_run_folder_is_opened(file: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("SECRET")
    run = tmp_path / "run"
    run.mkdir()
    (run / "link").symlink_to(tmp_path / "secret")
    (run / "linked").symlink_to(tmp_path)
    os.mkfifo(run / "pipe")
    evidence = Evidence("n", file, Command("true"), Ended.EXITED, 0, 0.1, 0.0, 0, 6, 0)
    shown = evidence_lines(run, evidence, LOOK)
    assert "SECRET" not in text(shown)
    assert text(shown[:3]).startswith(" n · status 0")
    assert len(shown) == 6, "the command, an empty line, and why it cannot be read"


@pytest.mark.parametrize(
    "place", [(-1, 5, 0), (0, -5, 0), (0, 5, -1), (1 << 70, 5, 0), (0, 1 << 70, 0), (99, 5, 5)]
)
def test_impossible_places_are_said_and_not_raised(place: tuple[int, int, int], tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"0123456789")
    evidence = Evidence("n", "out", Command("true"), Ended.EXITED, 0, 0.1, 0.0, *place)
    shown = text(evidence_lines(tmp_path, evidence, LOOK))
    assert "negative" in shown or "cannot be read" in shown or "of them can be shown" in shown


def test_long_and_hostile_output_stays_in_its_lines(tmp_path: Path) -> None:
    raw = b"a\tb\r\n" + b"x" * 10_000 + b"\n\x1b[2J\x1b]52;c;aGk=\x07\x00\x9b31m\xff\n" + "‮机".encode()
    (tmp_path / "out").write_bytes(raw)
    evidence = Evidence("n", "out", Command("true"), Ended.EXITED, 0, 0.1, 0.0, 0, len(raw), 0)
    shown = [line_text(line) for line in evidence_lines(tmp_path, evidence, LOOK)][5:]
    assert shown[0] == " a       b"
    assert len(shown[1]) == 4_001
    assert shown[3] == " \\u202e机"
    assert all(c.isprintable() for line in shown for c in line)
    assert all(line_text(line).isascii() for line in evidence_lines(tmp_path, evidence, Look(ascii=True)))
