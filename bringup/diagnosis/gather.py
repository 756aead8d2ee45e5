"""Many bad ports with one cause: most ports of a node are the node, most ports of a leaf the leaf.

Only pair results without a known cause are gathered. Where no port of a leaf was good with anybody, its pairs cannot be
split into good and bad ends; then the leaf is what they have in common, as long as other leaves are fine.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence

from bringup.diagnosis.symptoms import Sign
from bringup.model import Node, Outcome, Verdict

LEAF_LEAST = 4
"""With fewer ports on a leaf its name says little."""


class _Ports:
    """What is known about the ports of one check: where they are, which were good, which are suspected."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self.leaf = {
            f"{n.name}/hca/{p.hca}/port/1": p.leaf for n in nodes.values() for p in n.ports if p.leaf
        }
        self.planned = {n.name: len(n.ports) for n in nodes.values()}
        self.on_leaf: dict[str, int] = defaultdict(int)
        for leaf in self.leaf.values():
            self.on_leaf[leaf] += 1
        self.tested: dict[str, set[str]] = defaultdict(set)
        self.good: dict[str, set[str]] = defaultdict(set)
        self.of_node: dict[tuple[str, str], set[str]] = defaultdict(set)

    def learn(self, outcomes: Iterable[Outcome]) -> None:
        for o in outcomes:
            if len(o.nodes) == 2 and len(o.at) == 2 and o.verdict in (Verdict.PASS, Verdict.FAIL):
                self.tested[o.check].update(o.at)
                for path in o.at:
                    self.of_node[o.check, path.split("/")[0]].add(path)
                if o.verdict is Verdict.PASS:
                    self.good[o.check].update(o.at)

    def count(self, check: str, node: str) -> int:
        """How many ports the node has: as planned, or as many as were tested."""
        return max(self.planned.get(node, 0), len(self.of_node[check, node]))

    def dark_leaves(self, check: str) -> frozenset[str]:
        """The leaves of which no tested port was good, if others are fine."""
        tested: dict[str, set[str]] = defaultdict(set)
        for path in self.tested[check]:
            if path in self.leaf:
                tested[self.leaf[path]].add(path)
        dark = {
            leaf
            for leaf, ports in tested.items()
            if not ports & self.good[check]
            and len(ports) >= LEAF_LEAST
            and len(ports) * 2 >= self.on_leaf[leaf]
            and len({path.split("/")[0] for path in ports}) >= 2
        }
        return frozenset(dark) if len(dark) < len(tested) else frozenset()


def gather(
    signs: Sequence[Sign], explained: Container[int], outcomes: Iterable[Outcome], nodes: Mapping[str, Node]
) -> list[Sign]:
    """The same signs in their order, with those of many bad ports moved to the node or the leaf."""
    ports = _Ports(nodes)
    ports.learn(outcomes)
    mine = [i for i, s in enumerate(signs) if i not in explained and _of_ports(s)]
    bad_of_node: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    bad_of_leaf: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for sign in (signs[i] for i in mine if len(signs[i].at) == 1):
        path = sign.at[0]
        bad_of_node[sign.check, sign.code, path.split("/")[0]].add(path)
        bad_of_leaf[sign.check, sign.code, ports.leaf.get(path, "")].add(path)
    dark = {check: ports.dark_leaves(check) for check in {signs[i].check for i in mine}}
    gathered = list(signs)
    for i in mine:
        sign = signs[i]
        leaves = {ports.leaf.get(path, "") for path in sign.at}
        lost = leaves & dark[sign.check]
        if len(lost) == 1:
            gathered[i] = _moved(sign, "LEAF-SLOW", lost.pop(), ports)
        elif len(sign.at) == 1:
            name, (leaf,) = sign.at[0].split("/")[0], leaves
            of_node = len(bad_of_node[sign.check, sign.code, name])
            of_leaf = len(bad_of_leaf[sign.check, sign.code, leaf])
            if of_node >= 2 and of_node * 2 >= ports.count(sign.check, name):
                gathered[i] = _moved(sign, "NODE-SLOW", name, ports)
            elif leaf and ports.on_leaf[leaf] >= LEAF_LEAST and of_leaf * 2 >= ports.on_leaf[leaf]:
                gathered[i] = _moved(sign, "LEAF-SLOW", leaf, ports)
    return gathered


def _of_ports(sign: Sign) -> bool:
    """Whether it is a proven fault of a port that only a test of two nodes shows."""
    ends = len(sign.at) == 1 or sign.code == "PAIR-UNSPLIT"
    return len(sign.nodes) == 2 and not sign.unjudged and ends and all("/hca/" in path for path in sign.at)


def _moved(sign: Sign, code: str, at: str, ports: _Ports) -> Sign:
    """The sign at a node or leaf; it remembers the ports that lie there."""
    mine = tuple(path for path in sign.at if at in (path.split("/")[0], ports.leaf.get(path, "")))
    return dataclasses.replace(sign, code=code, was=sign.first_code, at=(at,), was_at=mine)
