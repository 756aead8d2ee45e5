"""The fabric manager's log: one bad record among many, and a start that failed."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import fabricmanager_log
from bringup.parsers.fabricmanager_log import LOG, SwitchError

Read = Callable[[str], str]
RECORDS = "fabricmanager/01-log-nvswitch-nonfatal-12028.txt"
BROKEN = SwitchError(False, 12028, "00000000:86:00.0", 3, 61)


def test_every_captured_file_has_an_expectation(captured: Callable[[str], dict[str, str]]) -> None:
    status = {"02-systemctl-failed-while-fabric-completed.txt"}  # systemctl's words, read elsewhere
    assert set(captured("fabricmanager")) <= {Path(RECORDS).name, "04-start-fails-nothing-to-do.txt", *status}


def test_captured_log(read: Read) -> None:
    records = fabricmanager_log.parse(read(RECORDS))
    assert Counter(r.level for r in records) == {"INFO": 53, "ERROR": 1}
    assert fabricmanager_log.switch_errors(records) == (BROKEN,)
    assert records[0].time == "Feb 25 2025 13:59:45"
    assert records[0].text.endswith("Team Handle:99c9f23d49236386 Flags:0")


def test_captured_start(read: Read) -> None:
    text = read("fabricmanager/04-start-fails-nothing-to-do.txt")
    assert fabricmanager_log.parse_start(text) == ("NV_WARN_NOTHING_TO_DO",)
    with pytest.raises(ParseError):
        fabricmanager_log.parse(text)


def test_the_command_keeps_what_is_no_information(read: Read, tmp_path: Path) -> None:
    log = tmp_path / "var/log/fabricmanager.log"
    log.parent.mkdir(parents=True)
    log.write_text(read(RECORDS))
    run = subprocess.run(
        ["sh", "-c", LOG.script],
        env={"ROOT": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    records = fabricmanager_log.parse(run.stdout)
    assert [r.level for r in records] == ["INFO", "ERROR"]
    assert fabricmanager_log.switch_errors(records) == (BROKEN,)
    log.unlink()
    run = subprocess.run(
        ["sh", "-c", LOG.script],
        env={"ROOT": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stdout) == (1, "")


@pytest.mark.parametrize("text", ["", "\n", "Feb 25 2025 fabric manager\n", "nv-fabricmanager: started\n"])
def test_unknown(text: str) -> None:
    for parse in (fabricmanager_log.parse, fabricmanager_log.parse_start):
        with pytest.raises(ParseError):
            parse(text)


@given(st.text())
def test_any_text_gives_records_or_a_parse_error(text: str) -> None:
    for tried in (text, f"[Feb 25 2025 13:59:45] [ERROR] [tid 1] {text}"):
        try:
            records = fabricmanager_log.parse(tried)
        except ParseError:
            continue
        assert records
        assert isinstance(fabricmanager_log.switch_errors(records), tuple)
