"""How far the counters of a node rose between their first reading in a run and the last: what the load did to it.

Only a difference within one boot says something, so the boot is asked for with both readings. A counter that went back
was cleared, or its driver was loaded again: then it rose at least by what it shows now, and no more is known. A counter
that stands at its end cannot rise any more; `at least` is all that it says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from bringup.check import Outputs, Plan, run
from bringup.commands import Command
from bringup.errors import CannotJudge
from bringup.model import Finding, Limit, Measurement, Node, Weight
from bringup.parsers import boots, kernel_log
from bringup.parsers.kernel_log import KernelLog

LEAST_S = 60.0
"""A rate is taken over at least this long: one event within a second is no rate."""
_WIDTHS = (8, 16, 32)
_MOST_SAID = 5


@dataclass(frozen=True, slots=True)
class Count:
    """One counter of one part. `full` is where it stops counting, if it is one that does."""

    at: str
    name: str
    value: float
    full: float | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """What a counter may do: its limit (in something per hour: a rate; None: only told), and the fault if it breaks."""

    limit: Limit | None
    code: str


@dataclass(frozen=True, slots=True)
class Window:
    """The time between both readings, and for how long the node was up at the first one."""

    seconds: float
    uptime_s: float

    def rate(self, rise: float) -> float:
        """So much per hour."""
        return rise * 3600.0 / max(self.seconds, LEAST_S)


Read = Callable[[Outputs], Iterable[Count]]
"""Reads the counters of one reading; what it yields before it raises counts."""


def again(node: Node, *commands: Command) -> Plan:
    """The plan of a check that compares: the same commands as before, and which boot answers them."""
    return run(node, *commands, boots.UP)


def window(node: Node, out: Outputs, command: Command) -> Window:
    """The time between both answers of a command. Raises CannotJudge where one is missing or the node booted between."""
    first, last = out.before.get(node, command), out.get(node, command)
    up, now = (boots.parse_up(o.text(node, boots.UP)) for o in (out.before, out))
    if up.boot_id != now.boot_id:
        raise CannotJudge(
            f"{node.name} was started anew {now.uptime_s / 60:.0f} min ago: its counters began again",
            code="NODE-REBOOTED",
        )
    return Window(max(0.0, last.at - first.at), up.uptime_s)


def since(node: Node, out: Outputs) -> tuple[KernelLog, float]:
    """The kernel log as it is now, and how many seconds ago it was first read in this run.

    Raises CannotJudge as `window` does. The node's own clock of its uptime is used: nobody can set it.
    """
    window(node, out, kernel_log.LOG)
    first, now = (kernel_log.parse(o.text(node, kernel_log.LOG)) for o in (out.before, out))
    return now, max(0.0, now.uptime_s - first.uptime_s)


def rises(
    node: Node,
    out: Outputs,
    command: Command,
    read: Read,
    rules: Mapping[str, Rule],
    *,
    settling: Mapping[str, float] | None = None,
) -> Iterator[Measurement | Finding]:
    """Judges each counter that `read` yields in both readings; those that did not rise are told as one.

    `settling` are counters that nothing can be said about so many seconds after boot. Raises CannotJudge for what
    one of the readings lacks, and for what went back.
    """
    span = window(node, out, command)
    before, unread_before = _all(read, out.before)
    now, unread = _all(read, out)
    unsure: list[str] = []
    calm: dict[str, int] = {}
    for key, count in now.items():
        if key not in before:
            unsure.append(f"{count.name} of {count.at} was not read before")
            continue
        rule = rules[count.name]
        first = before[key]
        if first.full is not None and first.value >= first.full:
            yield Finding(rule.code, f"{count.name} stood at its end before the load", count.at, Weight.NOTE)
            continue
        back = count.value < first.value
        rise = count.value if back else count.value - first.value
        if not rise and not back:
            calm[count.name] = calm.get(count.name, 0) + 1
            continue
        measured = _measured(count, rise, rule, span)
        if not measured.ok and span.uptime_s < (settling or {}).get(count.name, 0.0):
            unsure.append(f"{count.name} of {count.at} rose while the node was still settling after its boot")
            yield Finding(rule.code, f"{count.name} rose by {rise:g}", count.at, Weight.NOTE)
            continue
        yield measured
        if back and measured.ok:
            unsure.append(_went_back(first, count))
        if count.full is not None and count.value >= count.full:
            yield Finding(rule.code, f"{count.name} stands at its end: at least", count.at, Weight.NOTE)
    unsure += [f"{c.name} of {c.at} is not told any more" for key, c in before.items() if key not in now]
    for name, number in calm.items():
        rule = rules[name]
        of = f" of the others ({number})" if number < sum(n == name for _, n in now) else ""
        yield Measurement(f"{name} rise{of}", 0.0, _unit(rule), node.name, rule.limit, rule.code)
    yield Measurement("time between readings", round(span.seconds / 60, 2), "min", node.name)
    for error in (unread, unread_before):
        if error is not None:
            raise error
    if unsure:
        more = f" and {len(unsure) - _MOST_SAID} more" if len(unsure) > _MOST_SAID else ""
        raise CannotJudge("; ".join(unsure[:_MOST_SAID]) + more)


def _all(read: Read, outputs: Outputs) -> tuple[dict[tuple[str, str], Count], CannotJudge | None]:
    """The counters of one reading, those of one part and name added up, and why there are no more."""
    found: dict[tuple[str, str], Count] = {}
    try:
        for count in read(outputs):
            known = found.get((count.at, count.name))
            value = count.value + (known.value if known else 0.0)
            found[count.at, count.name] = Count(count.at, count.name, value, count.full)
    except CannotJudge as error:
        return found, error
    return found, None


def _measured(count: Count, rise: float, rule: Rule, span: Window) -> Measurement:
    value = span.rate(rise) if _is_rate(rule) else rise
    return Measurement(f"{count.name} rise", round(value, 3), _unit(rule), count.at, rule.limit, rule.code)


def _is_rate(rule: Rule) -> bool:
    return rule.limit is not None and rule.limit.unit.endswith("/h")


def _unit(rule: Rule) -> str:
    return rule.limit.unit if rule.limit is not None else ""


def _went_back(first: Count, now: Count) -> str:
    """Says what happened, and at which width a counter of this size would have begun again."""
    width = next((w for w in _WIDTHS if first.value < 2**w), None)
    wrapped = f", or has begun again at {width} bits" if width and first.value >= 2 ** (width - 1) else ""
    return f"{now.name} of {now.at} went back from {first.value:g} to {now.value:g}: it was cleared{wrapped}"
