"""The links between switches: whether a leaf has as many and as fast ones as its siblings. Pure.

Nobody writes these links into the plan of the nodes, but every leaf of a fabric is joined to its spines in the same
way. So a leaf with fewer links than most others have, and with less for each of its hosts, lacks some; a link that is
slower than most is bad, and where all links of one spine are slower it is the spine.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bringup.cabling.fabric import Fabric, SwitchPort, Trunk
from bringup.cabling.plan import Deviation

MISSING, SLOW, SPINE = "UPLINK-MISSING", "UPLINK-SLOW", "SPINE-SLOW"
LEAST_LEAVES = 3
"""With fewer leaves there is no majority."""
LESS = 0.98
"""A leaf lacks links if it has less than this part of what others have for each host."""
_MOST_NAMED = 4


@dataclass(frozen=True, slots=True)
class Leaf:
    """A switch with hosts: how many, and its links to other switches."""

    guid: str
    name: str
    hosts: int
    trunks: tuple[Trunk, ...]


def leaves(fabric: Fabric, names: Mapping[str, str], ours: Mapping[str, int]) -> tuple[Leaf, ...]:
    """The switches that our nodes are plugged into. `ours` counts by GUID the training ports that end or should end there."""
    joined: dict[str, list[Trunk]] = defaultdict(list)
    for trunk in fabric.trunks:
        joined[trunk.a.switch].append(trunk)
        joined[trunk.b.switch].append(trunk)
    return tuple(
        Leaf(guid, names.get(guid, guid), hosts, tuple(joined[guid]))
        for guid, hosts in sorted(ours.items(), key=lambda own: names.get(own[0], ""))
        if hosts and guid in fabric.switches
    )


def compare(found: Sequence[Leaf], names: Mapping[str, str]) -> tuple[Deviation, ...]:
    """All deviations; nothing where there are too few leaves, or no links between switches at all."""
    joined = [leaf for leaf in found if leaf.trunks]
    if len(found) < LEAST_LEAVES or not joined:
        return ()
    usual = Counter(len(leaf.trunks) for leaf in found).most_common(1)[0][0]
    share = median(len(leaf.trunks) / leaf.hosts for leaf in found)
    return (*_missing(found, usual, share, names), *_slow(found, names))


def _missing(
    found: Sequence[Leaf], usual: int, share: float, names: Mapping[str, str]
) -> Iterator[Deviation]:
    per_spine = {leaf.guid: Counter(_far(leaf, t).switch for t in leaf.trunks) for leaf in found}
    each = Counter(spine for mine in per_spine.values() for spine in mine)
    for leaf in found:
        have = len(leaf.trunks)
        if have >= usual or have / leaf.hosts >= LESS * share:
            continue
        lacking = [
            f"{names.get(spine, spine)} ({per_spine[leaf.guid][spine]})"
            for spine in sorted(each, key=lambda s: names.get(s, s))
            if per_spine[leaf.guid][spine]
            < max(Counter(mine[spine] for mine in per_spine.values()).most_common(1)[0][0], 1)
        ]
        yield Deviation(
            MISSING, (leaf.name,),
            f"{leaf.name} has {have} links to other switches for {leaf.hosts} hosts, most leaves have {usual}",
            f"look at the links of {leaf.name} to {', '.join(lacking[:_MOST_NAMED]) or 'the spines'}: "
            f"{usual - have} cables are missing, unplugged or dead",
        )  # fmt: skip


def _far(leaf: Leaf, trunk: Trunk) -> SwitchPort:
    return trunk.b if trunk.a.switch == leaf.guid else trunk.a


def _near(leaf: Leaf, trunk: Trunk) -> SwitchPort:
    return trunk.a if trunk.a.switch == leaf.guid else trunk.b


def _slow(found: Sequence[Leaf], names: Mapping[str, str]) -> Iterator[Deviation]:
    """Links that run below the rate of most, by leaf; if it is all links of one spine, the spine."""
    rates = Counter(t.gbps for leaf in found for t in leaf.trunks if t.gbps is not None)
    if not rates:
        return
    usual = rates.most_common(1)[0][0]
    slow = {leaf.guid: [t for t in leaf.trunks if t.gbps is not None and t.gbps < usual] for leaf in found}
    of_spine: dict[str, list[tuple[Leaf, Trunk]]] = defaultdict(list)
    all_of: Counter[str] = Counter()
    for leaf in found:
        all_of.update(_far(leaf, t).switch for t in leaf.trunks)
        for trunk in slow[leaf.guid]:
            of_spine[_far(leaf, trunk).switch].append((leaf, trunk))
    spines = {
        spine
        for spine, mine in of_spine.items()
        if len(mine) == all_of[spine] and len({leaf.guid for leaf, _ in mine}) >= LEAST_LEAVES
    }
    for spine in sorted(spines, key=lambda s: names.get(s, s)):
        name, rate = names.get(spine, spine), of_spine[spine][0][1].gbps
        yield Deviation(
            SPINE, (name,), f"all {all_of[spine]} links of {name} run at {rate:g} Gb/s, most others at {usual:g}",
            f"look at {name}: its port speed, split and firmware",
        )  # fmt: skip
    for leaf in found:
        mine = [t for t in slow[leaf.guid] if _far(leaf, t).switch not in spines]
        if mine:
            said = ", ".join(
                f"port {_near(leaf, t).port} to {names.get(_far(leaf, t).switch, '')} port {_far(leaf, t).port}"
                for t in mine[:_MOST_NAMED]
            )
            more = f" and {len(mine) - _MOST_NAMED} more" if len(mine) > _MOST_NAMED else ""
            yield Deviation(
                SLOW, (leaf.name,),
                f"{len(mine)} of {len(leaf.trunks)} links of {leaf.name} run at {mine[0].gbps:g} Gb/s, "
                f"most at {usual:g}: {said}{more}",
                f"clean and reseat both ends of these cables of {leaf.name}, then replace them: {said}{more}",
            )  # fmt: skip
