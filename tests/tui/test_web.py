"""The screens in a browser: what is started for a visitor, and what is refused."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner

from bringup.cli.watch import watch
from bringup.errors import RunFolderError, UsageError
from bringup.tui.web import command, serve, warning


class Server:
    """Stands in for the server of the extra package."""

    started: list[dict[str, Any]] = []

    def __init__(self, text: str, **more: Any) -> None:
        self.more = {"command": text, **more}

    def serve(self) -> None:
        Server.started.append(self.more)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> type[Server]:
    module, inner = ModuleType("textual_serve"), ModuleType("textual_serve.server")
    inner.Server = Server  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "textual_serve", module)
    monkeypatch.setitem(sys.modules, "textual_serve.server", inner)
    Server.started = []
    return Server


def test_a_visitor_gets_a_process_that_only_reads(tmp_path: Path) -> None:
    folder = tmp_path / "run; rm -rf $HOME"
    words = shlex.split(command(folder))
    assert words == [sys.executable, "-m", "bringup", "watch", str(folder), "--read-only"]


def test_it_listens_on_this_machine_only_unless_told(server: type[Server], finished: Any) -> None:
    said = CliRunner().invoke(watch, [str(finished.folder), "--web"], standalone_mode=False)
    assert said.exception is None, said.output
    (started,) = server.started
    assert (started["host"], started["port"], started["public_url"]) == ("127.0.0.1", 8000, None)
    assert (warning("127.0.0.1"), warning("localhost")) == ("", "")
    assert "no password" in warning("0.0.0.0")


@pytest.mark.parametrize("more", [["--speed", "2"], ["--from", "10:02"], ["--step"]])
def test_a_replay_is_not_served(more: list[str], server: type[Server], finished: Any) -> None:
    said = CliRunner().invoke(watch, [str(finished.folder), "--web", *more], standalone_mode=False)
    assert (
        isinstance(said.exception, UsageError) or said.exit_code == 2 or "--web shows one run" in said.output
    )
    assert server.started == []


def test_without_the_extra_package_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "textual_serve", None)
    monkeypatch.setitem(sys.modules, "textual_serve.server", None)
    with pytest.raises(UsageError, match=r"bringup\[web\]"):
        serve(tmp_path, "127.0.0.1", 8000)
    with pytest.raises(RunFolderError, match="no such run folder"):
        serve(tmp_path / "typo", "127.0.0.1", 8000)
