"""Which kinds of fault may sit on one node at once: those of which each can be found whatever becomes of the other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from bringup.check import AnyCheck
from bringup.defects import Who
from bringup.mock.faults.registry import Kind

_PLACE = re.compile(r"\{[a-z]+\}")


@dataclass(frozen=True, slots=True)
class Rules:
    """What the battery says of its faults.

    `explained` holds for each fault code the codes that explain it. A fault with a code of `gates` takes its node out
    of the run, so that nothing later is found there.
    """

    explained: Mapping[str, frozenset[str]] = field(default_factory=dict)
    gates: frozenset[str] = frozenset()

    @classmethod
    def of(cls, checks: Iterable[AnyCheck]) -> Rules:
        """The rules of a battery."""
        explained: dict[str, frozenset[str]] = {}
        gates: set[str] = set()
        for check in checks:
            for fault in check.faults:
                explained[fault.code] = explained.get(fault.code, frozenset()) | set(fault.explained_by)
            if check.gate == "node":
                gates |= {fault.code for fault in check.faults}
        return cls(explained, frozenset(gates))

    def stands_alone(self, kind: Kind) -> bool:
        """Whether nothing else can be asked of its node: nobody gets in, a tool says nothing, the node is left out."""
        unjudged = any(e.who is Who.COULD_NOT_JUDGE for e in kind.expected)
        return kind.door is not None or unjudged or bool(self.gates.intersection(kind.codes))

    def apart(self, a: Kind, b: Kind) -> bool:
        """Whether the two are at different parts of a node, and neither is explained by the other."""
        if self.stands_alone(a) or self.stands_alone(b):
            return False
        if set(_parts(a)) & set(_parts(b)) or set(a.codes) & set(b.codes):
            return False
        return not (self._explains(a, b) or self._explains(b, a))

    def _explains(self, cause: Kind, kind: Kind) -> bool:
        explaining = {code for e in kind.expected for code in self.explained.get(e.code, ())}
        return bool(explaining.intersection(cause.codes))


def _parts(kind: Kind) -> Iterator[str]:
    """The kinds of part where it is reported: `{node}/gpu/{gpu}` and `{node}/gpu/*` are the same."""
    for expected in kind.expected:
        yield _PLACE.sub("*", expected.component)


def grouped(kinds: Iterable[Kind], per_node: int, rules: Rules) -> list[list[Kind]]:
    """The kinds node by node, at most so many on each; in their order, each where it first fits."""
    groups: list[list[Kind]] = []
    for kind in kinds:
        home = next(
            (g for g in groups if len(g) < per_node and all(rules.apart(kind, other) for other in g)), None
        )
        if home is None:
            groups.append([kind])
        else:
            home.append(kind)
    return groups
