"""Reading evidence from a folder that nobody vouches for, and `bringup show`. All runs are invented."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from support.records import replace

from bringup import events as ev
from bringup.commands import Ended, Evidence
from bringup.errors import RunFolderError, UsageError
from bringup.model import Verdict
from bringup.orchestrator import kept, read_kept
from bringup.report import evidence
from bringup.run import RunState

Make = Callable[..., Evidence]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    run = tmp_path / "run"
    (run / "evidence" / "gpu-003").mkdir(parents=True)
    (run / "evidence" / "gpu-003" / "rdma.out").write_bytes(b"before|" + b"o" * 30 + b"e" * 6 + b"|after")
    (tmp_path / "secret").write_bytes(b"secret" * 10)
    return run


def test_slices(folder: Path, make_evidence: Make) -> None:
    assert read_kept(folder, make_evidence("gpu-003", "rdma", 30, 6, 7)) == (b"o" * 30, b"e" * 6)
    assert read_kept(folder, make_evidence("gpu-003", "rdma", 0, 0, 7)) == (b"", b"")
    assert read_kept(folder, make_evidence("gpu-003", "rdma", 100, 6, 37)) == (b"e" * 6 + b"|after", b"")


def test_sizes_are_capped(folder: Path, make_evidence: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST_BYTES", 4)
    assert read_kept(folder, make_evidence("gpu-003", "rdma", 30, 6, 7)) == (b"oooo", b"eeee")
    huge = make_evidence("gpu-003", "rdma", 1 << 40, 0, 7)
    assert read_kept(folder, huge) == (b"oooo", b"")


@pytest.mark.parametrize(
    "name",
    [
        "../secret",
        "evidence/../../secret",
        "/etc/passwd",
        "",
        ".",
        "evidence/gpu-003",
        "evidence/none.out",
        "evidence/nul\0.out",
        "evidence/link-to-file",
        "link-to-folder/secret",
        "evidence/gpu-003/rdma.out/x",
        "evidence/pipe",
        "evidence/" + "x" * 5000,
        "evidence/\ud800",
    ],
)
def test_nothing_outside_the_run_folder_is_read(name: str, folder: Path, make_evidence: Make) -> None:
    (folder / "evidence" / "link-to-file").symlink_to("../../secret")
    (folder / "link-to-folder").symlink_to("..")
    os.mkfifo(folder / "evidence" / "pipe")
    with pytest.raises(RunFolderError):
        read_kept(folder, replace(make_evidence("gpu-003", "rdma", 6), file=name))


@pytest.mark.parametrize(
    "wrong", [{"offset": -1}, {"stdout_bytes": -1}, {"stderr_bytes": -6}, {"offset": 1 << 80}]
)
def test_positions_that_make_no_sense(wrong: dict[str, int], folder: Path, make_evidence: Make) -> None:
    with pytest.raises(RunFolderError):
        read_kept(folder, replace(make_evidence("gpu-003", "rdma", 6), **wrong))  # type: ignore[arg-type]


def test_no_file_handles_are_left(folder: Path, make_evidence: Make) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for name in ("evidence/gpu-003/rdma.out", "evidence/gpu-003/none", "none/x", "../x"):
        try:
            read_kept(folder, replace(make_evidence("gpu-003", "rdma", 6), file=name))
        except RunFolderError:
            continue
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_show_a_failed_result(folder: Path, broken: RunState) -> None:
    said = evidence.show(
        broken, "gpu-003 ~ gpu-004 rail 1", "rdma.write-bw", read_evidence=partial(read_kept, folder)
    )
    assert said == (
        "rdma.write-bw  gpu-003 ~ gpu-004 rail 1: fail\n"
        "  gpu-003 port mlx5_1: write_bw 187.4 Gb/s, needs at least 360 Gb/s\n"
        "  part of defect D-09EA: clean and reseat the optic at gpu-003 mlx5_1; if it stays, "
        "change the cable L01-03\n"
        "  broken  gpu-003/hca/mlx5_1/port/1  write_bw 187.4 Gb/s, needs at least 360 Gb/s  "
        "(invented: 90 % of the line rate; invented.toml:12)\n"
        "\n"
        "  on gpu-003: status 0 after 0.2 s\n"
        '  $ cat "$ROOT"/sys/class/infiniband/*/ports/*/rate\n'
        "  --- stdout, 30 bytes\n"
        "before|ooooooooooooooooooooooo\n"
        "  --- stderr, 6 bytes\n"
        "oooooo\n"
    )


def test_show_a_node_lists_everything_and_details_what_is_not_a_pass(broken: RunState) -> None:
    said = evidence.show(broken, "gpu-012", read_evidence=lambda _: (b"", b""))
    assert said == (
        "pass     reach.login                  gpu-012\n"
        "pass     link.rate                    gpu-012\n"
        "fail     gpu.present                  gpu-012  GPU 5: Xid 79 at 10:03:12; 7 of 8 GPUs answer\n"
        "pass     rdma.write-bw                gpu-011 ~ gpu-012 rail 1\n"
        "\n"
        "gpu.present  gpu-012: fail\n"
        "  GPU 5: Xid 79 at 10:03:12; 7 of 8 GPUs answer\n"
        "  part of defect D-0646: drain power, reseat the baseboard; returns after that: "
        "replace the GPU tray\n"
        "  fail  gpu-012/gpu/5  GPU-LOST: Xid 79 at 10:03:12; 7 of 8 GPUs answer\n"
        "  no command was run for this result\n"
    )


def test_show_says_what_is_cut_missing_or_hidden(broken: RunState, make_evidence: Make) -> None:
    old = broken.cases["gpu.present", "gpu-012"]
    assert old is not None
    cut = replace(
        make_evidence("gpu-012", "gpu", 4000, 0),
        ended=Ended.TIMEOUT,
        status=None,
        truncated=True,
        as_root=True,
        detail="after 30 s \x1b[31m",
    )
    broken.apply(ev.Judged(outcome=replace(old, evidence=(cut, replace(cut, stdout_bytes=0)), attempt=2)))
    said = evidence.show(broken, "gpu-012", "gpu.present", read_evidence=lambda _: (b"\x1b[2Jnul \x00", b""))
    assert said.startswith("gpu.present  gpu-012: fail, attempt 2\n")
    assert "  on gpu-012: timeout after 0.2 s, as root (after 30 s)\n" in said
    assert "  --- stdout, 4,000 bytes, only 9 of them in the file\nnul \\x00\n" in said
    assert "  the command printed more than the 1,048,576 bytes that are kept\n" in said
    assert said.endswith("  it printed nothing\n")


def test_show_when_the_file_is_gone(folder: Path, broken: RunState) -> None:
    (folder / "evidence" / "gpu-003" / "rdma.out").unlink()
    said = evidence.show(broken, "gpu-003", read_evidence=partial(read_kept, folder))
    assert "run/evidence/gpu-003/rdma.out: cannot be read" in said


@pytest.mark.parametrize(
    ("target", "check", "message"),
    [
        ("gpu-0012", "", "run 0821-1002 has no node or target of this name; did you mean gpu-012"),
        (
            "gpu-012",
            "no.check",
            "no result of check no.check; there are: reach.login, link.rate, gpu.present",
        ),
    ],
)
def test_show_of_nothing_is_a_usage_error(target: str, check: str, message: str, broken: RunState) -> None:
    with pytest.raises(UsageError, match=message):
        evidence.show(broken, target, check, read_evidence=lambda _: (b"", b""))


def test_show_of_a_hole_says_why(aborted: RunState) -> None:
    aborted.by_node.pop("gpu-003")
    with pytest.raises(
        UsageError, match=r"gpu-003: no result .aborted at 2026-08-21 10:02:09 UTC: interrupted"
    ):
        evidence.show(aborted, "gpu-003", read_evidence=lambda _: (b"", b""))


def test_show_is_clean_whatever_the_node_said(hostile: RunState) -> None:
    said = evidence.show(
        hostile, "gpu-001", read_evidence=lambda _: (b"\x1b]0;title\x07\x00\xff", b"\x9b31m")
    )
    said.encode("utf-8")
    assert not any(c in said for c in "\x1b\x00\x07\u202e\x9b")
    assert len([o for o in hostile.outcomes if o.verdict is Verdict.FAIL]) == said.count(": fail\n")
