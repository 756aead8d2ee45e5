"""Captured outputs for the tests of parsers, from BRINGUP_CORPUS (default: `../shared/corpus`)."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

CORPUS = Path(
    os.environ.get("BRINGUP_CORPUS", Path(__file__).resolve().parents[2].parent / "shared" / "corpus")
)


@pytest.fixture(scope="session")
def captured() -> Callable[[str], dict[str, str]]:
    """All captured outputs of one tool: file name -> text. Skips, saying so, where there are none."""

    def read(tool: str) -> dict[str, str]:
        folder = CORPUS / tool
        if not folder.is_dir():
            pytest.skip(f"no captured outputs of {tool} below {CORPUS}; set BRINGUP_CORPUS")
        return {p.name: p.read_bytes().decode("utf-8", "replace") for p in sorted(folder.iterdir())}

    return read


SESSIONS = Path(os.environ.get("BRINGUP_CAPTURED", CORPUS.parent / "captured"))


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of captured outputs, one folder for each tool."""
    if not CORPUS.is_dir():
        pytest.skip(f"no captured outputs at {CORPUS}; set BRINGUP_CORPUS")
    return CORPUS


@pytest.fixture(scope="session")
def read(corpus: Path) -> Callable[[str], str]:
    """The text of one captured output, by its path below the corpus."""

    def text(relative: str) -> str:
        return (corpus / relative).read_bytes().decode("utf-8", "replace")

    return text


@pytest.fixture(scope="session")
def sessions() -> Path:
    """The folder of whole sessions on a test rig: each file has its command above and its exit status below."""
    if not SESSIONS.is_dir():
        pytest.skip(f"no captured sessions at {SESSIONS}; set BRINGUP_CAPTURED")
    return SESSIONS


@pytest.fixture(scope="session")
def session(sessions: Path) -> Callable[[str], tuple[str, int | None, str]]:
    """Output, exit status and trailing JSON file of one captured session."""

    def parts(relative: str) -> tuple[str, int | None, str]:
        text = (sessions / relative).read_bytes().decode("utf-8", "replace")
        text, _, report = text.partition("--- json file:\n")
        lines = text.splitlines()
        if lines and lines[0].startswith("$ "):
            del lines[0]
        ends = [i for i, line in enumerate(lines) if line.startswith("rc=")]
        status = int(lines[ends[-1]].removeprefix("rc=")) if ends else None
        return "\n".join(lines[: ends[-1]] if ends else lines) + "\n", status, report

    return parts
