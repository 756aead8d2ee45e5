"""The kernel log: every captured piece, ages, the report over several lines, and what is no log."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers.kernel_log import LOG as LOG_COMMAND
from bringup.parsers.kernel_log import (
    FellOff,
    KernelLog,
    LinkChange,
    SlowPath,
    SwitchXid,
    Xid,
    parse,
    parse_records,
)
from bringup.parsers.kernel_records import Record, records

TOOL = "nvidia-kernel-log"
Captured = Callable[[str], dict[str, str]]

# file -> events without Xid, and counts of (address, code, fatal, process) of the Xids
XIDS: dict[str, Counter[tuple[str, int, bool | None, str | None]]] = {
    "01-xid119-gsp-timeout-h100.txt": Counter(
        {
            ("00000000:9b:00.0", 119, None, "nvidia-smi"): 3,
            ("00000000:9b:00.0", 119, None, "cache_mgr_main"): 1,
            ("00000000:9b:00.0", 119, None, "gpud"): 1,
        }
    ),
    "02-xid13-43-dmesg-decode-iso.txt": Counter(
        {
            ("00000000:38:00.0", 13, None, None): 16,
            ("00000000:38:00.0", 43, None, "pt_main_thread"): 1,
        }
    ),
    "06-xid145-149-gb200-nvlink5.txt": Counter(
        {
            ("00000018:01:00.0", 149, True, None): 5,
            ("00000008:01:00.0", 149, True, None): 3,
            ("00000019:01:00.0", 149, True, None): 2,
            ("00000008:01:00.0", 145, False, None): 2,
            ("00000018:01:00.0", 149, False, None): 1,
            ("00000008:01:00.0", 149, False, None): 1,
            ("00000019:01:00.0", 145, False, None): 1,
            ("00000018:01:00.0", 145, False, "ray::WorkerDict"): 1,
            ("00000019:01:00.0", 145, False, "ray::WorkerDict"): 1,
            ("00000008:01:00.0", 145, False, "cache_mgr_main"): 1,
            ("00000018:01:00.0", 145, False, "acctg"): 1,
        }
    ),
}
OTHERS: dict[str, tuple[object, ...]] = {
    "03-nccl-segfault-dmesg.txt": (),
    "04-pcie-limited-by-252gbps.txt": (
        SlowPath("00000000:04:00.0", 252.048, 504.112, 16.0, 16, "00000000:01:00.0", None),
        SlowPath("00000000:8b:00.0", 252.048, 504.112, 16.0, 16, "00000000:87:00.0", None),
    ),
    "05-azure-ib-6-flaps-syslog.txt": (
        *[LinkChange("ib6", None, False, None)] * 6,
        *[LinkChange("ib6", None, True, None)] * 6,
    ),
    "07-gpu-fallen-off-bus-multiline.txt": (
        FellOff(
            "00000000:b3:00.0",
            "NVRM: The NVIDIA GPU 0000:b3:00.0 NVRM: (PCI ID: 10de:26b5) installed in this system has "
            "NVRM: fallen off the bus and is not responding to commands.",
            None,
        ),
    ),
    "08-peermem-invalid-context-kmsg.txt": (),
    "09-boot-3gpu-healthy.txt": (),
}


def test_every_captured_file_has_an_expectation(captured: Captured) -> None:
    assert set(captured(TOOL)) == {*XIDS, *OTHERS}


@pytest.mark.parametrize("name", XIDS)
def test_captured_xids(name: str, captured: Captured) -> None:
    events = parse_records(captured(TOOL)[name])
    told = Counter((e.address, e.code, e.fatal, e.process) for e in events if isinstance(e, Xid))
    assert told == XIDS[name]
    assert len(events) == sum(told.values())


@pytest.mark.parametrize("name", OTHERS)
def test_captured_log_without_xid(name: str, captured: Captured) -> None:
    assert parse_records(captured(TOOL)[name]) == OTHERS[name]


def test_links_of_nvlink5_reports(captured: Captured) -> None:
    events = parse_records(captured(TOOL)["06-xid145-149-gb200-nvlink5.txt"])
    links = [e.link for e in events if isinstance(e, Xid)]
    assert links[:6] == [3, 13, 12, 1, 12, None]  # "Link -1" is no single link
    assert events[1] == Xid(
        address="00000018:01:00.0",
        code=145,
        text="RLW_RXPIPE Nonfatal XC0 i0 Link 13 "
        "(0x0409a0c2 0x00000008 0x00000001 0x00000000 0x00100000 0x00000004)",
        age_s=None,
        process="ray::WorkerDict",
        pid=876767,
        fatal=False,
        link=13,
    )


def test_pid_and_text(captured: Captured) -> None:
    first = parse_records(captured(TOOL)["01-xid119-gsp-timeout-h100.txt"])[0]
    assert isinstance(first, Xid)
    assert (first.pid, first.process) == (2024380, "nvidia-smi")
    assert first.text.startswith("Timeout after 6s of waiting for RPC response from GPU4 GSP!")


@pytest.mark.parametrize(
    ("name", "stamp"),
    [
        ("02-xid13-43-dmesg-decode-iso.txt", Record("", unix_s=1737434504.283302)),
        ("07-gpu-fallen-off-bus-multiline.txt", Record("", boot_s=1843.308145)),
        ("08-peermem-invalid-context-kmsg.txt", Record("", boot_s=227.996636)),
        ("01-xid119-gsp-timeout-h100.txt", Record("")),
        ("05-azure-ib-6-flaps-syslog.txt", Record("")),
        ("06-xid145-149-gb200-nvlink5.txt", Record("")),
    ],
)
def test_stamps_of_every_format(name: str, stamp: Record, captured: Captured) -> None:
    first = records(captured(TOOL)[name])[0]
    assert (first.boot_s, first.unix_s) == (stamp.boot_s, stamp.unix_s)
    assert not first.text.startswith(("[", "kern", "6,"))


LOG = "1732100000\n90000.50 1234567.00\n"


def test_age_comes_from_uptime_and_boot_stamp() -> None:
    line = "[86400.500000] NVRM: Xid (PCI:0000:5d:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.\n"
    log = parse(LOG + "[    0.000000] Linux version 6.8\n" + line)
    assert log == KernelLog(
        now=1732100000.0,
        uptime_s=90000.5,
        reaches_back_s=90000.5,
        whole_boot=True,
        events=(Xid("00000000:5d:00.0", 79, "GPU has fallen off the bus.", 3600.0),),
    )


def test_a_ring_buffer_that_forgot_says_how_far_it_reaches() -> None:
    log = parse(LOG + "[89000.500000] eth0: something\n[89500.500000] eth0: else\n")
    assert (log.reaches_back_s, log.whole_boot) == (1000.0, False)


def test_a_log_without_stamps_has_no_age() -> None:
    log = parse(LOG + "NVRM: Xid (PCI:0000:5d:00): 48, pid=1, name=python, DBE\n")
    assert (log.reaches_back_s, log.whole_boot) == (None, False)
    assert [e.age_s for e in log.events] == [None]


def test_an_iso_stamp_is_measured_against_the_nodes_clock() -> None:
    log = parse(LOG + "2024-11-20T10:53:20,000000+00:00 NVRM: Xid (PCI:0000:5d:00): 48, DBE\n")
    assert [e.age_s for e in log.events] == [1732100000.0 - 1732100000.0]


def test_a_report_over_three_stamped_lines() -> None:
    text = (
        "[10.100000] NVRM: The NVIDIA GPU 0000:b3:00.0\n"
        "[10.100001] NVRM: (PCI ID: 10de:26b5) installed in this system has\n"
        "[10.100002] NVRM: fallen off the bus and is not responding to commands.\n"
    )
    assert [(type(e), e.address) for e in parse_records(text) if isinstance(e, FellOff)] == [
        (FellOff, "00000000:b3:00.0")
    ]
    unsupported = text.replace(
        "fallen off the bus and is not responding to commands", "not supported by the driver"
    )
    assert parse_records(unsupported) == ()


def test_nvswitch_reports_without_their_data_lines() -> None:
    text = (
        "nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 28006, Non-fatal, Link 46 MC TS crumbstore MCTO (First)\n"
        "nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 28006, Severity 0 Engine instance 46 Sub-engine instance 00\n"
        "nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 28006, Data {0x00140004, 0x00100000}\n"
        "nvidia-nvswitch0: SXid (PCI:0000:c2:00.0): 20034, Fatal, Link 30 LTSSM Fault Up\n"
    )
    assert parse_records(text) == (
        SwitchXid("00000000:c1:00.0", 28006, False, 46, "Link 46 MC TS crumbstore MCTO (First)", None),
        SwitchXid("00000000:c2:00.0", 20034, True, 30, "Link 30 LTSSM Fault Up", None),
    )


def test_older_spelling_of_an_xid_and_an_mlx5_link() -> None:
    text = (
        "NVRM: Xid (0000:03:00): 59, 0096(1c54) 00000000 00000000\n"
        "mlx5_core 0000:1a:00.0 ens1f0np0: Link down\n"
        "mlx5_core 0000:1a:00.0: Link up\n"
    )
    assert parse_records(text) == (
        Xid("00000000:03:00.0", 59, "0096(1c54) 00000000 00000000", None),
        LinkChange("ens1f0np0", "00000000:1a:00.0", False, None),
        LinkChange("0000:1a:00.0", "00000000:1a:00.0", True, None),
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dmesg: read kernel buffer failed: Operation not permitted\n",
        "1732100000\n",
        "1732100000\n90000.50 1234567.00\n",
        LOG + "\n\n",
        "1732100000\nnan nan\n[1.0] a\n",
        "soon\n90000.50 1.00\n[1.000000] a\n",
    ],
)
def test_what_is_no_log(text: str) -> None:
    with pytest.raises(ParseError):
        parse(text)


@pytest.mark.parametrize("name", [*XIDS, *OTHERS])
def test_a_piece_cut_anywhere_gives_events_or_nothing(name: str, captured: Captured) -> None:
    text = captured(TOOL)[name]
    whole = len(parse_records(text))
    for cut in range(0, len(text), max(1, len(text) // 40)):
        assert len(parse_records(text[:cut])) <= whole


SHELLS = [s for s in (["dash"], ["bash", "--posix"], ["busybox", "ash"]) if shutil.which(s[0])]


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_the_command_in_a_real_shell(shell: list[str], tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "uptime").write_text("90000.50 1234567.00\n")
    dmesg = tmp_path / "dmesg"
    dmesg.write_text("#!/bin/sh\necho '[    0.000000] Linux version'\n")
    dmesg.chmod(0o755)
    done = subprocess.run(
        [*shell, "-c", LOG_COMMAND.script],
        env={"ROOT": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    log = parse(done.stdout)
    assert (log.uptime_s, log.whole_boot, log.events) == (90000.5, True, ())


@given(st.text())
def test_any_text_gives_events_or_a_parse_error(text: str) -> None:
    assert isinstance(parse_records(text), tuple)
    assert isinstance(parse_records(f"[1.000000] NVRM: Xid (PCI:0000:5d:00): 79{text}"), tuple)
    for tried in (text, LOG + text):
        try:
            assert isinstance(parse(tried), KernelLog)
        except ParseError:
            pass
