"""`bringup report` in every format, `bringup verify`, and what a run writes at its end, on an invented run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support import big_run
from support.records import replace

from bringup.cli import cli
from bringup.cli.formats import FOLDERS, FORMATS
from bringup.cli.output import write_reports
from bringup.errors import UsageError
from bringup.journal import encode
from bringup.model import Exit
from bringup.orchestrator import RunFolder
from bringup.run import load

ORIGINAL = re.compile(r"gpu-00[0-9]{2}|SN0000|leaf-00|10\.1\.0\.|165392|hall-2")


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run of 16 nodes as it lies on the disk, with the reports of its end."""
    made = RunFolder.create(
        tmp_path / "runs", {"orchestrator": "desk-7"}, "name: hall-2\n", {"hgx-h100": 'name = "hgx-h100"\n'}
    )
    made.journal.write_bytes(b"".join(encode(event) + b"\n" for event in big_run.events(16)))
    for number in range(1, 17):
        for stage in ("gpu", "rdma", "reach"):
            kept = made.path / f"evidence/gpu-{number:04}/{stage}.out"
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(f"gpu-{number:04} Serial Number : 165392{number:04}\n")
    write_reports(load(made.path), made)
    return made


def bringup(folder: RunFolder, *arguments: str) -> Result:
    ended = CliRunner().invoke(cli, [*arguments, "--runs", str(folder.path.parent)], standalone_mode=False)
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    return ended


def test_a_run_leaves_all_reports_and_their_sums(folder: RunFolder) -> None:
    assert sorted(p.name for p in folder.reports.iterdir()) == [
        "bringup.prom", "defects.csv", "junit", "report.html", "report.json", "summary.md", "summary.txt",
    ]  # fmt: skip
    listed = (folder.path / "manifest.sha256").read_text().splitlines()
    assert {
        "journal.jsonl",
        "run.toml",
        "profiles/hgx-h100.toml",
        "evidence/gpu-0001/gpu.out",
        "reports/report.html",
    } <= {line.partition("  ")[2] for line in listed}
    assert "report.html" in (folder.reports / "summary.txt").read_text()


def test_verify_of_an_untouched_run(folder: RunFolder) -> None:
    ended = bringup(folder, "verify", "last")
    assert (ended.return_value, "as they were at the end of the run" in ended.output) == (Exit.READY, True)


def test_verify_tells_every_difference(folder: RunFolder) -> None:
    (folder.path / "evidence/gpu-0001/gpu.out").write_text("better")
    (folder.path / "evidence/gpu-0002/gpu.out").unlink()
    ended = bringup(folder, "verify", "last", "--json")
    said = json.loads(ended.output)
    assert ended.return_value == Exit.NOT_READY and said["schema"] == "bringup.verify/1"
    assert [(d["kind"], d["file"]) for d in said["differences"]] == [
        ("changed", "evidence/gpu-0001/gpu.out"), ("missing", "evidence/gpu-0002/gpu.out"),
    ]  # fmt: skip


def test_verify_without_a_manifest_cannot_tell(folder: RunFolder) -> None:
    (folder.path / "manifest.sha256").unlink()
    assert bringup(folder, "verify", "last").return_value == Exit.INCOMPLETE


def test_verify_of_what_cannot_be_read_cannot_tell(folder: RunFolder) -> None:
    kept = folder.path / "evidence/gpu-0001/gpu.out"
    kept.rename(folder.path / "elsewhere")
    kept.symlink_to(folder.path / "elsewhere")
    assert bringup(folder, "verify", "last").return_value == Exit.INCOMPLETE


@pytest.mark.parametrize("kind", [f for f in FORMATS if f not in FOLDERS])
def test_every_format_to_a_file_and_to_the_terminal(folder: RunFolder, tmp_path: Path, kind: str) -> None:
    target = tmp_path / "out"
    assert bringup(folder, "report", "last", "-f", kind, "-o", str(target)).return_value == Exit.READY
    said = target.read_text(encoding="utf-8")
    assert "gpu-0002" in said and len(said) > 200
    if kind != "summary":
        assert bringup(folder, "report", "last", "-f", kind).output == said
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


@pytest.mark.parametrize("kind", FORMATS)
def test_sanitised_formats_have_no_original_name(folder: RunFolder, tmp_path: Path, kind: str) -> None:
    target = tmp_path / "out"
    before = {p: p.read_bytes() for p in folder.path.rglob("*") if p.is_file()}
    bringup(folder, "report", "last", "-f", kind, "--sanitise", "-o", str(target))
    said = "".join(p.read_text() for p in sorted(target.iterdir())) if target.is_dir() else target.read_text()
    assert ORIGINAL.search(said) is None and "node-" in said and "desk-7" not in said
    if kind == "junit":
        assert re.search(r"node-[0-9]{4} Serial Number : serial-[0-9]{4}", said)
    assert {p: p.read_bytes() for p in folder.path.rglob("*") if p.is_file()} == before


def test_verdict_and_exit_code_are_the_same_with_pseudonyms(folder: RunFolder) -> None:
    plain, sanitised = (
        json.loads(bringup(folder, "report", "last", "-f", "json", *more).output)
        for more in ((), ("--sanitise",))
    )
    for key in ("verdict", "exit_code", "counts", "stages"):
        assert plain[key] == sanitised[key]


def test_sanitised_junit_never_goes_into_the_run(folder: RunFolder) -> None:
    with pytest.raises(UsageError, match="-o FOLDER"):
        bringup(folder, "report", "last", "-f", "junit", "--sanitise")


def test_a_target_that_cannot_be_written_is_said(folder: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        bringup(folder, "report", "last", "-f", "html", "-o", str(tmp_path / "nowhere" / "x.html"))


def test_reports_are_the_same_each_time(folder: RunFolder) -> None:
    before = {p: p.read_bytes() for p in folder.reports.rglob("*") if p.is_file()}
    write_reports(replace(load(folder.path)), folder)
    assert {p: p.read_bytes() for p in folder.reports.rglob("*") if p.is_file()} == before
