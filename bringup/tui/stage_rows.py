"""The stages of a run and the results of one stage, as table rows."""

from __future__ import annotations

from bringup.inventory.query import Facts, query
from bringup.model import STAGES, Outcome, Stage, Verdict
from bringup.report import words
from bringup.run import StageState
from bringup.tui.feed import RunView
from bringup.tui.header import percent
from bringup.tui.look import SIGNS, Line, Look, Mark, Span, Tone, spaced
from bringup.tui.marks import result_mark
from bringup.tui.summary import said_short
from bringup.tui.table import Column, Row, Rows

STAGE_COLUMNS = (
    Column("", 3),
    Column("stage", 10),
    Column("state", 9),
    Column("done", 8, right=True),
    Column("planned", 8, right=True),
    Column("pass", 7, right=True),
    Column("fail", 6, right=True),
    Column("unknown", 7, right=True),
    Column("not run", 7, right=True),
    Column("time", 7, right=True),
    Column("", 40, from_width=120),
)


def stage_mark(state: StageState, *, over: bool) -> Mark:
    """Waiting, running, or the worst result of a stage that is done; one that the run never reached was not run."""
    if state.running and not over:
        return Mark.RUNNING
    if state.started is None and not state.done:
        return Mark.NOT_RUN if over and state.cases else Mark.WAITING
    if state.counts[Verdict.FAIL]:
        return Mark.DEFECT
    if state.counts[Verdict.ERROR] or (over and state.done < state.cases):
        return Mark.UNKNOWN
    return Mark.PASS


def stage_rows(view: RunView, now: float, look: Look) -> list[Row]:
    """One row for each stage of the run, in order."""
    return [_stage_row(view, view.state.stages[s], now, look) for s in STAGES if s in view.state.stages]


def _stage_row(view: RunView, state: StageState, now: float, look: Look) -> Row:
    mark = stage_mark(state, over=view.over)
    counts = state.counts
    word = {Mark.DEFECT: "failed", Mark.PASS: "done"}.get(mark, mark.value)
    plain = Tone.DIM if mark is Mark.WAITING else Tone.PLAIN
    return Row(
        state.stage.value,
        (
            (f"S{STAGES.index(state.stage) + 1}", plain),
            (state.stage.value, plain),
            (f"{look.glyph(mark)} {word}", SIGNS[mark].tone),
            (_count(state.done), plain),
            (_count(state.cases), plain),
            (_count(counts[Verdict.PASS]), plain),
            (_count(counts[Verdict.FAIL]), Tone.DEFECT if counts[Verdict.FAIL] else plain),
            (_count(counts[Verdict.ERROR]), Tone.UNKNOWN if counts[Verdict.ERROR] else plain),
            (_count(counts[Verdict.NOT_RUN]), plain),
            (words.clock(elapsed(view, state, now)), plain),
            (bar(state, 40, look), plain),
        ),
    )


def _count(number: int) -> str:
    return f"{number:,}" if number else "-"


def elapsed(view: RunView, state: StageState, now: float) -> float | None:
    """Seconds that a stage took, or has taken so far."""
    if state.started is None:
        return None
    end = state.ended if state.ended is not None else view.state.ended if view.over else now
    return max(0.0, (end or now) - state.started)


def bar(state: StageState, width: int, look: Look) -> str:
    """How much of a stage is judged, as a bar."""
    if not state.cases:
        return ""
    full, empty, _ = look.bar
    filled = min(width, state.done * width // state.cases)
    return full * filled + empty * (width - filled)


def stage_lines(view: RunView, stage: Stage, look: Look, width: int) -> list[Line]:
    """What is to be said about one stage below the table: progress, round, and what it took out of the run."""
    state = view.state.stages[stage]
    head: list[Span] = [
        (f" S{STAGES.index(stage) + 1} {stage}", Tone.BOLD),
        (f"{percent(state)} % judged" if state.cases else "nothing planned yet", Tone.PLAIN),
    ]
    if state.rounds > 1:
        head.append((f"round {state.round} of {state.rounds}", Tone.RUNNING if state.running else Tone.PLAIN))
    if state.estimate_s > 0:
        head.append((f"planned for {words.duration(state.estimate_s)}", Tone.PLAIN))
    lines = [spaced(head, look.dot)]
    mine = [event for event in view.blocked.values() if event.stage == stage]
    if mine:
        text = f" gate: {words.plural(len(mine), 'component')} left out of the later stages"
        lines.append(((text, Tone.UNKNOWN),))
        for event in mine[:3]:
            said = f"   {look.text(event.component, 40)}: {look.text(event.reason)} ({look.text(event.check, 40)})"
            lines.append(((look.fit(said, width - 1).rstrip(), Tone.PLAIN),))
        if len(mine) > 3:
            lines.append(((f"   and {len(mine) - 3:,} more, see the log", Tone.DIM),))
    elif state.started is not None:
        lines.append(((" gate: nothing was left out here", Tone.DIM),))
    return lines


RESULT_COLUMNS = (Column("", 1), Column("check", 20), Column("target", 26), Column("result", 29))


def result_rows(
    view: RunView, stage: Stage, look: Look, written: str = "", *, trouble_only: bool = True
) -> Rows:
    """The results of one stage, worst first; only those that are not settled unless asked for all."""
    test = query(written) if written.strip() else None
    order = {mark: k for k, mark in enumerate(Mark)}
    odd = view.unsettled.get(stage, {})
    found = [
        (result_mark(o, view.explained.get(case)), o)
        for case, o in odd.items()
        if test is None or test(_facts(o))
    ]
    found.sort(key=lambda item: order[item[0]])
    plain: list[Outcome] = []
    if not trouble_only:
        settled_ = (o for o in view.results(stage) if (o.check, o.target) not in odd)
        plain = [o for o in settled_ if test is None or test(_facts(o))]

    def row(k: int) -> Row:
        if k < len(found):
            return _result_row(found[k][1], found[k][0], look)
        outcome = plain[k - len(found)]
        return _result_row(outcome, result_mark(outcome), look)

    return Rows([result_key(o) for _, o in found] + [result_key(o) for o in plain], row)


def result_key(outcome: Outcome) -> str:
    """A key that finds the outcome again."""
    return f"{outcome.check}\n{outcome.target}"


def result_of(view: RunView, stage: Stage, key: str) -> Outcome | None:
    """The outcome with this key."""
    check, _, target = key.partition("\n")
    outcome = view.by_check.get(check, {}).get(target)
    return outcome if outcome is not None and outcome.stage is stage else None


def _result_row(outcome: Outcome, mark: Mark, look: Look) -> Row:
    return Row(
        result_key(outcome),
        (
            look.sign(mark),
            (look.text(outcome.check, 60), Tone.PLAIN),
            (look.text(outcome.target, 80), Tone.PLAIN),
            (look.text(said_short(outcome)), SIGNS[mark].tone),
        ),
    )


def _facts(outcome: Outcome) -> Facts:
    said = words.describe(outcome)
    return Facts(
        names=outcome.nodes,
        fields={
            "check": (outcome.check,),
            "code": (words.code_of(outcome),),
            "stage": (outcome.stage.value,),
        },
        text=f"{outcome.check} {outcome.target} {said} {outcome.verdict.value}",
    )
