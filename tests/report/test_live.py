"""Progress: what it shows, that it is cheap, and that nothing in it can hurt the run. All runs are invented."""

from __future__ import annotations

import io
import re
import threading
import time
from collections.abc import Callable

import pytest
from rich.console import Console
from support.records import replace
from support.work import calls

from bringup import events as ev
from bringup.model import RunVerdict, Stage, Verdict
from bringup.report import live_view
from bringup.report.eta import remaining, stage_remaining
from bringup.report.live import Live, describe
from bringup.run import RunState, StageState, fold


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Ascii(Terminal):
    encoding = "ascii"


class Broken(io.StringIO):
    def write(self, said: str) -> int:
        raise BrokenPipeError("gone")


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)


def test_log_has_a_line_per_failure_and_per_stage(broken_events: list[ev.AnyEvent]) -> None:
    log = io.StringIO()
    with Live(log) as live:
        for event in broken_events:
            live.on_event(event)
    assert log.getvalue().splitlines() == [
        "bringup 1.0   hall-2   16 nodes   level standard   run 0821-1002   about 1 min 40 s",
        "? gpu-007  R01 U16  reach.login: could not judge: connection refused: port 22",
        "  reach      16/16  ok 15  unknown 1   0:03",
        "? gpu-005  R01 U12  gpu.present: could not judge: nvidia-smi did not answer within 30 s on gpu-005",
        "? gpu-006  R01 U14  gpu.present: could not judge: nvidia-smi did not answer within 30 s on gpu-006",
        "x gpu-012  R02 U10  gpu.present: GPU 5: Xid 79 at 10:03:12; 7 of 8 GPUs answer",
        "  link       16/16  ok 15  not run 1   0:15",
        "x gpu-003 ~ gpu-004 rail 1  rdma.write-bw: gpu-003 port mlx5_1: write_bw 187.4 Gb/s, "
        "needs at least 360 Gb/s",
        "  rdma       8/8  ok 6  failed 1  not run 1   0:39",
    ]
    assert live.broken == ""


def test_log_says_why_a_run_ended_early() -> None:
    log = io.StringIO()
    live = Live(log)
    live.on_event(ev.RunEnded(verdict=RunVerdict.INCOMPLETE, aborted="interrupted \x1b[31m"))
    assert log.getvalue() == "ended early: interrupted\n"


def test_quiet_says_nothing(broken_events: list[ev.AnyEvent]) -> None:
    screen = Terminal()
    with Live(screen, quiet=True) as live:
        for event in broken_events:
            live.on_event(event)
    assert screen.getvalue() == ""


def test_terminal_gets_a_picture_and_is_given_back(broken_events: list[ev.AnyEvent]) -> None:
    screen = Terminal()
    before = threading.active_count()
    with Live(screen, now=lambda: 1_787_306_600.0) as live:
        for event in broken_events:
            live.on_event(event)
    said = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.getvalue())
    assert "✗ gpu-012  R02 U10  gpu.present: GPU 5: Xid 79" in said
    assert "56 of 56 results" in said
    assert "NOT READY" in said
    assert screen.getvalue().endswith("\x1b[?25h")
    assert live.broken == ""
    deadline = time.monotonic() + 2
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert threading.active_count() == before


def test_dumb_terminal_gets_plain_lines(
    broken_events: list[ev.AnyEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    screen = Terminal()
    with Live(screen) as live:
        for event in broken_events:
            live.on_event(event)
    assert len(screen.getvalue().splitlines()) == 9
    assert "\x1b" not in screen.getvalue()


def test_no_color_is_respected(broken_events: list[ev.AnyEvent], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Terminal()
    with Live(screen) as live:
        for event in broken_events:
            live.on_event(event)
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", screen.getvalue())


@pytest.mark.parametrize(
    "stream", [Broken(), type("BrokenTerminal", (Broken,), {"isatty": lambda _: True})()]
)
def test_a_broken_stream_ends_the_display_not_the_run(
    stream: io.StringIO, broken_events: list[ev.AnyEvent]
) -> None:
    with Live(stream) as live:
        for event in broken_events:
            live.on_event(event)
    assert "gone" in live.broken or "nobody reads" in live.broken


def test_a_bug_in_the_picture_does_not_escape(
    broken_events: list[ev.AnyEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(live_view, "picture", explode)
    with Live(Terminal()) as live:
        for event in broken_events:
            live.on_event(event)
    assert live.broken == "ZeroDivisionError: a bug"


def test_resumed_run_counts_what_it_had(broken: RunState) -> None:
    log = io.StringIO()
    live = Live(log, before=broken)
    live.on_event(ev.Resumed(at=broken.at + 10))
    live.on_event(ev.StageStarted(stage=Stage.LINK, at=broken.at + 11))
    live.on_event(ev.StageEnded(stage=Stage.LINK, at=broken.at + 12))
    assert log.getvalue() == "  link       16/16  ok 15  not run 1   0:01\n"
    assert broken.verdict is RunVerdict.NOT_READY


def shown(state: RunState, failing: list[str], width: int, height: int, *, ascii_only: bool = False) -> str:
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None)
    console.print(live_view.picture(state, failing, state.at + 5, 65.0, width, height, ascii_only=ascii_only))
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def running(broken_events: list[ev.AnyEvent]) -> RunState:
    kept = [e for e in broken_events if not isinstance(e, ev.RunEnded | ev.DefectsFound | ev.Note)]
    last = next(i for i, e in enumerate(kept) if isinstance(e, ev.StageStarted) and e.stage is Stage.RDMA)
    state = fold(kept[: last + 4])
    state.apply(ev.RoundStarted(stage=Stage.RDMA, round=2, rounds=3))
    state.apply(ev.Working(stage=Stage.RDMA, nodes=["gpu-005", "gpu-006"]))
    return state


def test_picture_while_running(broken_events: list[ev.AnyEvent]) -> None:
    assert shown(running(broken_events), ["✗ gpu-012  R02 U10  gpu.present: lost"], 80, 24).splitlines() == [
        "  reach      16/16  ok 15  unknown 1   0:03",
        "  link       16/16  ok 15  not run 1   0:15",
        "  rdma       round 2 of 3  3/8  ok 2  failed 1   0:05   38%   about 0:06 to go",
        "  then gpu",
        "✗ gpu-012  R02 U10  gpu.present: lost",
        "  51 of 56 results   2 nodes busy   1:05   about 1:08 to go",
    ]


def test_picture_in_ascii_at_80x24(broken_events: list[ev.AnyEvent]) -> None:
    said = shown(running(broken_events), ["✗ gpu-012 … \u00fc"] * 6, 80, 24, ascii_only=True)
    said.encode("ascii")
    assert "x gpu-012 ... \\xfc" in said
    assert "   ######..........   38%   about 0:06 to go\n" in shown(
        running(broken_events), [], 120, 24, ascii_only=True
    )


@pytest.mark.parametrize("height", [3, 5, 10, 24])
@pytest.mark.parametrize("width", [20, 80, 160])
def test_picture_fits(width: int, height: int, thousand: RunState) -> None:
    said = shown(thousand, [f"✗ {'x' * 300}"] * 6, width, height).splitlines()
    assert len(said) <= height
    assert all(len(line) <= width for line in said)


def test_an_event_costs_the_same_in_a_large_run(story: Callable[..., object], ready: RunState) -> None:
    log = io.StringIO()
    live = Live(log)
    outcome = ready.outcomes[0]
    targets = [f"gpu-{n:06}" for n in range(60_000)]
    live.on_event(ev.Planned(stage=Stage.REACH, check="reach.login", targets=targets))
    made = [ev.Judged(outcome=replace(outcome, target=t, nodes=(t,))) for t in targets]

    def take(events: list[ev.Judged]) -> None:
        for event in events:
            live.on_event(event)

    first, _, last = (calls(lambda at=at: take(made[at : at + 20_000])) for at in (0, 20_000, 40_000))  # type: ignore[misc]
    assert last < 1.2 * first


def test_estimates() -> None:
    its = StageState(Stage.RDMA, cases=100, started=1000.0, estimate_s=60.0)
    assert stage_remaining(its, 1000.0) == 60.0
    assert stage_remaining(its, 1030.0) == 30.0
    assert stage_remaining(its, 1090.0) == 0.0
    its.counts[Verdict.PASS] = 50
    assert stage_remaining(its, 1060.0) == pytest.approx(0.5 * 120 + 0.5 * 60 - 60)
    its.counts[Verdict.PASS] = 100
    assert stage_remaining(its, 1090.0) == 0.0
    assert stage_remaining(StageState(Stage.RDMA), 0.0) is None
    assert stage_remaining(StageState(Stage.RDMA, cases=10, started=1.0), 5.0) is None


def test_what_is_left_is_corrected_by_what_was_seen() -> None:
    state = RunState()
    assert remaining(state, 0.0) is None
    state.info = replace(state.info, estimate_s=100.0)
    assert remaining(state, 0.0) == 100.0
    state.stages[Stage.REACH] = StageState(Stage.REACH, started=1000.0, ended=1020.0, estimate_s=10.0)
    assert remaining(state, 1020.0) == 180.0  # twice as slow as planned so far
    state.stages[Stage.LINK] = StageState(Stage.LINK, cases=10, started=1020.0, estimate_s=40.0)
    assert remaining(state, 1030.0) == pytest.approx(70.0 + 100.0)
    state.stages[Stage.REACH].ended = 9000.0
    assert remaining(state, 1030.0) == pytest.approx(390.0 + 500.0)  # a correction has its bounds


def test_describe_is_offered_here(broken: RunState) -> None:
    assert describe(broken.outcomes[0]) == "passed"
