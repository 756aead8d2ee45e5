"""The checks that ask again: `judge("link_errors.py", before, after, ...)` with the answers of both readings."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from bringup.check import Outputs
from bringup.commands import Command, Ended, Output
from bringup.judging import judged
from bringup.model import Outcome
from bringup.parsers import boots

STARTED = 1_000_000.0
Said = Mapping[Command, str | Ended]


def reading(said: Said, at: float, uptime_s: float) -> dict[tuple[str, Command], Output]:
    """The answers of one reading, with the boot that gave them unless the test says which."""
    up = f"boot_id=71d39ced-8c95-57fd\nuptime={uptime_s:.2f}\nend=up\n"
    outputs: dict[tuple[str, Command], Output] = {}
    for command, text in {boots.UP: up, **said}.items():
        ended = text if isinstance(text, Ended) else Ended.EXITED
        outputs["gpu-001", command] = Output(
            "gpu-001",
            command,
            ended,
            0 if ended is Ended.EXITED else None,
            stdout=text.encode() if isinstance(text, str) and not isinstance(text, Ended) else b"",
            at=at,
            detail=" ".join(command.needs) if ended is Ended.MISSING else "",
        )
    return outputs


@pytest.fixture
def judge(load_check, node, make_context) -> Callable[..., Outcome]:
    """The outcome of a check in checks/after whose commands answered `before` and, `seconds` later, `after`."""

    def run(
        name: str,
        before: Said,
        after: Said,
        limits: Mapping[str, object],
        facts: Mapping[str, object] | None = None,
        *,
        seconds: float = 3600.0,
        uptime_s: float = 500_000.0,
    ) -> Outcome:
        out = Outputs(
            reading(after, STARTED + seconds, uptime_s + seconds), reading(before, STARTED, uptime_s)
        )
        return judged(load_check(f"after/{name}"), node, out, make_context(limits, facts))

    return run
