"""What all transport tests need: shells to run the script in, and proof that nothing is left."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.answers import eventually, processes_with
from support.sshd import program

from bringup.model import Node
from bringup.transport import Options, guard
from bringup.transport.local import LocalConnection


@pytest.fixture(autouse=True)
def no_thread_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A thread that outlives its test is a leak. The thread of the deadlines need not wait for more work here."""
    monkeypatch.setattr(guard, "_LINGER_S", 0.02)
    before = set(threading.enumerate())
    yield
    assert eventually(lambda: not set(threading.enumerate()) - before), set(threading.enumerate()) - before


@pytest.fixture
def clean_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Local bundles of this test leave neither processes nor files. Returns the folder for scratch directories."""
    mark = f"BRINGUP_TEST={uuid.uuid4().hex}"
    monkeypatch.setenv(*mark.split("="))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    yield scratch
    assert eventually(lambda: not processes_with(mark), 8), processes_with(mark)
    assert eventually(lambda: not list(scratch.iterdir()), 8), list(scratch.iterdir())


@pytest.fixture(params=["dash", "bash", "busybox sh"])
def shell(request: pytest.FixtureRequest) -> str:
    """A shell that /bin/sh may be on a node."""
    words = str(request.param).split()
    return " ".join([program(words[0]), *words[1:]])


@pytest.fixture
def local(clean_machine: Path, shell: str) -> Iterator[Callable[..., LocalConnection]]:
    """Makes connections to this machine through the shell; keywords are those of Node."""
    made: list[LocalConnection] = []

    def make(silence_s: float = 20, **settings: object) -> LocalConnection:
        node = Node("here", connection="local", **settings)  # type: ignore[arg-type]
        made.append(LocalConnection(node, Options(silence_s=silence_s), shell=shell))
        return made[-1]

    yield make
    for connection in made:
        connection.close()
