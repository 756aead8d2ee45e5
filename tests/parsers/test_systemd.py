"""Unit states: `systemctl show` for checks, `systemctl status` as people paste it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers.systemd import Unit, not_booted, parse, parse_several, parse_status, several, unit

TOOL = "fabricmanager"
Captured = Callable[[str], dict[str, str]]

# A log of the fabric manager itself and a message of its start script are no systemctl output.
EXPECTED: dict[str, Unit | None] = {
    "01-log-nvswitch-nonfatal-12028.txt": None,
    "02-systemctl-failed-while-fabric-completed.txt": Unit(
        "nvidia-fabricmanager.service", "loaded", "failed", None, "signal"
    ),
    "04-start-fails-nothing-to-do.txt": None,
}


def test_every_captured_file_has_an_expectation(captured: Captured) -> None:
    assert set(captured(TOOL)) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_captured_status(name: str, captured: Captured) -> None:
    text, expected = captured(TOOL)[name], EXPECTED[name]
    if expected is None:
        with pytest.raises(ParseError):
            parse_status(text)
    else:
        assert parse_status(text) == expected


def test_a_running_daemon_whose_start_program_has_exited() -> None:
    # invented after the real layout: the exit code of ExecStart is normal for a daemon
    text = (
        "● nvidia-fabricmanager.service - NVIDIA fabric manager service\n"
        "     Loaded: loaded (/lib/systemd/system/nvidia-fabricmanager.service; enabled; preset: enabled)\n"
        "     Active: active (running) since Mon 2026-08-10 15:45:34 UTC; 5 days ago\n"
        "    Process: 9940 ExecStart=/usr/bin/nv-fabricmanager (code=exited, status=0/SUCCESS)\n"
    )
    assert parse_status(text) == Unit("nvidia-fabricmanager.service", "loaded", "active", "running", None)


def test_status_of_a_unit_that_is_not_installed() -> None:
    assert parse_status("Unit nvidia-fabricmanager.service could not be found.\n") == Unit(
        "nvidia-fabricmanager.service", "not-found", "inactive", None, None
    )


SHOW = "Id=nvidia-fabricmanager.service\nLoadState=loaded\nActiveState=active\nSubState=running\nResult=success\n"


def test_show() -> None:
    assert parse(SHOW) == Unit("nvidia-fabricmanager.service", "loaded", "active", "running", "success")


def test_show_in_any_order_and_without_result() -> None:
    lines = SHOW.splitlines()[:4]
    assert parse("\n".join(reversed(lines))) == Unit(
        "nvidia-fabricmanager.service", "loaded", "active", "running", None
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        SHOW.replace("ActiveState=active\n", ""),
        SHOW.replace("ActiveState=active", "ActiveState="),
        SHOW + "Id=other.service\n",
        "Failed to connect to bus: No such file or directory\n",
        SHOW[: SHOW.index("SubState")],
    ],
)
def test_show_that_cannot_be_read(text: str) -> None:
    with pytest.raises(ParseError):
        parse(text)


@pytest.mark.parametrize("name", ["", "a b", "x; rm -rf /", "--no-pager", "$(id)"])
def test_a_unit_name_never_reaches_the_shell_unchecked(name: str) -> None:
    with pytest.raises(ValueError, match="no name of a systemd unit"):
        unit(name)


def test_the_command() -> None:
    command = unit("nvidia-fabricmanager")
    assert command.script == "systemctl show -p Id,LoadState,ActiveState,SubState,Result nvidia-fabricmanager"
    assert command.needs == ("systemctl",)


@given(st.text())
def test_any_text_gives_a_unit_or_a_parse_error(text: str) -> None:
    for read in (parse, parse_status):
        for tried in (text, SHOW + text, f"● a.service - {text}\n Active: {text}"):
            try:
                assert isinstance(read(tried), Unit)
            except ParseError:
                pass


def test_several_units_by_the_name_that_was_asked_for() -> None:
    other = SHOW.replace("nvidia-fabricmanager", "ssh").replace("ActiveState=active", "ActiveState=failed")
    found = parse_several(f"{SHOW}\n{other}", ("nvidia-fabricmanager", "sshd"))
    assert {name: (one.id, one.active) for name, one in found.items()} == {
        "nvidia-fabricmanager": ("nvidia-fabricmanager.service", "active"),
        "sshd": ("ssh.service", "failed"),
    }
    assert several(("a", "b")).script.endswith("SubState,Result a b")


@pytest.mark.parametrize("text", ["", SHOW, f"{SHOW}\n{SHOW}\n{SHOW}", f"{SHOW}\nnonsense"])
def test_several_units_that_are_not_all_told(text: str) -> None:
    with pytest.raises(ParseError):
        parse_several(text, ("a", "b"))


def test_a_machine_without_systemd() -> None:
    assert not_booted("System has not been booted with systemd as init system (PID 1). Can't operate.")
    assert not not_booted("Unit x could not be found.")
