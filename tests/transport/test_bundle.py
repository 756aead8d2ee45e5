"""The text of the script: what is quoted, what is refused, how long it may take."""

from __future__ import annotations

import math
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bringup.commands import Command
from bringup.model import Node
from bringup.transport.bundle import KILL_S, Bundle, quote

NODE = Node("n1")


def test_the_start_line_is_plain_words_in_every_login_shell() -> None:
    bundle = Bundle(NODE, (Command("true"),))
    assert bundle.start == f"exec env BRINGUP_MARK={bundle.mark} /bin/sh -s"
    assert bundle.mark != bundle.token
    assert Bundle(NODE, ()).token != bundle.token


def test_a_cut_script_runs_nothing(tmp_path: object) -> None:
    bundle = Bundle(NODE, (Command("echo it-ran"),))
    script = bundle.script()
    for cut in range(1, len(script) - 2, 97):
        done = subprocess.run(
            ["/bin/sh", "-s"], input=script[:cut], capture_output=True, check=False, timeout=10
        )
        assert (done.stdout, cut) == (b"", cut)


@settings(max_examples=30)
@given(st.text(st.characters(blacklist_characters="\0", blacklist_categories=("Cs",)), max_size=60))
def test_quoted_text_is_one_word(text: str) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f"printf %s {quote(text)}"], capture_output=True, check=True, timeout=10
    )
    assert done.stdout == text.encode()


@pytest.mark.parametrize(
    ("node", "command"),
    [
        (NODE, Command("true\0")),
        (NODE, Command("true", needs=("a b",))),
        (NODE, Command("true", needs=("$(reboot)",))),
        (NODE, Command("true", timeout_s=math.nan)),
        (Node("n1", env=(("A;reboot", "x"),)), Command("true")),
    ],
)
def test_what_no_shell_can_hold_is_refused(node: Node, command: Command) -> None:
    with pytest.raises(ValueError, match=r"NUL byte|no name of|not a number"):
        Bundle(node, (command,)).script()


def test_the_longest_time_is_that_of_the_fullest_lane_and_the_lonely_ones() -> None:
    commands = (
        Command("a", timeout_s=10),
        Command("b", timeout_s=100),
        Command("c", timeout_s=30, alone=True),
        Command("d", timeout_s=5),
    )
    assert Bundle(NODE, commands, 1).longest_s == 10 + 100 + 5 + 30 + 4 * KILL_S
    assert Bundle(NODE, commands, 2).longest_s == 100 + KILL_S + 30 + KILL_S
    assert Bundle(NODE, commands, 9).longest_s == 100 + KILL_S + 30 + KILL_S
    assert Bundle(NODE, commands[:1] * 3, 2).longest_s == 2 * (10 + KILL_S)
