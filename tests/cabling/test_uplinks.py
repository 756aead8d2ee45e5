"""Links between switches: missing, slow, and those of a whole spine."""

from __future__ import annotations

from collections.abc import Callable

from bringup.cabling.fabric import Fabric, SwitchPort, Trunk, parse
from bringup.cabling.uplinks import compare, leaves


def fabric(links: dict[tuple[str, str], tuple[int, float]]) -> Fabric:
    """A fabric from {(leaf, spine): (links, Gb/s)}."""
    names = dict.fromkeys(name for pair in links for name in pair)
    used = dict.fromkeys(names, 0)
    trunks: list[Trunk] = []
    for (leaf, spine), (count, gbps) in links.items():
        for _ in range(count):
            used[leaf] += 1
            used[spine] += 1
            trunks.append(Trunk(SwitchPort(leaf, 32 + used[leaf]), SwitchPort(spine, used[spine]), gbps))
    return Fabric(switches={name: name for name in names}, trunks=tuple(trunks))


def told(found: Fabric, hosts: dict[str, int]) -> list[tuple[str, tuple[str, ...]]]:
    names = dict(found.switches)
    return [(d.code, d.at) for d in compare(leaves(found, names, hosts), names)]


HEALTHY = {(f"leaf-{k}", f"spine-{s}"): (4, 400.0) for k in range(4) for s in range(2)}
HOSTS = {f"leaf-{k}": 8 for k in range(4)}


def test_alike() -> None:
    assert told(fabric(HEALTHY), HOSTS) == []


def test_a_missing_link() -> None:
    found = fabric(HEALTHY | {("leaf-2", "spine-1"): (3, 400.0)})
    assert told(found, HOSTS) == [("UPLINK-MISSING", ("leaf-2",))]
    (one,) = compare(leaves(found, dict(found.switches), HOSTS), dict(found.switches))
    assert one.seen == "leaf-2 has 7 links to other switches for 8 hosts, most leaves have 8"
    assert one.todo == "look at the links of leaf-2 to spine-1 (3): 1 cables are missing, unplugged or dead"


def test_a_half_filled_leaf_with_half_of_the_links_is_well() -> None:
    found = fabric(HEALTHY | {("leaf-3", f"spine-{s}"): (2, 400.0) for s in range(2)})
    assert told(found, HOSTS | {"leaf-3": 4}) == []


def test_slow_links_of_a_leaf_and_of_a_spine() -> None:
    assert told(fabric(HEALTHY | {("leaf-2", "spine-1"): (4, 200.0)}), HOSTS) == [
        ("UPLINK-SLOW", ("leaf-2",))
    ]
    spine = {(f"leaf-{k}", "spine-1"): (3, 200.0) for k in range(4)}
    assert told(fabric({**dict.fromkeys(HEALTHY, (5, 400.0)), **spine}), HOSTS) == [
        ("SPINE-SLOW", ("spine-1",))
    ]


def test_too_few_leaves_to_compare() -> None:
    two = {key: value for key, value in HEALTHY.items() if key[0] < "leaf-2"}
    assert told(fabric(two | {("leaf-1", "spine-1"): (1, 400.0)}), {"leaf-0": 8, "leaf-1": 8}) == []


def test_captured_fabric_with_an_uplink_down(discovered: Callable[[str, str], str]) -> None:
    found = parse(discovered("uplink-down", "ibnetdiscover"))
    hosts = {guid: 4 for guid, name in found.switches.items() if name.startswith("leaf")}
    assert told(found, hosts) != []
    assert [code for code, _ in told(found, hosts)] == ["UPLINK-MISSING"]
    well = parse(discovered("healthy", "ibnetdiscover"))
    assert told(well, {guid: 4 for guid, name in well.switches.items() if name.startswith("leaf")}) == []
