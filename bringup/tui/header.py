"""The lines above every screen: which run, how far, what is known; as plain data."""

from __future__ import annotations

import math
import time

from bringup.defects import Who
from bringup.model import STAGES, RunVerdict
from bringup.report import words
from bringup.report.eta import remaining
from bringup.run import StageState
from bringup.tui.feed import RunView
from bringup.tui.look import Line, Look, Mark, Span, Tone, line_text, spaced

QUIET_S = 60.0
"""A run that has written nothing for so long is said to be quiet."""
HANGS_S = 5.0
"""A disk that takes so long to answer is said to hang."""
NARROW = 80


def header_lines(view: RunView, now: float, look: Look) -> tuple[Line, Line]:
    """Run, stage and time; below it the verdict and the counts."""
    return run_line(view, now, look), verdict_line(view, look)


def run_line(view: RunView, now: float, look: Look) -> Line:
    """` hall-2   run 0821-1002   S9 rdma ▸ 61 %   1,024 nodes   ETA 14 min`."""
    info = view.state.info
    if not info.id:
        return ((" waiting for the journal in ", Tone.PLAIN), (look.text(str(view.folder)), Tone.BOLD))
    parts: list[Span] = [
        (" " + look.text(info.name or "(no name)", 20), Tone.BOLD),
        (f"run {look.text(info.id, 24)}", Tone.PLAIN),
        *stage_now(view, look),
        time_left(view, now, look),
        (words.plural(len(view.state.nodes), "node"), Tone.PLAIN),
    ]
    wide, close = spaced(parts, "   "), spaced(parts)
    return next((line for line in (wide, close) if len(line_text(line)) <= NARROW), spaced(parts[:-1]))


def stage_now(view: RunView, look: Look) -> list[Span]:
    """`S9 rdma ▸ 61 %`, with the round where there are several; nothing after the end."""
    stage = view.stage
    if view.over or stage is None:
        return []
    state = view.state.stages[stage]
    turn = f" round {state.round}/{state.rounds}" if state.rounds > 1 and state.round else ""
    share = f" {percent(state)} %" if state.cases else ""
    glyph = look.glyph(Mark.RUNNING) if state.running else look.glyph(Mark.PASS)
    return [(f"S{STAGES.index(stage) + 1} {stage}{turn} {glyph}{share}", Tone.RUNNING)]


def percent(state: StageState) -> int:
    """How much of a stage is judged; 100 only when all of it is."""
    return min(state.done, state.cases) * 100 // state.cases if state.cases else 0


def time_left(view: RunView, now: float, look: Look) -> Span:
    """The time that the run took, or about how long it will still take; or why that cannot be said."""
    state = view.state
    if view.hangs_s > HANGS_S:
        return (f"disk silent for {words.duration(view.hangs_s)}", Tone.UNKNOWN)
    if view.replay is not None:
        return (view.replay.says(time_of_day), Tone.RUNNING)
    if state.ended is not None:
        took = words.duration(state.ended - state.info.started)
        return (f"aborted after {took}" if state.aborted else f"took {took}", Tone.PLAIN)
    if view.behind:
        return ("reading the journal", Tone.RUNNING)
    silent = now - state.at
    if state.at and silent > QUIET_S:
        return (f"silent for {words.duration(silent)}", Tone.UNKNOWN)
    left = remaining(state, now)
    if left is None or not math.isfinite(left):
        return ("", Tone.PLAIN)
    return (f"ETA {max(1, round(left / 60))} min" if left >= 30 else "ETA under 1 min", Tone.PLAIN)


def time_of_day(at: float) -> str:
    """Local time; a time that no calendar has is shown as unknown."""
    try:
        return time.strftime("%H:%M:%S", time.localtime(at))
    except (OverflowError, ValueError, OSError):
        return "--:--:--"


def verdict_line(view: RunView, look: Look) -> Line:
    """` NOT READY   ready 812 · defects 17 (9 hands-on) · unknown 3 · not run 28`."""
    state, counts = view.state, view.counts()
    if not state.info.id:
        return ()
    word, tone = verdict_word(view)
    good = counts[Mark.PASS] + counts[Mark.FIXED] + (0 if view.over else counts[Mark.RUNNING])
    defects = sum(1 for d in state.defects if d.who is not Who.COULD_NOT_JUDGE)
    hands = f" ({view.hands_on} hands-on)" if view.hands_on else ""
    facts: list[Span] = [
        (f"{'ready' if view.over else 'ok so far'} {good:,}", Tone.PLAIN),
        (
            f"defects {defects:,}{hands}",
            Tone.DEFECT if view.hands_on else Tone.CONFIG if defects else Tone.PLAIN,
        ),
        (f"unknown {counts[Mark.UNKNOWN]:,}", Tone.UNKNOWN if counts[Mark.UNKNOWN] else Tone.PLAIN),
        (f"not run {counts[Mark.NOT_RUN]:,}", Tone.PLAIN),
    ]
    return ((f" {word}", tone), ("   ", Tone.PLAIN), *_joined(facts, look.dot))


def _joined(facts: list[Span], gap: str) -> Line:
    line: list[Span] = []
    for fact in facts:
        line += [(gap, Tone.DIM), fact] if line else [fact]
    return tuple(line)


def verdict_word(view: RunView) -> Span:
    """The run's verdict; before the end only what is already certain."""
    if not view.over:
        return ("NOT READY", Tone.DEFECT) if view.failing else ("RUNNING", Tone.RUNNING)
    word = view.verdict
    tones = {
        RunVerdict.READY: Tone.GOOD,
        RunVerdict.NOT_READY: Tone.DEFECT,
        RunVerdict.INCOMPLETE: Tone.UNKNOWN,
    }
    return word.value, tones[word]


def tab_line(here: str, tabs: list[tuple[str, str, str]], says: str, width: int, look: Look) -> Line:
    """The screens with their keys, the present one marked; `says` at the right edge of the first 80 columns."""
    line: list[Span] = []
    for k, (name, key, label) in enumerate(tabs):
        before = name == here or (k > 0 and tabs[k - 1][0] == here)  # the bracket takes the blank's place
        line.append(("" if before else " ", Tone.PLAIN))
        line.append((f"[{key} {label}]", Tone.TITLE) if name == here else (f"{key} {label}", Tone.DIM))
    room = min(width, NARROW) - len(line_text(tuple(line))) - 1
    if says and room > 4:
        line.append((look.fit(look.folded(says), room, right=True), Tone.PLAIN))
    return tuple(line)
