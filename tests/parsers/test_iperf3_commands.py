"""The iperf3 commands that bringup sends: a server between two tests is asked again, a broken test is not."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bringup.parsers import inside, iperf3

Read = Callable[[str], str]
SHELLS = [s for s in ("dash", "bash", "busybox") if shutil.which(s)]
GOOD = "iperf3/02-json-tcp-1-stream.json"
BUSY = "iperf3/08-json-err-server-busy-rc0.json"


def _ended(error: str, begun: bool = False) -> str:
    """What 3.12 prints of a test that ended early: seen on a slow link between two tests, here made shorter."""
    start = '"connected": [], "version": "iperf 3.12"' + (
        ', "test_start": {"protocol": "TCP"}' if begun else ""
    )
    return f'{{"start": {{{start}}}, "intervals": [], "end": {{}}, "error": "{error}"}}\n'


def _ask(
    shell: str, folder: Path, *answers: tuple[str, int]
) -> tuple[dict[str, tuple[str | None, int | None]], int]:
    """Run the client with an iperf3 that gives one answer after the other: what each direction came to, and the calls.

    The last answer is given again and again. Waiting takes no time.
    """
    programs = folder / "bin"
    programs.mkdir()
    for number, (text, status) in enumerate(answers, 1):
        (folder / f"answer.{number}").write_text(text)
        (folder / f"status.{number}").write_text(str(status))
    (programs / "iperf3").write_text(
        f"#!/bin/sh\ncd {folder}\necho call >>calls\nn=$(grep -c call calls)\n"
        f'[ "$n" -le {len(answers)} ] || n={len(answers)}\ncat "answer.$n"\nexit "$(cat "status.$n")"\n'
    )
    (programs / "sleep").write_text("#!/bin/sh\n")
    for tool in programs.iterdir():
        tool.chmod(0o755)
    done = subprocess.run(
        [shell, "sh"] if shell == "busybox" else [shell],
        input=iperf3.client("10.0.0.2", 5201, 2).script,
        capture_output=True,
        text=True,
        timeout=60,
        env={"TMP": str(folder), "LC_ALL": "C", "PATH": f"{programs}:/usr/bin:/bin"},
    )
    assert done.stderr == ""
    parts = inside.parse(done.stdout).parts
    told = {part.name: (iperf3.parse(part.text).error, part.status) for part in parts}
    return told, len((folder / "calls").read_text().splitlines())


@pytest.mark.parametrize("shell", SHELLS)
def test_a_server_between_two_tests_is_asked_again(shell: str, tmp_path: Path, read: Read) -> None:
    told, calls = _ask(
        shell,
        tmp_path,
        (read(GOOD), 0),
        (read(BUSY), 0),
        (_ended("unable to connect to server: Connection refused"), 0),
        (_ended("unable to receive control message: Connection reset by peer"), 0),
        (read(GOOD), 0),
    )
    assert (told, calls) == ({"sends": (None, 0), "receives": (None, 0)}, 5)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_test_that_breaks_is_not_asked_again(shell: str, tmp_path: Path, read: Read) -> None:
    reset = "unable to receive control message: Connection reset by peer"
    told, calls = _ask(shell, tmp_path, (read(GOOD), 0), (_ended(reset, begun=True), 1))
    assert (told, calls) == ({"sends": (None, 0), "receives": (reset, 1)}, 2)


@pytest.mark.parametrize("error", ["unable to connect to server: Connection timed out", "No route to host"])
def test_a_peer_out_of_reach_is_asked_once(error: str, tmp_path: Path) -> None:
    told, calls = _ask(SHELLS[0], tmp_path, (_ended(error), 1))
    assert (told, calls) == ({"sends": (error, 1), "receives": (error, 1)}, 2)


def test_a_server_that_is_gone_is_not_asked_for_ever(tmp_path: Path) -> None:
    error = "unable to connect to server: Connection refused"
    told, calls = _ask(SHELLS[0], tmp_path, (_ended(error), 1))
    assert (told, calls) == ({"sends": (error, 1), "receives": (error, 1)}, 20)
