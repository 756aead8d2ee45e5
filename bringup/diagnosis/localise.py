"""Which end of a slow pair is bad: pure reasoning over the results of one pair check.

Every endpoint met several partners. An endpoint that was good with anybody is good; an endpoint that was never good
and failed with a partner that is good with others is bad. A failing pair whose ends are both good with others is a
path (or an unstable link); one whose ends are both unknown stays a pair, because naming one would be a guess.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping

from bringup.diagnosis.symptoms import Sign
from bringup.model import Node, Outcome, Verdict


def localise(outcomes: Iterable[Outcome], signs: list[Sign], nodes: Mapping[str, Node]) -> list[Sign]:
    """The same signs with every two-ended one moved to the end that is to blame, where that can be said."""
    by_check: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if len(outcome.nodes) == 2 and outcome.verdict in (Verdict.PASS, Verdict.FAIL):
            by_check[outcome.check].append(outcome)
    blamed = {check: _blame([_ends(o.at, o.nodes) for o in mine if o.verdict is Verdict.PASS],
                            [_ends(o.at, o.nodes) for o in mine if o.verdict is Verdict.FAIL])
              for check, mine in by_check.items()}  # fmt: skip
    moved: list[Sign] = []
    for sign in signs:
        if len(sign.at) < 2 or sign.unjudged:
            moved.append(sign)
            continue
        ends = _ends(sign.at, sign.nodes)
        bad, good = blamed.get(sign.check, (frozenset(), frozenset()))
        guilty = [end for end in ends if end in bad]
        if guilty:
            moved += [dataclasses.replace(sign, at=(end,)) for end in guilty]
        elif all(end in good for end in ends):
            moved.append(dataclasses.replace(sign, code="PATH-UNSTABLE", at=ends))
        else:
            moved.append(dataclasses.replace(sign, code="PAIR-UNSPLIT", at=ends))
    return gather(moved, nodes)


def _ends(at: tuple[str, ...], nodes: tuple[str, ...]) -> tuple[str, ...]:
    """The two ends of a pair: its two ports, or its two nodes when every port of both took part."""
    return at if len(at) == 2 else nodes


def _blame(
    good_pairs: list[tuple[str, ...]], bad_pairs: list[tuple[str, ...]]
) -> tuple[frozenset[str], frozenset[str]]:
    good = frozenset(end for pair in good_pairs for end in pair)
    bad = {
        end
        for pair in bad_pairs
        for end, other in (pair, pair[::-1])
        if end not in good and other in good
    }  # fmt: skip
    return frozenset(bad), good


def gather(signs: list[Sign], nodes: Mapping[str, Node]) -> list[Sign]:
    """Ports of one node (half of them or more, at least two) become the node, ports of one leaf likewise the leaf.

    Only pair results are gathered: each port of a node being slow has one cause in the node.
    """
    ports: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    leaves: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    leaf_of = {f"{n.name}/hca/{p.hca}/port/1": p.leaf for n in nodes.values() for p in n.ports if p.leaf}
    on_leaf: dict[str, int] = defaultdict(int)
    for leaf in leaf_of.values():
        on_leaf[leaf] += 1
    pair_signs = [
        s for s in signs if len(s.nodes) == 2 and len(s.at) == 1 and "/hca/" in s.at[0] and not s.unjudged
    ]
    for sign in pair_signs:
        path = sign.at[0]
        ports[sign.code][path.split("/")[0]].add(path)
        if path in leaf_of:
            leaves[sign.code][leaf_of[path]].add(path)
    moved: list[Sign] = []
    for sign in signs:
        if sign not in pair_signs:
            moved.append(sign)
            continue
        path = sign.at[0]
        name = path.split("/")[0]
        planned = len(nodes[name].ports) if name in nodes else 0
        leaf = leaf_of.get(path, "")
        if planned >= 2 and len(ports[sign.code][name]) * 2 >= planned and len(ports[sign.code][name]) >= 2:
            moved.append(dataclasses.replace(sign, code="NODE-SLOW", was=sign.code, at=(name,)))
        elif leaf and on_leaf[leaf] >= 4 and len(leaves[sign.code][leaf]) * 2 >= on_leaf[leaf]:
            moved.append(dataclasses.replace(sign, code="LEAF-SLOW", was=sign.code, at=(leaf,)))
        else:
            moved.append(sign)
    return moved
