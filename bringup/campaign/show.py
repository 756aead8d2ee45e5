"""The campaign's result for people: a plain table for the terminal, and the same as a Markdown page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bringup.campaign.totals import Row, Totals, share, summed
from bringup.campaign.types import Alarm, Hit, Score
from bringup.report.markdown import escaped
from bringup.report.text import line as cleaned

_HEAD = ("kind", "seeded", "found", "right part", "right class", "alarms", "s")
MOST_LINES = 200


def headline(totals: Totals) -> list[str]:
    """The score in a few lines."""
    due, later, odd = totals.due, totals.later, totals.oddities
    planted = summed(due, "planted")
    lines = [
        f"{len(totals.scores)} scenarios, {len(due)} kinds due today, {len(later)} due later, {len(odd)} oddities",
        f"recall           {share(summed(due, 'found'), planted)}",
        f"right component  {share(summed(due, 'placed'), planted)}",
        f"right class      {share(summed(due, 'right'), planted)}",
        f"false alarms     {len(totals.alarms)}",
    ]
    if odd:
        quiet = sum(r.complete for r in odd)
        lines.append(f"oddities         {share(quiet, len(odd))} raise nothing")
    if totals.clean:
        lines.append(
            f"clean clusters   {share(sum(not s.failed for s in totals.clean), len(totals.clean))} READY"
        )
    if totals.cases:
        open_ = sum(bool(s.scenario.closes) for s in totals.cases)
        right = sum(not s.failed and not s.scenario.closes for s in totals.cases)
        lines.append(f"cases            {right} of {len(totals.cases)} right, {open_} wait for later work")
    if later:
        lines.append(
            f"found early      {share(summed(later, 'right'), summed(later, 'planted'))} of those due later"
        )
    if totals.unplayed:
        lines.append(f"not played       {len(totals.unplayed)} kinds")
    return lines


def table(rows: Sequence[Row]) -> list[str]:
    """One line to a kind, the ones that need a look first."""
    cells = [_HEAD, *(_cells(r) for r in sorted(rows, key=lambda r: (r.complete, r.kind)))]
    widths = [max(len(row[i]) for row in cells) for i in range(len(_HEAD))]
    return [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def _cells(row: Row) -> tuple[str, ...]:
    if row.oddity:
        return (row.kind, str(row.planted), "-", "-", "-", str(row.alarms), f"{row.seconds:.0f}")
    counts = (row.planted, row.found, row.placed, row.right, row.alarms)
    return (row.kind, *(str(c) for c in counts), f"{row.seconds:.0f}")


def troubles(score: Score, replay: str) -> list[str]:
    """What went wrong in a scenario, and how to see it again."""
    lines = [f"{score.scenario.id}: {cleaned(problem, 300)}" for problem in score.problems]
    for fault in score.faults:
        if fault.hit is not Hit.RIGHT and not fault.planted.closes:
            said = "; ".join(fault.reported) or "nothing reported there"
            wanted = " or ".join(
                f"{w.code} {w.component} ({w.who})" for p in fault.planted.places[:1] for w in p.anyone_of
            )
            lines.append(
                f"{score.scenario.id}: {fault.planted.title} was {fault.hit.value}: wanted {wanted}; {cleaned(said, 400)}"
            )
    lines += [f"{score.scenario.id}: {text}" for text in alarm_lines(score.collateral)]
    if lines:
        lines.append(f"  again: {replay}")
    return lines


def alarm_lines(alarms: Iterable[Alarm]) -> list[str]:
    """False alarms, those that say the same on one line."""
    alike: dict[tuple[str, str, str, bool], list[Alarm]] = {}
    for alarm in alarms:
        alike.setdefault((alarm.code, alarm.who, alarm.measured, bool(alarm.kind)), []).append(alarm)
    lines: list[str] = []
    for (code, who, measured, near), same in alike.items():
        where = ", ".join(a.component for a in same[:3]) + (
            f" and {len(same) - 3} more" if len(same) > 3 else ""
        )
        kinds = ", ".join(dict.fromkeys(a.kind for a in same if a.kind))
        beside = f" beside {cleaned(kinds, 200)}" if near else " at clean nodes"
        lines.append(f"false alarm{beside}: {code} ({who}) {where}: {cleaned(measured, 200)}")
    return lines


def later_lines(totals: Totals) -> list[str]:
    """What may be missed today, by the work that closes it."""
    by_work: dict[str, list[Row]] = {}
    for row in totals.later:
        by_work.setdefault(row.closes, []).append(row)
    lines = [
        f"{work}: " + ", ".join(f"{r.kind}{' (found)' if r.complete else ''}" for r in rows)
        for work, rows in sorted(by_work.items())
    ]
    lines += [
        f"{s.scenario.closes}: {s.scenario.id} {s.scenario.title}{f' ({s.scenario.blocked})' if s.scenario.blocked else ''}"
        for s in totals.cases
        if s.scenario.closes
    ]
    return lines


def plain(totals: Totals, replay: str) -> str:
    """The whole result for a terminal. `replay` is the command with {id} where the scenario goes."""
    blocks = [table([*totals.due, *totals.oddities])] if totals.rows else []
    if totals.later:
        blocks.append(["Due later:", *later_lines(totals)])
    if totals.cases:
        blocks.append(["Acceptance cases:", *(_case(s) for s in totals.cases)])
    if totals.unplayed:
        blocks.append(["Not played:", *(f"{kind}: {why}" for kind, why in sorted(totals.unplayed.items()))])
    bad = [text for s in totals.failed for text in troubles(s, replay.format(id=s.scenario.id))]
    if bad:
        more = (
            [f"and {len(bad) - MOST_LINES} lines more in the stored result"] if len(bad) > MOST_LINES else []
        )
        blocks.append(["To look at:", *bad[:MOST_LINES], *more])
    blocks.append(headline(totals))
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _case(score: Score) -> str:
    return f"{score.scenario.id}  {_state(score)}  {score.scenario.title}"


def _state(score: Score) -> str:
    if score.scenario.blocked:
        return f"not played, waits for later work ({score.scenario.closes})"
    if score.scenario.closes:
        right = not score.problems and not score.alarms and all(f.hit is Hit.RIGHT for f in score.faults)
        return "right" if right else f"waits for later work ({score.scenario.closes})"
    return "wrong" if score.failed else "right"


def markdown(totals: Totals, title: str, replay: str) -> str:
    """The result as a page."""
    parts = [f"# {escaped(title)}", "\n".join(f"- {escaped(text)}" for text in headline(totals))]
    if totals.due:
        parts.append("## Faults that must be found\n\n" + _grid(_HEAD, (_cells(r) for r in totals.due)))
    if totals.oddities:
        odd = ((r.kind, str(r.planted), str(r.alarms)) for r in totals.oddities)
        parts.append(
            "## Normal oddities: nothing may be reported\n\n" + _grid(("kind", "seeded", "alarms"), odd)
        )
    if totals.clean:
        clean = (
            (s.scenario.id, str(s.scenario.nodes), "wrong" if s.failed else "READY", f"{s.seconds:.0f}")
            for s in totals.clean
        )
        parts.append("## Clean clusters\n\n" + _grid(("scenario", "nodes", "verdict", "s"), clean))
    if totals.cases:
        cases = ((s.scenario.id, s.scenario.title, _state(s)) for s in totals.cases)
        parts.append("## Acceptance cases\n\n" + _grid(("case", "what must be right", "result"), cases))
    if totals.later:
        head = ("kind", "seeded", "found", "right part", "right class", "closed by")
        later = (
            (r.kind, str(r.planted), str(r.found), str(r.placed), str(r.right), r.closes)
            for r in totals.later
        )
        parts.append("## May be missed today\n\n" + _grid(head, later))
    if totals.unplayed:
        parts.append("## Not played\n\n" + _grid(("kind", "why"), sorted(totals.unplayed.items())))
    bad = [text for s in totals.failed for text in troubles(s, replay.format(id=s.scenario.id))]
    if bad:
        parts.append(
            "## To look at\n\n" + "\n".join(f"- {escaped(text.strip())}" for text in bad[:MOST_LINES])
        )
    return "\n\n".join(parts) + "\n"


def _grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    lines += [f"| {' | '.join(escaped(cell).replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join(lines)
