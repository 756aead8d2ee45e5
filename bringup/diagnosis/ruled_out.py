"""What is not to blame, and how that is known: the sentences that stand below a localised defect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bringup.diagnosis.ends import Ends
from bringup.diagnosis.naming import counted, short, some
from bringup.diagnosis.ways import Way


def of_end(end: str, about: Ends) -> tuple[str, ...]:
    """A bad end: its partners, the rest of its node, its leaf and the way were good with others."""
    said: list[str] = []
    failed = about.partners(end, good=False)
    if fine := [other for other in failed if other in about.good]:
        said.append(f"the other end: {some(fine)} {_is(fine)} good with others")
    said += _beside(end, about)
    if len(failed) > 1:
        said.append(
            f"the way: it is bad with {len(failed)} different partners{_crossed(end, failed, about.leaf)}"
        )
    return tuple(said)


def of_way(way: Way, about: Ends) -> tuple[str, ...]:
    """A failing pair of good ends."""
    ends = tuple(dict.fromkeys(end for t in way.trials for end in t.ends))
    if way.code in ("UPLINK-SLOW", "SPINE-SLOW"):
        return (
            f"the ports: each of the {len(ends)} that are slow here is good with another partner",
            *_inside(ends, about),
        )
    if len(way.at) == 1:
        (end,) = way.at
        others = [e for e in ends if e != end]
        said = [f"the other ends: {some(others)} are good with others"]
        if way.sends is not None:
            said.append(f"the other direction: it {'receives' if way.sends else 'sends'} well")
        else:
            said.append(f"a dead part: it works with {some(about.partners(end, good=True))}")
        return (*said, *_beside(end, about))
    said = [f"{short((end,))}: good with {some(about.partners(end, good=True))}" for end in way.at]
    if any(t.good and t.pair == frozenset(way.at) for t in about.of_end.get(way.at[0], ())):
        said.append("a broken way: the same two were good when they met again")
    return tuple(said)


def of_unknown(ends: Sequence[str], about: Ends) -> tuple[str, ...]:
    """A pair of which neither end did better with anybody: only whom they met can be told."""
    others = {e: [o for o in about.partners(e, good=False) if o not in ends] for e in ends}
    return tuple(
        f"nothing about {short((e,))}: bad with {some(mine)} as well" for e, mine in others.items() if mine
    )


def by_counters(dirty: str, ends: Sequence[str], risen: Mapping[str, str]) -> tuple[str, ...]:
    """One of two ends counted errors under the load, the others did not."""
    others = [end for end in ends if end != dirty]
    return (f"{short(others)}: only {short((dirty,))} counted errors under the load ({risen[dirty]})",)


def of_node(node: str, about: Ends) -> tuple[str, ...]:
    """A node of which most ports are bad: its partners and its leaves were good without it."""
    mine = about.ports_of_node.get(node, ())
    others = tuple(dict.fromkeys(o for e in mine for o in about.partners(e, good=False) if o in about.good))
    said = [
        f"the other ends: {counted(len(others), 'port')} that it was bad with {_is(others)} good with others"
    ]
    leaves = tuple(dict.fromkeys(about.leaf[e] for e in mine if e in about.leaf))
    fine = [leaf for leaf in leaves if any(e in about.good for e in about.ports_of_leaf[leaf])]
    if fine:
        said.append(f"the leaves: ports of other nodes are good on {len(fine)} of its {len(leaves)}")
    return tuple(said) if others else tuple(said[1:])


def of_leaf(leaf: str, about: Ends) -> tuple[str, ...]:
    """A leaf of which most ports are bad: its nodes are good elsewhere, and so are other leaves."""
    mine = about.ports_of_leaf.get(leaf, ())
    nodes = tuple(dict.fromkeys(e.split("/")[0] for e in mine))
    fine = [n for n in nodes if any(about.leaf.get(e) != leaf for e in about.good_ports(n))]
    said = [f"its nodes: {len(fine)} of {len(nodes)} have good ports on other leaves"] if fine else []
    others = {
        other for other, ports in about.ports_of_leaf.items() if other != leaf and about.good & set(ports)
    }
    return (*said, f"other leaves: ports on {len(others)} of them are good") if others else tuple(said)


def _beside(end: str, about: Ends) -> list[str]:
    """The other ports of the node and of the leaf, where they were good."""
    said: list[str] = []
    node, _, port = end.partition("/")
    beside = [e for e in about.good_ports(node) if e != end]
    if port and beside:
        said.append(f"the node: {counted(len(beside), 'other port')} of {node} {_is(beside)} good")
    if name := about.leaf.get(end, ""):
        tested = [e for e in about.ports_of_leaf[name] if e != end]
        good = [e for e in tested if e in about.good]
        if good:
            said.append(f"{name}: {len(good)} of {counted(len(tested), 'other port')} on it {_is(good)} good")
    return said


def _crossed(end: str, partners: Sequence[str], leaf: Mapping[str, str]) -> str:
    """Whether the partners sit on the same leaf, on others, or both."""
    places = [leaf.get(other, "") for other in partners]
    if not leaf.get(end) or not all(places):
        return ""
    same = sum(place == leaf[end] for place in places)
    if same == len(places):
        return ", all on its own leaf"
    return ", on its own leaf and on others" if same else ", all on other leaves"


def _inside(ends: Sequence[str], about: Ends) -> list[str]:
    """That tests inside the leaves were good."""
    leaf = about.leaf
    inside = {
        t for e in ends for t in about.of_end.get(e, ()) if t.good and leaf.get(t.a) == leaf.get(t.b) != ""
    }
    return (
        [f"the leaves themselves: {counted(len(inside), 'test')} within one leaf were good"] if inside else []
    )


def _is(parts: Sequence[object]) -> str:
    return "is" if len(parts) == 1 else "are"
