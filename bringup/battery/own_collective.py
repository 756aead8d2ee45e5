"""What bringup's own collective says about the nodes that took part: who is to blame if it did not end, who is slow.

Blamed is who never came, died, froze, or had not come to what the others waited in. A rank that was told of a broken
connection is the one that survived: what it says is reported, and nobody is blamed for saying it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bringup.check import Outputs, Step
from bringup.commands import Command, Ended, Output
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, ParseError, ToolMissing
from bringup.model import Finding, Limit, Measurement, Node
from bringup.parsers import own_collective
from bringup.parsers.own_collective import Meeting, Rank, Report

LOST = Fault(
    "COLL-RANK-LOST",
    "{at} does not take part in a collective",
    "see what {node} does at that moment (top, dmesg); look at its firewall, routes and name resolution towards the other"
    " nodes; then run this check again",
    Who.SOFTWARE,
    explained_by=(
        "NODE-UNREACHABLE",
        "NODE-LOST",
        "NODE-BUSY",
        "NODE-IDENTITY",
        "INTERFACE-DOWN",
        "DUPLICATE-ADDRESS",
    ),
)
SLOW = Fault(
    "COLL-RANK-SLOW",
    "{at} holds up every job that it takes part in",
    "look at speed, errors and cable of the network interface of {node}, at its clocks and at what else runs there",
    explained_by=("NODE-BUSY", "TCP-BW", "TCP-SLOW", "INTERFACE-SPEED", "CPU-GOVERNOR"),
)
SETUP = Fault(
    "COLL-SETUP",
    "the collective between {at} could not start",
    "free the TCP ports that the message names, install python3 on every node; then: bringup resume",
    Who.COULD_NOT_JUDGE,
    Severity.MONITOR,
    explained_by=("NODE-IDENTITY", "HOST-KEY-CHANGED"),
)

LEAST = 4
"""With fewer nodes there is no middle to compare with."""
_RESULT = ("came", "ready")


@dataclass(frozen=True, slots=True)
class Told:
    """What all nodes said. `nodes` in the order of their ranks, `per_node` ranks each."""

    nodes: tuple[str, ...]
    per_node: int
    ranks: Mapping[int, Rank]
    meeting: Meeting
    unread: tuple[CannotJudge, ...]

    def of(self, node: int) -> tuple[Rank, ...]:
        """The ranks of a node that said anything."""
        numbers = range(node * self.per_node, (node + 1) * self.per_node)
        return tuple(self.ranks[n] for n in numbers if n in self.ranks)


def steps(
    nodes: Sequence[Node], ctx: Context, python: str, *, backend: str = "auto", processes: int = 1, mib: int = 16,
    hcas: tuple[str, ...] = (),
) -> tuple[Step, ...]:  # fmt: skip
    """One step for each node, in the order of their ranks; they meet on the first."""
    meet = nodes[0].peer_address or nodes[0].address or nodes[0].name
    return tuple(
        Step(
            node,
            own_collective.collective(
                number, len(nodes), meet, ctx.listen_port,
                backend=backend, processes=processes, mib=mib, hcas=hcas, python=python,
            ),
        )
        for number, node in enumerate(nodes)
    )  # fmt: skip


def told(out: Outputs, nodes: Mapping[str, Node], per_node: int = 1) -> Told:
    """What all nodes said. Raises CannotJudge where the first has no report: then nobody knows who came."""
    answers = list(out)
    reports: dict[int, Report] = {}
    unread: list[CannotJudge] = []
    for number, answer in enumerate(answers):
        try:
            reports[number] = _report(out, nodes[answer.node], answer.command, answer)
        except (CannotJudge, ToolMissing) as cannot:
            unread.append(cannot)
    if 0 not in reports or reports[0].meeting is None:
        at = answers[0].node if answers else ""
        if 0 in reports:
            raise CannotJudge(f"{at}: {reports[0].error}", code=SETUP.code, at=at)
        raise next(iter(unread), CannotJudge("no node gave an answer"))
    meeting = reports[0].meeting
    assert meeting is not None
    ranks = {rank.rank: rank for report in reports.values() for rank in report.ranks}
    return Told(tuple(a.node for a in answers), per_node, ranks, meeting, tuple(unread))


def _report(out: Outputs, node: Node, command: Command, answer: Output) -> Report:
    if answer.ended is Ended.TIMEOUT and answer.text.strip():
        raise CannotJudge(
            f"{node.name}: bringup's collective did not end", code="COMMAND-HANGS", at=node.name
        )
    out.answered(node, command)
    try:
        return own_collective.parse(answer.text)
    except ParseError as error:
        said = " ".join(answer.error_text.split())[-160:]
        raise ParseError(f"{node.name}: {error.reason}{f' ({said})' if said else ''}", at=node.name) from None


def troubles(all_of_it: Told, whole: str) -> Iterator[Finding]:
    """Why it did not end, at the nodes that are to blame; at `whole` where nobody is."""
    meeting, nodes = all_of_it.meeting, all_of_it.nodes
    if not meeting.why:
        return
    named = list(dict.fromkeys(rank // all_of_it.per_node for rank in meeting.named))
    excused = {cannot.at for cannot in all_of_it.unread}
    if meeting.why == "never came" and len(nodes) > 2 and len(named) == len(nodes) - 1 and 0 not in named:
        yield Finding(LOST.code, f"no other node reaches it: {_said(all_of_it, named[0])}", nodes[0])
        return
    failed = meeting.why.startswith("failed: ")
    began = all(step not in ("", *_RESULT) for step in meeting.steps)
    if not named or (failed and began):
        where = f"{nodes[named[0]]} " if named else ""
        step = next((s for s in meeting.steps if s.startswith("in ")), "")
        yield Finding(
            "COLL-FAILED", f"{where}{meeting.why}{f' ({step[3:]})' if step and not named else ''}", whole
        )
        return
    for number in named:
        if number < len(nodes) and nodes[number] not in excused:
            own = _said(all_of_it, number)
            yield Finding(
                LOST.code, meeting.why if failed or not own else f"{meeting.why}: {own}", nodes[number]
            )


def _said(all_of_it: Told, node: int) -> str:
    return next((rank.error for rank in all_of_it.of(node) if rank.error), "")


def results(all_of_it: Told, wrong: Limit, share: Limit, pace: Limit) -> Iterator[Measurement]:
    """Of every node: wrong values, and its links and its pace against the middle of all nodes."""
    for number, node in enumerate(all_of_it.nodes):
        mine = all_of_it.of(number)
        if mine and all(rank.done for rank in mine):
            yield Measurement(
                "wrong", sum(rank.wrong or 0 for rank in mine), "values", node, wrong, "COLL-WRONG"
            )
    if len(all_of_it.nodes) < LEAST or not all(rank.done for rank in all_of_it.ranks.values()):
        return
    best: dict[str, dict[int, float]] = {"sends": {}, "receives": {}}
    for rank in all_of_it.ranks.values():
        here = rank.rank // all_of_it.per_node
        for of, gbs in rank.links:
            for way, node_number in (("sends", of // all_of_it.per_node), ("receives", here)):
                best[way][node_number] = max(gbs, best[way].get(node_number, 0.0))
    for way, speeds in best.items():
        middle = median(speeds.values()) if speeds else 0.0
        for number, gbs in sorted(speeds.items()):
            if middle > 0 and number < len(all_of_it.nodes):
                value = round(100 * gbs / middle, 1)
                yield Measurement(
                    f"{way}, best partner",
                    value,
                    "% of the median",
                    all_of_it.nodes[number],
                    share,
                    SLOW.code,
                )
    paces = {n: r.pace_ms for n, r in all_of_it.ranks.items() if r.pace_ms is not None}
    usual = median(paces.values()) if paces else 0.0
    for n, ms in sorted(paces.items()):
        at = all_of_it.nodes[n // all_of_it.per_node]
        yield Measurement("own work", round(ms / usual, 2), "x the median", at, pace, SLOW.code)
