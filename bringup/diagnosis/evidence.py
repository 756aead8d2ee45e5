"""Everything that the tests of pairs say, in one place: for each check and fault code the verdicts about its ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bringup.diagnosis.ends import Ends
from bringup.diagnosis.setups import Setups, kept_from_starting
from bringup.diagnosis.symptoms import Sign, measured
from bringup.diagnosis.trials import Key, Trial, trials
from bringup.diagnosis.ways import Way, planes, ways
from bringup.model import Node, Outcome, Stage, Verdict
from bringup.topology import place

_OF_LINKS = frozenset({"LINK-ERRORS", "LINK-FLAP", "LINK-BER"})
"""Faults whose measurements count errors of one link, whichever test caused them."""
_FLAKY = {Stage.RDMA: "RDMA-FLAKY", Stage.COLLECTIVE: "COLL-FLAKY"}


@dataclass(frozen=True)
class Evidence:
    """What is known about ends (by check and fault code) and about the ways between good ones (by fault code).

    `leaf` names the leaf of each planned port. `setups` tells which node kept a test from starting.
    `risen` says of ports which error counters rose under the load, as far as they were read again.
    """

    ends: Mapping[Key, Ends] = field(default_factory=dict)
    ways: Mapping[str, Mapping[frozenset[str], Way]] = field(default_factory=dict)
    leaf: Mapping[str, str] = field(default_factory=dict)
    setups: Setups = field(default_factory=Setups)
    risen: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        outcomes: Iterable[Outcome],
        signs: Sequence[Sign],
        nodes: Mapping[str, Node],
        defaults: Mapping[str, str],
    ) -> Evidence:
        """All of it. `defaults` is the code of each check for measurements without one.

        Ends are judged for each check: a small message may pass where a large one does not. Ways are judged over all
        checks with the same code: it is the same connection that breaks, now in this test and now in that.
        """
        outcomes = list(outcomes)
        leaf = {
            f"{node.name}/hca/{port.hca}/port/1": port.leaf
            for node in nodes.values()
            for port in node.ports
            if port.leaf
        }
        tried = trials(outcomes, signs, defaults)
        across = _across({check for check, _ in tried}, outcomes, nodes)
        ends = {
            key: Ends.of(mine, leaf, _domains(mine, nodes) if key[0] in across else {})
            for key, mine in tried.items()
        }
        failing: dict[str, list[Trial]] = defaultdict(list)
        all_: dict[str, list[Trial]] = defaultdict(list)
        for (_, code), mine in ends.items():
            failing[code] += mine.failing_ways
            all_[code] += mine.trials
        plane_of = planes(nodes.values()) if any(failing.values()) else {}
        flaky_code = {s.first_code: flaky(s) for s in signs}
        found = {
            code: ways(mine, all_[code], lambda end: leaf.get(end, ""), plane_of, flaky_code[code])
            for code, mine in failing.items()
            if mine
        }
        return cls(ends, found, leaf, kept_from_starting(outcomes, signs), risen(outcomes))

    def about(self, sign: Sign) -> Ends:
        """The verdicts that concern a sign."""
        return self.ends.get((sign.check, sign.first_code), Ends())

    def way(self, sign: Sign, ends: Sequence[str]) -> Way:
        """What explains the sign of two good ends."""
        return self.ways[sign.first_code][frozenset(ends)]

    def dirty(self, ends: Sequence[str]) -> str:
        """The one of several ends whose error counters rose under the load; empty if none did, or more than one."""
        mine = [end for end in ends if end in self.risen]
        return mine[0] if len(mine) == 1 else ""


def _across(checks: Container[str], outcomes: Iterable[Outcome], nodes: Mapping[str, Node]) -> set[str]:
    """Those of the checks of which a test between two domains has passed."""
    good = (o for o in outcomes if o.check in checks and o.verdict is Verdict.PASS)
    return {o.check for o in good if _crosses(o.nodes, nodes)}


def _crosses(names: Sequence[str], nodes: Mapping[str, Node]) -> bool:
    """Whether this is a test between two domains."""
    if len(names) != 2 or not all(name in nodes for name in names):
        return False
    a, b = (place(nodes[name]).domain for name in names)
    return bool(a and b and a != b)


def _domains(mine: Sequence[Trial], nodes: Mapping[str, Node]) -> dict[str, str]:
    """The domain of each end, if only tests inside of domains were trials of this fault; empty otherwise."""
    named = {end: end.partition("/")[0] for trial in mine for end in trial.ends}
    found = {end: place(nodes[name]).domain for end, name in named.items() if name in nodes}
    return found if all(found.get(t.a) and found.get(t.a) == found.get(t.b) for t in mine) else {}


def flaky(sign: Sign) -> str:
    """The code of an end that has this fault now and then."""
    return _FLAKY.get(sign.stage, "PATH-UNSTABLE")


def risen(outcomes: Iterable[Outcome]) -> dict[str, str]:
    """The ports whose error counters rose between the first reading of a run and the last, in words.

    A port receives errors that its own link made: its leaf's port, the cable, or its own receiver.
    """
    found: dict[str, str] = {}
    for outcome in outcomes:
        if outcome.stage is Stage.AFTER:
            for m in outcome.measurements:
                if (
                    m.code in _OF_LINKS
                    and "/hca/" in m.at
                    and isinstance(m.value, int | float)
                    and m.value > 0
                ):
                    found.setdefault(m.at, measured(m))
    return found
