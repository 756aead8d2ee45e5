"""One-line words for nodes, components, readings and outcomes; every face of a run says them the same way."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

from bringup.inventory.names import folded
from bringup.model import Finding, Measurement, Outcome, Verdict, Weight, Why
from bringup.report import text

_PART_WORDS = {"gpu": "GPU", "nvlink": "NVLink", "hca": "HCA", "cpu": "CPU", "port": "port"}


def plural(count: int, word: str, many: str = "") -> str:
    """`1 node`, `1,024 nodes`."""
    return f"{count:,} {word if count == 1 else many or word + 's'}"


def duration(seconds: float | None) -> str:
    """`41 s`, `12 min 48 s`, `3 h 05 min`; empty if unknown."""
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return ""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def clock(seconds: float | None) -> str:
    """`0:03`, `12:48`, `3:05:10`; empty if unknown."""
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return ""
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def names(nodes: Collection[str], most: int = 240) -> str:
    """Node names folded (`gpu-[001-008]`); a list that stays long is shortened and counted."""
    shown = text.line(folded(nodes), 100_000)
    if len(shown) > most:
        return f"{text.shorten(shown, most)} ({plural(len(set(nodes)), 'node')})"
    return shown


def node_of(component: str) -> str:
    """The node of a component path."""
    return component.partition("/")[0]


def part(component: str) -> str:
    """What of the node a component path means: `port mlx5_4`, `GPU 5 NVLink 3`; empty for the node itself."""
    pieces = component.split("/")[1:]
    if len(pieces) == 4 and pieces[0] == "hca" and pieces[2] == "port":
        number = "" if pieces[3] == "1" else f" {pieces[3]}"
        return text.line(f"port {pieces[1]}{number}", 60)
    if len(pieces) % 2 == 0:
        pairs = zip(pieces[::2], pieces[1::2], strict=True)
        return text.line(" ".join(f"{_PART_WORDS.get(kind, kind)} {name}" for kind, name in pairs), 60)
    return text.line(" ".join(pieces), 60)


def holds(measurement: Measurement) -> bool:
    """Whether the limit holds; a limit that does not fit the value does not."""
    try:
        return measurement.ok
    except (ValueError, KeyError, TypeError):
        return False


def broken(outcome: Outcome) -> list[Measurement]:
    """The measurements that broke their limit; a pass has none."""
    if outcome.verdict is Verdict.PASS:
        return []
    return [m for m in outcome.measurements if m.limit is not None and not holds(m)]


def failures(outcome: Outcome) -> list[Finding]:
    """The findings that failed the outcome."""
    return [f for f in outcome.findings if f.weight is Weight.FAIL]


def value(measurement: Measurement) -> str:
    """The value with its unit. Never rounded so far that a broken limit looks kept."""
    raw = measurement.value
    if isinstance(raw, str):
        shown = text.line(raw, 80) or "(empty)"
    else:
        shown = _number(raw)
        limit = measurement.limit.value if measurement.limit else None
        if isinstance(limit, float | int) and shown == _number(float(limit)) and raw != limit:
            shown = repr(raw)
    return f"{shown} {text.line(measurement.unit, 20)}".rstrip()


def _number(raw: float) -> str:
    if math.isfinite(raw) and raw == int(raw) and abs(raw) < 1e15:
        return str(int(raw))
    return f"{raw:.6g}"


def reading(measurement: Measurement) -> str:
    """`write_bw 187.4 Gb/s, needs at least 370 Gb/s`."""
    shown = f"{text.line(measurement.name, 60)} {value(measurement)}"
    if measurement.limit is None:
        return shown
    return f"{shown}, needs {limit_words(measurement)}"


def limit_words(measurement: Measurement) -> str:
    """The limit as text; empty if there is none."""
    if measurement.limit is None:
        return ""
    try:
        return text.line(str(measurement.limit), 80)
    except (KeyError, ValueError, TypeError):
        return text.line(f"{measurement.limit.op} {measurement.limit.value!r}", 80)


def describe(outcome: Outcome, most: int = 300) -> str:
    """One line that says why an outcome is not a plain pass; for a pass, that it passed."""
    match outcome.verdict:
        case Verdict.FAIL:
            words = _failed(outcome)
        case Verdict.ERROR:
            words = f"could not judge: {_reason(outcome) or 'no reason was given'}"
        case Verdict.NOT_RUN:
            lead = "not applicable" if outcome.why is Why.NOT_APPLICABLE else "not run"
            words = f"{lead}: {_reason(outcome).removeprefix('not run: ') or 'no reason was given'}"
        case _:
            words = "passed" if outcome.attempt <= 1 else f"passed on attempt {outcome.attempt}"
    return text.line(words, most) or outcome.verdict.value


def _failed(outcome: Outcome) -> str:
    said = [f"{_where(f.at, outcome)}{f.message or f.code or 'failed'}" for f in failures(outcome)]
    said += [f"{_where(m.at, outcome)}{reading(m)}" for m in broken(outcome)]
    if not said:
        return _reason(outcome) or "failed; the check gave no details"
    more = f" (and {len(said) - 1} more)" if len(said) > 1 else ""
    return text.line(said[0], 260) + more


def _where(component: str, outcome: Outcome) -> str:
    words = part(component)
    if len(outcome.nodes) > 1:
        words = f"{text.line(node_of(component), 60)} {words}".strip()
    return f"{words}: " if words else ""


def _reason(outcome: Outcome) -> str:
    """The reason; of a traceback its first and its last line, which holds the exception."""
    lines = [piece for piece in outcome.reason.split("\n") if piece.strip()]
    if len(lines) > 2 and "Traceback" in outcome.reason:
        return f"{lines[0]} {lines[-1]}"
    return " / ".join(lines)


def code_of(outcome: Outcome) -> str:
    """The fault code that the outcome itself names; empty if only its check knows it."""
    codes: Iterable[str] = (
        *(f.code for f in failures(outcome)),
        *(m.code for m in broken(outcome)),
        outcome.code,
    )
    return next((text.line(code, 60) for code in codes if code), "")
