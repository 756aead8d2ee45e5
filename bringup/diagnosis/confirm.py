"""Before anybody walks: which suspects meet which known-good partners once more, and what follows from it. Pure.

An end that is suspected after the rounds of pairs meets two different known-good partners, in the role in which it
failed, the first on its own leaf and the second on another where there are such. At the same time two known-good ends
of the same rail meet: if that control fails, the moment was bad and nothing is decided. A way that is suspected is
tried twice more as it is. All ends of leaves whose uplinks may be slow meet ends of third leaves, leaf by leaf and at
once: what a leaf lacks above it shows only under the load of many. Every node is in
one pair of a round, so two rounds are enough unless more nodes are suspected than are well.

`confirm_rounds` plans, `decide` judges; running the tests and keeping their results is the engine's. The results are
plain further trials as well: diagnosis sees them like those of the first rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from bringup.diagnosis.evidence import Evidence
from bringup.diagnosis.suspects import Suspect, known_good, node_of, suspects
from bringup.model import Node

PARTNERS = 2
"""Known-good partners that a suspect meets: one alone may share its fault."""
MOST_ROUNDS = 4
"""So many rounds a confirmation takes at most, however many are suspected: its time does not grow with the fleet."""
LOOK_AT = 200
"""So many possible partners are compared before the best of them is taken."""

LaneOf = Callable[[str], str]
"""What an end can be tested with: ends of one lane (a rail) meet each other, whole nodes have one lane."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two ends that meet in a round for these checks; `a` sends. Without a suspect it is a control of two known-good ends."""

    a: str
    b: str
    checks: tuple[str, ...] = ()
    about: Suspect | None = None

    @property
    def nodes(self) -> frozenset[str]:
        return frozenset((node_of(self.a), node_of(self.b)))


Round = tuple[Meeting, ...]


@dataclass(frozen=True)
class Confirm:
    """The rounds to run one after the other, and the suspects for which there are too few partners, with the reason."""

    rounds: tuple[Round, ...] = ()
    short_of: Mapping[Suspect, str] = field(default_factory=dict)

    @property
    def pairs(self) -> int:
        """How often two nodes meet, controls included."""
        return sum(len({t.nodes for t in mine}) for mine in self.rounds)


def lanes(nodes: Mapping[str, Node]) -> LaneOf:
    """The rail of each planned port; of ports that are not planned their name, of whole nodes nothing. Where there are
    several profiles also the profile: only nodes of one are compared with each other."""
    rail = {f"{n.name}/hca/{p.hca}/port/1": f"rail {p.rail}" for n in nodes.values() for p in n.ports}
    several = len({n.profile for n in nodes.values()}) > 1

    def lane(end: str) -> str:
        words = rail.get(end, end.partition("/")[2])
        node = nodes.get(node_of(end)) if several else None
        return words if node is None else f"{words or 'all ports'} of {node.profile}"

    return lane


def confirm_rounds(
    evidence: Evidence,
    lane_of: LaneOf,
    gone: Callable[[str], bool] = lambda end: False,
    about: Sequence[Suspect] | None = None,
) -> Confirm:
    """Who meets whom to confirm or clear every suspect of this evidence, or those it is `about`, without the ends that
    are `gone`."""
    accused = suspects(evidence)
    return _Planner(evidence, lane_of, gone, accused, accused if about is None else about).plan()


@dataclass
class _Visit:
    """Suspects of one node that are tested together, and the partners that the node has met for it.

    With a `domain` only partners of it tell anything.
    """

    node: str
    by_lane: dict[str, Suspect]
    domain: str = ""
    partners: list[str] = field(default_factory=list)


class _Planner:
    """Fills round after round. `good` holds the known-good end of each node and lane."""

    def __init__(
        self,
        evidence: Evidence,
        lane_of: LaneOf,
        gone: Callable[[str], bool],
        accused: Sequence[Suspect],
        about: Sequence[Suspect],
    ) -> None:
        self._leaf = evidence.leaf
        self._suspects = tuple(s for s in about if not any(gone(end) for end in s.ends))
        self._good: dict[str, dict[str, str]] = {}
        for end in known_good(evidence, (*accused, *about)):
            if not gone(end):
                self._good.setdefault(node_of(end), {})[lane_of(end)] = end
        self._met_well: dict[str, set[str]] = {}
        for ends in evidence.ends.values():
            for trial in ends.trials:
                if trial.good:
                    for end, other in (trial.ends, trial.ends[::-1]):
                        self._met_well.setdefault(end, set()).add(other)
        self._domain = {
            node_of(end): of for ends in evidence.ends.values() for end, of in ends.domains.items()
        }
        slow = (
            way.at for mine in evidence.ways.values() for way in mine.values() if way.code == "UPLINK-SLOW"
        )
        self._no_third = {"", *(leaf for leaves in slow for leaf in leaves)}
        self._no_third |= {leaf for s in self._suspects for leaf in s.beyond}
        self._accused = {node_of(end) for s in self._suspects for end in s.ends}
        self._lane_of = lane_of
        self._fitting: dict[frozenset[str], list[str]] = {}
        self._telling: dict[tuple[frozenset[str], str, frozenset[str]], list[str]] = {}

    def plan(self) -> Confirm:
        visits = list(self._visits())
        ways = [(s, PARTNERS) for s in self._suspects if len(s.ends) == 2]
        short_of: dict[Suspect, str] = {}
        for visit in visits:
            there_are = len(self._partners(visit))
            if there_are < PARTNERS:
                lane = next(iter(visit.by_lane)) or "all ports"
                why = f"{there_are or 'no'} known-good partner{'' if there_are == 1 else 's'} for {lane}"
                why += f" in NVLink domain {visit.domain}" if visit.domain else ""
                short_of.update(dict.fromkeys(visit.by_lane.values(), why))
        rounds: list[Round] = []
        while len(rounds) < MOST_ROUNDS:
            busy: set[str] = set()
            tests = [t for visit in visits for t in self._meet(visit, busy, len(rounds))]
            again: list[tuple[Suspect, int]] = []
            for suspect, left in ways:
                a, b = suspect.ends
                free = not busy & {node_of(a), node_of(b)}
                if free:
                    tests.append(Meeting(a, b, suspect.checks, suspect))
                    busy |= {node_of(a), node_of(b)}
                if left - free:
                    again.append((suspect, left - free))
            ways = again
            if not tests:
                return Confirm(tuple(rounds), short_of)
            rounds.append((*tests, *self._controls(tests, busy)))
        late = [s for visit in visits if len(visit.partners) < PARTNERS for s in visit.by_lane.values()]
        late += [suspect for suspect, _ in ways]
        why = f"nobody was free for it in {MOST_ROUNDS} rounds"
        return Confirm(tuple(rounds), {**dict.fromkeys(late, why), **short_of})

    def _visits(self) -> Iterator[_Visit]:
        """The suspects of a node together, if partners are known good on all those lanes; else each for itself."""
        of_node: dict[str, dict[str, Suspect]] = {}
        for suspect in self._suspects:
            if len(suspect.ends) == 1:
                (end,) = suspect.ends
                of_node.setdefault(node_of(end), {})[self._lane_of(end)] = suspect
        for node, by_lane in sorted(of_node.items(), key=self._leaf_by_leaf):
            together = _Visit(node, by_lane, next((s.domain for s in by_lane.values() if s.domain), ""))
            if len(self._partners(together)) >= PARTNERS:
                yield together
            else:
                yield from (_Visit(node, {lane: s}, s.domain) for lane, s in by_lane.items())

    def _leaf_by_leaf(self, visit: tuple[str, dict[str, Suspect]]) -> tuple[bool, str]:
        """Ends of leaves that cannot be told apart come last and stand together; the others stay in their order."""
        alike = next((s for s in visit[1].values() if s.beyond), None)
        return (alike is not None, self._leaf.get(alike.ends[0], "") if alike else "")

    def _partners(self, visit: _Visit) -> list[str]:
        """The nodes that can tell something about the suspects of this visit."""
        beyond = frozenset(lane for lane, suspect in visit.by_lane.items() if suspect.beyond)
        key = (frozenset(visit.by_lane), visit.domain, beyond)
        if key not in self._telling:
            fit = self._fit(visit.by_lane)
            if visit.domain:
                fit = [n for n in fit if self._domain.get(n) == visit.domain]
            self._telling[key] = [n for n in fit if all(self._is_third(n, lane) for lane in beyond)]
        return [n for n in self._telling[key] if n != visit.node]

    def _is_third(self, node: str, lane: str) -> bool:
        """Whether the node's end hangs on a leaf that is not to blame for anything."""
        return self._leaf.get(self._good[node][lane], "") not in self._no_third

    def _fit(self, lanes: Iterable[str]) -> list[str]:
        """The nodes that are known good on all these lanes, those without any suspect first."""
        key = frozenset(lanes)
        if key not in self._fitting:
            mine = (n for n, good in self._good.items() if key <= good.keys())
            self._fitting[key] = sorted(mine, key=lambda n: n in self._accused)
        return self._fitting[key]

    def _meet(self, visit: _Visit, busy: set[str], number: int) -> Iterator[Meeting]:
        """The tests of a visit in this round, if its node and a partner are free; two well nodes stay for the control."""
        if visit.node in busy or len(visit.partners) == PARTNERS:
            return
        well = [n for n in self._partners(visit) if n not in busy and n not in visit.partners]
        spared = len(well) + sum(n not in busy for n in visit.partners)
        if not well or (busy and spared < 3):
            return
        start = (number + len(busy)) % len(well)
        partner = min(
            islice((*well[start:], *well[:start]), LOOK_AT), key=lambda n: self._strangeness(visit, n)
        )
        visit.partners.append(partner)
        busy |= {visit.node, partner}
        for lane, suspect in visit.by_lane.items():
            mine, other = suspect.ends[0], self._good[partner][lane]
            sends = suspect.sends if suspect.sends is not None else len(visit.partners) == 1
            yield Meeting(*((mine, other) if sends else (other, mine)), suspect.checks, suspect)

    def _strangeness(self, visit: _Visit, node: str) -> tuple[bool, bool, bool]:
        """What speaks against a partner: it has suspects itself, has met the end before, sits on the wrong leaf."""
        lane, suspect = next(iter(visit.by_lane.items()))
        end = suspect.ends[0]
        known = node in {node_of(other) for other in suspect.met}
        same = self._leaf.get(self._good[node][lane], "") == self._leaf.get(end, "")
        return (node in self._accused, known, same is bool(visit.partners))

    def _controls(self, tests: Sequence[Meeting], busy: set[str]) -> Iterator[Meeting]:
        """One pair of well nodes for each lane of these tests, crossing leaves if one of the tests does."""
        crossing = any(self._leaf.get(t.a, "") != self._leaf.get(t.b, "") for t in tests)
        left = dict.fromkeys(self._lane_of(t.a) for t in tests)
        checks = tuple(dict.fromkeys(check for t in tests for check in t.checks))
        loaded = any(t.about is not None and t.about.beyond for t in tests)
        while left:
            pair = self._control(tuple(left), busy, crossing, loaded)
            if pair is None:
                return
            both = [lane for lane in left if all(lane in self._good[n] for n in pair)]
            for lane in both:
                del left[lane]
                a, b = (self._good[n][lane] for n in pair)
                yield Meeting(a, b, checks)
            busy |= set(pair)

    def _control(
        self, left: Sequence[str], busy: set[str], crossing: bool, loaded: bool
    ) -> tuple[str, str] | None:
        """Two free nodes that are known good on all of these lanes, or at least on the first.

        None hangs on a leaf that may be to blame, if that is `loaded` at the same time. Best are two that were good with
        each other before: if these fail now, it is the moment and nothing else.
        """
        for lanes in (left, left[:1]):
            free = [n for n in self._fit(lanes) if n not in busy]
            if loaded:
                free = [n for n in free if all(self._is_third(n, lane) for lane in lanes)]
            if len(free) >= 2:
                options = islice(self._who_met(free, left[0]), LOOK_AT)
                best = min(
                    options, key=lambda pair: self._crosses(pair, left[0]) is not crossing, default=None
                )
                return best or (free[0], free[1])
        return None

    def _who_met(self, free: Sequence[str], lane: str) -> Iterator[tuple[str, str]]:
        there = {self._good[n][lane]: n for n in free}
        for end, node in there.items():
            for other in sorted(self._met_well.get(end, ())):
                if other in there:
                    yield node, there[other]

    def _crosses(self, pair: tuple[str, str], lane: str) -> bool:
        here, there = (self._leaf.get(self._good[n][lane], "") for n in pair)
        return here != there
