"""The sums of a run folder: every kind of difference is told at once, and nothing outside the folder is read."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bringup.errors import RunFolderError
from bringup.report import manifest

FILES = (
    "run.toml", "inventory.yaml", "journal.jsonl", "profiles/p.toml", "evidence/gpu-001/reach.out",
    "evidence/gpu-001/host.out", "evidence/gpu-002/reach.out", "reports/report.json", "reports/junit/01-reach.xml",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    run = tmp_path / "1120-0931"
    for name in FILES:
        path = run / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (run / "somebody's notes.txt").write_text("not part of the run")
    manifest.write(run)
    return run


def test_untouched_run_is_as_it_was(folder: Path) -> None:
    compared = manifest.verify(folder)
    assert (compared.files, compared.differences, compared.proven) == (9, (), False)
    assert "9 files as they were" in manifest.told("1120-0931", compared)
    assert sorted(p.name for p in folder.iterdir() if p.name.startswith(".")) == []


def test_all_differences_at_once(folder: Path) -> None:
    (folder / "evidence/gpu-001/reach.out").write_text("better")
    (folder / "evidence/gpu-002/reach.out").unlink()
    (folder / "reports/junit/99-more.xml").write_text("x")
    (folder / "journal.jsonl").write_text("journal.jsonl\n")
    compared = manifest.verify(folder)
    assert [(d.kind, d.file) for d in compared.differences] == [
        ("changed", "evidence/gpu-001/reach.out"),
        ("missing", "evidence/gpu-002/reach.out"),
        ("changed", "journal.jsonl"),
        ("added", "reports/junit/99-more.xml"),
    ]
    assert compared.proven
    assert "4 of 9 files differ" in manifest.told("1120-0931", compared)


def test_links_and_pipes_are_never_read(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("evidence/gpu-001/host.out")  # the very bytes that the manifest wants
    (folder / "evidence/gpu-001/host.out").unlink()
    (folder / "evidence/gpu-001/host.out").symlink_to(secret)
    (folder / "evidence/gpu-001/reach.out").unlink()
    os.mkfifo(folder / "evidence/gpu-001/reach.out")
    shutil.rmtree(folder / "profiles")
    (folder / "profiles").symlink_to(tmp_path)
    found = {(d.kind, d.file) for d in manifest.verify(folder).differences}
    assert found == {
        ("unreadable", "evidence/gpu-001/host.out"), ("unreadable", "evidence/gpu-001/reach.out"),
        ("missing", "profiles/p.toml"), ("added", "profiles"),
    }  # fmt: skip


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum here")
def test_sha256sum_reads_it(folder: Path) -> None:
    ended = subprocess.run(
        ["sha256sum", "-c", "--strict", manifest.NAME], cwd=folder, capture_output=True, text=True
    )
    assert ended.returncode == 0 and ended.stdout.count(": OK") == 9


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "not there"),
        ("x", "cut"),
        ("not a sum\n", "line 1"),
        ("0" * 64 + "  a\n" + "z" * 64 + "  b\n", "line 2"),
    ],
)
def test_unusable_manifest_is_said(folder: Path, text: str | None, why: str) -> None:
    (folder / manifest.NAME).unlink()
    if text is not None:
        (folder / manifest.NAME).write_text(text)
    with pytest.raises(RunFolderError, match=why):
        manifest.verify(folder)


def test_manifest_that_names_files_outside_reads_none(folder: Path) -> None:
    (folder / manifest.NAME).write_text("0" * 64 + "  ../../etc/passwd\n")
    found = manifest.verify(folder).differences
    assert ("missing", "../../etc/passwd") in {(d.kind, d.file) for d in found}
    assert {d.kind for d in found} == {"missing", "added"}
