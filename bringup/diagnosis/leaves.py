"""Many links with one cause: where every port that is wired to a leaf shows the same fault, it is the leaf.

Tests of pairs have their own way to a leaf (`gather`); this is about what each port shows by itself, and about links
between switches that were seen to be bad and then felt.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Container, Mapping, Sequence

from bringup.diagnosis.suppress import with_more
from bringup.diagnosis.symptoms import Sign
from bringup.model import FLEET, Node, Stage

OF_LEAF: Mapping[str, str] = {
    "LINK-DOWN": "LEAF-DOWN",
    "LINK-FLAP": "LEAF-FLAPS",
    "LINK-ERRORS": "LEAF-ERRORS",
}
"""What a fault of a port is called when it is the leaf's."""
FELT_ABOVE = frozenset({"UPLINK-SLOW", "SPINE-SLOW"})
"""What tests of pairs feel of the links above the leaves."""
SEEN_ABOVE = frozenset({"UPLINK-MISSING", "UPLINK-SLOW", "SPINE-SLOW"})
"""What the discovery of the fabric sees of them."""
LEAST = 4
"""With fewer ports on a leaf it may as well be as many cables."""


def to_leaves(signs: Sequence[Sign], explained: Container[int], nodes: Mapping[str, Node]) -> list[Sign]:
    """The same signs in their order, with those of ports that all hang on one leaf moved to it.

    If no leaf is spared the cause lies elsewhere, and nothing is moved.
    """
    wired: dict[str, set[str]] = defaultdict(set)
    leaf_of: dict[str, str] = {}
    for node in nodes.values():
        for port in node.ports:
            if port.leaf:
                path = f"{node.name}/hca/{port.hca}/port/1"
                wired[port.leaf].add(path)
                leaf_of[path] = port.leaf
    hit: dict[tuple[str, str], set[str]] = defaultdict(set)
    for index, sign in enumerate(signs):
        if index not in explained and _of_a_port(sign) and sign.at[0] in leaf_of:
            hit[sign.code, leaf_of[sign.at[0]]].add(sign.at[0])
    dark = {
        (code, leaf)
        for (code, leaf), ports in hit.items()
        if ports == wired[leaf]
        and len(ports) >= LEAST
        and len({path.partition("/")[0] for path in ports}) >= 2
        and any((code, other) not in hit or hit[code, other] != wired[other] for other in wired)
    }
    return [
        dataclasses.replace(
            sign, code=OF_LEAF[sign.code], was=sign.first_code, at=(leaf_of[sign.at[0]],), was_at=sign.at
        )
        if index not in explained and _of_a_port(sign) and (sign.code, leaf_of.get(sign.at[0], "")) in dark
        else sign
        for index, sign in enumerate(signs)
    ]


def seen_above(signs: Sequence[Sign], causes: Mapping[int, int], leaf: Mapping[str, str]) -> dict[int, int]:
    """The causes, and for what tests of pairs felt above the leaves the links there that were seen to be missing or slow.

    `leaf` names the leaf of each planned port: a single slow way over such a leaf may be felt as well.
    """
    seen = [
        i
        for i, s in enumerate(signs)
        if s.stage is Stage.CABLING and s.code in SEEN_ABOVE and i not in causes
    ]
    more: dict[int, int] = {}
    for index, sign in enumerate(signs):
        if index in causes or sign.stage is Stage.CABLING:
            continue
        at = _above(sign, leaf)
        for i in seen if at else ():
            if signs[i].code == "SPINE-SLOW" or at == {FLEET} or at & set(signs[i].at):
                more.setdefault(index, i)
    return with_more(causes, more)


def _above(sign: Sign, leaf: Mapping[str, str]) -> set[str]:
    """The leaves above which a test of two nodes was felt to be slow; empty where it says nothing about that."""
    if sign.code in FELT_ABOVE:
        return set(sign.at)
    over = {leaf.get(path, "") for path in sign.at}
    slow = sign.code == "PATH-UNSTABLE" and sign.value is not None
    return over if slow and len(over) == 2 and "" not in over else set()


def _of_a_port(sign: Sign) -> bool:
    return sign.code in OF_LEAF and len(sign.at) == 1 and not sign.unjudged
