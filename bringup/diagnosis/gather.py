"""Many bad ports with one cause: most ports of a node are the node, most ports of a leaf the leaf.

Only pair results without a known cause are gathered. Where no port of a leaf was good with anybody, its pairs cannot be
split into good and bad ends; then the leaf is what they have in common, as long as other leaves are fine.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Container, Mapping, Sequence

from bringup.diagnosis import ruled_out
from bringup.diagnosis.ends import Ends
from bringup.diagnosis.evidence import Evidence
from bringup.diagnosis.suppress import Explaining, with_more
from bringup.diagnosis.symptoms import Sign
from bringup.diagnosis.trials import Key
from bringup.model import Node

LEAF_LEAST = 4
"""With fewer ports on a leaf its name says little."""
BAD_LEAST = 3
"""Two bad ports on a small leaf may as well be two nodes."""


def gather(
    signs: Sequence[Sign], explained: Container[int], evidence: Evidence, nodes: Mapping[str, Node]
) -> list[Sign]:
    """The same signs in their order, with those of many bad ports moved to the node or the leaf."""
    mine = [i for i, s in enumerate(signs) if i not in explained and _of_ports(s)]
    bad_of_node: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    bad_of_leaf: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for sign in (signs[i] for i in mine if len(signs[i].at) == 1):
        path = sign.at[0]
        bad_of_node[sign.check, sign.code, path.split("/")[0]].add(path)
        bad_of_leaf[sign.check, sign.code, evidence.leaf.get(path, "")].add(path)
    on_leaf: dict[str, int] = defaultdict(int)
    for leaf in evidence.leaf.values():
        on_leaf[leaf] += 1
    dark: dict[Key, frozenset[str]] = {}
    said: dict[tuple[Key, str], tuple[str, ...]] = {}

    def moved(sign: Sign, code: str, at: str) -> Sign:
        """The sign at a node or leaf; it remembers the ports that lie there."""
        about, key = evidence.about(sign), ((sign.check, sign.first_code), at)
        if key not in said:
            said[key] = ruled_out.of_node(at, about) if code == "NODE-SLOW" else ruled_out.of_leaf(at, about)
        mine = tuple(path for path in sign.at if at in (path.split("/")[0], evidence.leaf.get(path, "")))
        return dataclasses.replace(
            sign, code=code, was=sign.first_code, at=(at,), was_at=mine, ruled_out=said[key]
        )

    gathered = list(signs)
    for i in mine:
        sign = signs[i]
        about = evidence.about(sign)
        key = (sign.check, sign.first_code)
        if key not in dark:
            dark[key] = _dark_leaves(about, on_leaf)
        lost = {evidence.leaf.get(path, "") for path in sign.at} & dark[key]
        if len(lost) == 1:
            gathered[i] = moved(sign, "LEAF-SLOW", lost.pop())
        elif len(sign.at) == 1:
            name, leaf = sign.at[0].split("/")[0], evidence.leaf.get(sign.at[0], "")
            of_node = len(bad_of_node[sign.check, sign.code, name])
            of_leaf = len(bad_of_leaf[sign.check, sign.code, leaf])
            if of_node >= 2 and of_node * 2 >= _port_count(name, about, nodes):
                gathered[i] = moved(sign, "NODE-SLOW", name)
            elif leaf and on_leaf[leaf] >= LEAF_LEAST and of_leaf >= max(BAD_LEAST, on_leaf[leaf] / 2):
                gathered[i] = moved(sign, "LEAF-SLOW", leaf)
    return gathered


def of_gathered(signs: Sequence[Sign], causes: Mapping[int, int], explaining: Explaining) -> dict[int, int]:
    """The causes, and for what else a node that is slow as a whole makes slow that node."""
    slow: dict[str, int] = {}
    for index, sign in enumerate(signs):
        if sign.code == "NODE-SLOW" and index not in causes:
            slow.setdefault(sign.at[0], index)
    more: dict[int, int] = {}
    for index, sign in enumerate(signs) if slow else ():
        node = sign.at[0].partition("/")[0]
        if node in slow and index not in causes and "NODE-SLOW" in explaining(sign):
            more[index] = slow[node]
    return with_more(causes, more)


def _of_ports(sign: Sign) -> bool:
    """Whether it is a proven fault of a port that only a test of two nodes shows."""
    ends = len(sign.at) == 1 or sign.code == "PAIR-UNSPLIT"
    return len(sign.nodes) == 2 and not sign.unjudged and ends and all("/hca/" in path for path in sign.at)


def _port_count(node: str, about: Ends, nodes: Mapping[str, Node]) -> int:
    """How many ports the node has: as planned, or as many as were tested."""
    planned = len(nodes[node].ports) if node in nodes else 0
    return max(planned, len(about.ports_of_node.get(node, ())))


def _dark_leaves(about: Ends, on_leaf: Mapping[str, int]) -> frozenset[str]:
    """The leaves of which no tested port was good, if others are fine."""
    tested = about.ports_of_leaf
    dark = {
        leaf
        for leaf, ports in tested.items()
        if not about.good & set(ports)
        and len(ports) >= LEAF_LEAST
        and len(ports) * 2 >= on_leaf[leaf]
        and len({path.split("/")[0] for path in ports}) >= 2
    }
    return frozenset(dark) if len(dark) < len(tested) else frozenset()
