"""What the progress display shows, as pure functions of the run's state: O(stages), never O(results)."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group
from rich.text import Text

from bringup.model import Outcome, Verdict
from bringup.report import text, words
from bringup.report.eta import remaining, stage_remaining
from bringup.run import RunState, StageState

_COUNTED = (
    (Verdict.PASS, "ok", "green"),
    (Verdict.FAIL, "failed", "bold red"),
    (Verdict.ERROR, "unknown", "yellow"),
    (Verdict.NOT_RUN, "not run", "dim"),
)
_BAR = 16


def head_line(state: RunState) -> str:
    """Which run this is."""
    info = state.info
    facts = [
        f"bringup {text.line(info.version, 30)}".strip(),
        text.line(info.name, 60),
        words.plural(info.nodes or len(state.nodes), "node"),
        f"level {info.level.value}",
        f"run {text.line(info.id, 80)}",
    ]
    if info.estimate_s > 0:
        facts.append(f"about {words.duration(info.estimate_s)}")
    return "   ".join(fact for fact in facts if fact)


def stage_line(its: StageState, now: float) -> str:
    """One stage: `rdma  254/381  ok 250  failed 3  unknown 1   2:41`."""
    return "".join(piece for piece, _ in _stage_pieces(its, now, ascii_only=True))


def failing_line(state: RunState, outcome: Outcome, most: int = 240) -> str:
    """One failed or unjudged result: `✗ gpu-089  R05 U10  rdma.write-bw: port mlx5_3: ...`."""
    glyph = "✗" if outcome.verdict is Verdict.FAIL else "?"
    node = state.nodes.get(outcome.nodes[0]) if len(outcome.nodes) == 1 else None
    where = "  ".join(
        filter(None, (text.line(outcome.target, 80), text.line(node.place, 30) if node else ""))
    )
    return f"{glyph} {where}  {text.line(outcome.check, 60)}: {words.describe(outcome, most)}"


def picture(
    state: RunState,
    failing: Sequence[str],
    now: float,
    elapsed: float | None,
    width: int,
    height: int,
    *,
    ascii_only: bool = False,
) -> Group:
    """Stages, the last failing results and the overall progress; fits into the height."""
    begun = [its for its in state.stages.values() if its.started is not None]
    waiting = [its.stage.value for its in state.stages.values() if its.started is None]
    rows = [
        *(Text.assemble(*_stage_pieces(its, now, ascii_only=ascii_only, width=width)) for its in begun),
        *([Text(f"  then {', '.join(waiting)}", style="dim")] if waiting and state.ended is None else []),
    ]
    room = max(0, height - len(rows) - 2)
    shown = list(failing)[-room:] if room else []
    style = {"✗": "red", "?": "yellow"}
    rows += [
        Text(text.for_encoding(line, "ascii") if ascii_only else line, style=style.get(line[:1], ""))
        for line in shown
    ]
    rows.append(_overall(state, now, elapsed))
    for row in rows:
        row.no_wrap, row.overflow = True, "crop" if ascii_only else "ellipsis"
        row.truncate(width, overflow=row.overflow)
    return Group(*rows[-max(1, height - 1) :])


def _stage_pieces(
    its: StageState, now: float, *, ascii_only: bool, width: int = 200
) -> list[tuple[str, str]]:
    """The words of a stage's line with their styles; the progress bar goes first where the line is too narrow."""
    pieces = [(f"  {its.stage.value:<11}", "bold" if its.running else "")]
    if its.running and its.rounds > 1:
        pieces.append((f"round {its.round} of {its.rounds}  ", ""))
    pieces.append((f"{its.done:,}/{its.cases:,}", ""))
    for verdict, word, style in _COUNTED:
        count = its.counts[verdict]
        if count or verdict is Verdict.PASS:
            pieces.append((f"  {word} {count:,}", style if count else ""))
    if its.started is not None:
        pieces.append(
            (f"   {words.clock((its.ended if its.ended is not None else now) - its.started)}", "dim")
        )
    if its.running:
        left = stage_remaining(its, now)
        share = its.done / its.cases if its.cases else 0.0
        tail = [(f"  {share:4.0%}", "cyan")]
        if left is not None and its.done < its.cases:
            tail.append((f"   about {words.clock(left)} to go", "dim"))
        if sum(len(piece) for piece, _ in (*pieces, *tail)) + _BAR + 3 <= width:
            pieces.append((f"   {bar(share, _BAR, ascii_only=ascii_only)}", "cyan"))
        pieces += tail
    return pieces


def _overall(state: RunState, now: float, elapsed: float | None) -> Text:
    done = sum(its.done for its in state.stages.values())
    cases = sum(its.cases for its in state.stages.values())
    facts = [
        f"  {done:,} of {words.plural(cases, 'result')}",
        f"{words.plural(len(state.working), 'node')} busy",
    ]
    if elapsed is not None:
        facts.append(words.clock(max(0.0, elapsed)))
    left = remaining(state, now) if state.ended is None else None
    if left is not None:
        facts.append(f"about {words.clock(left)} to go")
    if state.ended is not None and state.verdict is not None:
        facts.append(state.verdict.value)
    return Text("   ".join(facts), style="bold")


def bar(share: float, cells: int, *, ascii_only: bool) -> str:
    """A progress bar of so many characters."""
    full = min(cells, max(0, int(share * cells)))
    on, off = ("#", ".") if ascii_only else ("█", "░")
    return on * full + off * (cells - full)
