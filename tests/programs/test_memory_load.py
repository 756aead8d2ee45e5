"""The program that copies memory on all processors, run for real."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bringup import programs
from bringup.parsers import host_memory


def started(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-", *words], input=programs.text(programs.MEMORY_LOAD), capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="bringup's programs run on Linux nodes")
def test_every_processor_copies() -> None:
    ended = started("bringup-memory-load", "--seconds", "0.1", "--buffer-mib", "1")
    assert (ended.returncode, ended.stderr) == (0, "")
    speed = host_memory.parse_own(ended.stdout)
    assert speed.processors == len(os.sched_getaffinity(0))
    assert (speed.triad_gbs, speed.wrong) == (None, 0)
    assert 0.001 < speed.copy_gbs < 100_000


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["something-else"], "invalid choice"),
        (["bringup-memory-load", "--seconds", "0"], "seconds up to 600"),
        (["bringup-memory-load", "--buffer-mib", "0"], "buffer-mib 1 to 4096"),
    ],
)
def test_nonsense_is_refused(words: list[str], said: str) -> None:
    ended = started(*words)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert said in ended.stderr


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="bringup's programs run on Linux nodes")
def test_a_copy_that_differs_is_counted() -> None:
    """With a memory that loses a byte of every copy: the buffer that is copied to forgets it."""
    forgets = """
class Forgetful(bytearray):
    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        super().__setitem__(0, 7)
bytearray = Forgetful
"""
    text = programs.text(programs.MEMORY_LOAD)
    cut = text.index("def free_bytes")
    ended = subprocess.run(
        [sys.executable, "-", "bringup-memory-load", "--seconds", "0.1", "--buffer-mib", "1"],
        input=f"{text[:cut]}{forgets}\n\n{text[cut:]}", capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    speed = host_memory.parse_own(ended.stdout)
    assert speed.wrong == speed.processors
