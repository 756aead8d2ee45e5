"""What faults change of the simulated subnet, read by the product's own parsers."""

from __future__ import annotations

from collections import Counter

import pytest
from support.fabric_world import MakeWorld, World, planned

from bringup.model import Node, Port
from bringup.parsers import ib_nodes, iblinkinfo, ibqueryerrors, sminfo
from bringup.parsers.ib_names import host_and_device, switch_name
from bringup.parsers.ib_trouble import Trouble, trouble

# ---------------------------------------------------------------------------------------------------- faults


UPLINKS = {(f"leaf-{k:02}", f"spine-{s:02}"): 2 for k in range(1, 17) for s in (1, 2)}


def test_swapped_cables_show_at_exactly_two_ports(world: MakeWorld) -> None:
    broken = world("cables-swapped", nodes=("gpu-002", "gpu-007"), hca="mlx5_3")
    assert broken.moved() == {
        "gpu-002 mlx5_3": ("leaf-12", 3),
        "gpu-007 mlx5_3": ("leaf-04", 2),
    }


def test_swapped_rails_show_at_exactly_two_ports(world: MakeWorld) -> None:
    broken = world("rails-swapped", hca="mlx5_0", other="mlx5_5")
    assert broken.moved() == {"gpu-001 mlx5_0": ("leaf-06", 1), "gpu-001 mlx5_5": ("leaf-01", 1)}


@pytest.mark.parametrize(
    ("kind", "params", "name", "end"),
    [
        ("wrong-leaf", {"hca": "mlx5_2", "to": "leaf-05"}, "gpu-001 mlx5_2", ("leaf-05", 64)),
        ("wrong-leaf-port", {"hca": "mlx5_2"}, "gpu-001 mlx5_2", ("leaf-03", 63)),
        ("cable-missing", {"hca": "mlx5_2"}, "gpu-001 mlx5_2", None),
        ("cable-unplugged-later", {"hca": "mlx5_2"}, "gpu-001 mlx5_2", None),
        ("port-down", {"hca": "mlx5_2"}, "gpu-001 mlx5_2", None),
        ("port-disabled", {"hca": "mlx5_2"}, "gpu-001 mlx5_2", None),
        ("hca-missing", {"hca": "mlx5_2"}, "gpu-001 mlx5_2", None),
        ("link-layer", {"hca": "mlx5_2"}, "gpu-001 mlx5_2", None),
        ("cable-extra", {}, "gpu-001 mlx5_8", ("leaf-01", 62)),
    ],
)
def test_one_cable_is_elsewhere(
    world: MakeWorld, kind: str, params: dict[str, str], name: str, end: tuple[str, int] | None
) -> None:
    broken = world(kind, **params)
    assert broken.moved() == {name: end}
    assert broken.uplinks() == UPLINKS
    leaf = [p for p in broken.ports() if p.name.startswith("MF0;leaf-03:") and p.port == 1]
    assert [p.state for p in leaf] == (["Active"] if kind == "cable-extra" else ["Down"])


def test_a_cable_in_an_uplinks_port_puts_the_uplink_elsewhere(world: MakeWorld) -> None:
    full = planned(32, per_leaf=32)
    broken = world("wrong-leaf-port", plans=full, hca="mlx5_0")
    assert broken.moved() == {"gpu-001 mlx5_0": ("leaf-01", 63)}
    spines = [
        p.port
        for p in broken.ports()
        if switch_name(p.name) == "leaf-01" and p.peer and p.peer.name.startswith("MF0;spine")
    ]
    assert spines == [1, *(n for n in range(33, 65) if n != 63)]
    gone = world("wrong-leaf", plans=full, hca="mlx5_1", to="leaf-01")
    assert sum(n for pair, n in gone.uplinks().items() if pair[0] == "leaf-01") == 31


@pytest.mark.parametrize(
    ("kind", "params", "width", "speed", "could_be"),
    [
        ("port-rate", {"rate": 200}, "4X", "53.125 Gbps", ("106.25 Gbps",)),
        ("port-rate", {"rate": 100}, "4X", "25.78125 Gbps", ("106.25 Gbps",)),
        ("port-lanes", {"lanes": 2}, "2X", "106.25 Gbps", ("4X",)),
        ("port-lanes", {"lanes": 1}, "1X", "106.25 Gbps", ("4X",)),
    ],
)
def test_a_slow_link_shows_at_both_ends(
    world: MakeWorld, kind: str, params: dict[str, int], width: str, speed: str, could_be: tuple[str, ...]
) -> None:
    slow = [p for p in world(kind, hca="mlx5_4", **params).ports() if p.could_be]
    assert {(p.width, p.speed, p.could_be) for p in slow} == {(width, speed, could_be)}
    assert {(switch_name(p.name), p.port) for p in slow} == {("gpu-001 mlx5_4", 1), ("leaf-05", 1)}


def test_a_slow_uplink_trains_lower_or_counts_errors(world: MakeWorld) -> None:
    half = world("slow-uplink", leaf="leaf-03", spine=2, fraction=0.5)
    slow = {(switch_name(p.name), p.peer and switch_name(p.peer.name)) for p in half.ports() if p.could_be}
    assert slow == {("leaf-03", "spine-02"), ("spine-02", "leaf-03")}
    more = world("slow-uplink", leaf="leaf-03", spine=2, fraction=0.75)
    assert [p for p in more.ports() if p.could_be] == []
    report = ibqueryerrors.parse(more.ask("ibqueryerrors -s PortXmitWait,LinkDownedCounter").stdout)
    assert {(switch_name(p.name), p.counters["SymbolErrorCounter"]) for p in report.ports if p.port} == {
        ("leaf-03", 250_000),
        ("spine-02", 250_000),
    }


def test_a_slow_spine_is_slow_to_every_leaf(world: MakeWorld) -> None:
    slow = [p for p in world("slow-spine", spine=1, fraction=0.5).ports() if p.could_be]
    assert Counter(switch_name(p.name) for p in slow) == {
        **{f"leaf-{k:02}": 2 for k in range(1, 17)},
        "spine-01": 32,
    }


@pytest.mark.parametrize(
    ("fraction", "missing"),
    [
        (0.5, {("leaf-03", "spine-01"): 1, ("leaf-03", "spine-02"): 1}),
        (0.75, {("leaf-03", "spine-01"): 1}),
    ],
)
def test_missing_uplinks_are_missing(
    world: MakeWorld, fraction: float, missing: dict[tuple[str, str], int]
) -> None:
    left = world("uplinks-missing", leaf="leaf-03", fraction=fraction).uplinks()
    assert Counter(UPLINKS) - left == missing


def test_a_leaf_that_is_off_is_not_there_and_its_ports_have_no_link(world: MakeWorld) -> None:
    broken = world("leaf-down", leaf="leaf-03", nodes=tuple(f"gpu-{n:03}" for n in range(1, 5)))
    assert "leaf-03" not in {switch_name(p.name) for p in broken.ports()}
    assert broken.moved() == {f"gpu-{n:03} mlx5_2": None for n in range(1, 5)}
    hca = broken.cluster.node(3).hca("mlx5_2")
    assert hca is not None and not hca.active


def test_errors_are_counted_where_they_are(world: MakeWorld) -> None:
    healthy, flapping = world(), world("leaf-flaps", leaf="leaf-03", count=20)
    quiet = "ibqueryerrors -s PortXmitWait"

    def downs(lab: World) -> dict[tuple[str, int | None], int]:
        report = ibqueryerrors.parse(lab.ask(quiet).stdout)
        return {(p.name, p.port): p.counters.get("LinkDownedCounter", 0) for p in report.ports}

    before, after = downs(healthy), downs(flapping)
    more = {end: n - before.get(end, 0) for end, n in after.items() if n != before.get(end, 0)}
    assert more == {
        ("gpu-001 mlx5_2", 1): 20,
        ("MF0;leaf-03:MQM9700/U1", 1): 20,
        ("MF0;leaf-03:MQM9700/U1", None): 20,
    }
    symbols = ibqueryerrors.parse(world("symbol-errors", hca="mlx5_1", count=900).ask(quiet).stdout)
    assert [(p.name, p.port) for p in symbols.ports if "SymbolErrorCounter" in p.counters] == [
        ("gpu-001 mlx5_1", 1)
    ]


def test_a_slow_leaf_lets_its_ports_wait(world: MakeWorld) -> None:
    waits = {
        name: [
            p.counters["PortXmitWait"]
            for p in ibqueryerrors.parse(lab.ask("ibqueryerrors").stdout).ports
            if switch_name(p.name) == "leaf-03" and p.port
        ]
        for name, lab in (("healthy", world()), ("slow", world("slow-leaf", leaf="leaf-03", fraction=0.5)))
    }
    assert len(waits["healthy"]) == len(waits["slow"]) == 4
    assert min(waits["slow"]) > 10 * min(waits["healthy"])


def test_no_subnet_manager(world: MakeWorld) -> None:
    everybody = tuple(f"gpu-{n:03}" for n in range(1, 9))
    broken = world("subnet-manager-down", nodes=everybody)
    failed = broken.ask("sminfo")
    assert (failed.status, failed.stdout) == (255, "sminfo: iberror: failed: query\n")
    assert trouble(failed.stdout + failed.stderr) is Trouble.NO_MANAGER
    silent = broken.ask("ibqueryerrors")
    assert (silent.status, silent.stdout) == (0, "")
    assert trouble(silent.stderr) is Trouble.NO_MANAGER
    ports = broken.ports()
    assert {p.state for p in ports if p.peer} == {"Initialize"}
    assert {p.lid for p in ports} == {0, 65535}
    assert broken.moved() == {}  # cables show without a manager


def test_the_manager_of_a_healthy_fabric(world: MakeWorld) -> None:
    manager = sminfo.parse(world().text("sminfo"))
    switches = {s.lid: s for s in ib_nodes.parse(world().text("ibswitches"))}
    assert (manager.lid, manager.state) == (1, "MASTER")
    assert int(switches[1].guid, 16) == int(manager.guid, 16)
    assert switch_name(switches[1].name) == "spine-01"


def test_a_port_without_configuration_shows_at_both_ends(world: MakeWorld) -> None:
    waiting = [p for p in world("port-init", hca="mlx5_4").ports() if p.state == "Initialize"]
    assert {(switch_name(p.name), p.port) for p in waiting} == {("gpu-001 mlx5_4", 1), ("leaf-05", 1)}


def test_the_first_active_port_is_asked(world: MakeWorld) -> None:
    down = world("port-down", hca="mlx5_0")
    assert down.text("iblinkinfo -l").splitlines()[-1].startswith("0xa088c20300000001 ")
    alone = iblinkinfo.parse(down.text("iblinkinfo -C mlx5_0"))
    assert [(p.name, p.state, p.phys_state, p.peer) for p in alone] == [
        ("gpu-001 mlx5_0", "Down", "Polling", None)
    ]
    assert trouble("".join(down.ask("sminfo -C mlx5_0").stdout)) is Trouble.NO_MANAGER


def test_a_guid_that_two_adapters_have_is_one_adapter(world: MakeWorld) -> None:
    broken = world("duplicate-guid", nodes=("gpu-002", "gpu-006"), hca="mlx5_3")
    ports = broken.ports()
    leaves = [(switch_name(p.name), p.port) for p in ports if p.peer and p.peer.guid == "0xa088c20300ffffff"]
    assert sorted(leaves) == [("leaf-04", 2), ("leaf-12", 2)]
    assert len([p for p in ports if p.guid == "0xa088c20300ffffff"]) == 1


def test_other_names_of_hosts_show(world: MakeWorld) -> None:
    names = {
        host_and_device(p.name)
        for p in world("wrong-hostname", name="node-x").ports()
        if host_and_device(p.name)
    }
    assert ("node-x", "mlx5_0") in names and ("gpu-001", "mlx5_0") not in names


def test_a_leaf_that_nobody_planned_is_an_island(world: MakeWorld) -> None:
    broken = world("wrong-leaf", hca="mlx5_2", to="attic")
    assert "attic" not in {switch_name(p.name) for p in broken.ports()}
    island = iblinkinfo.parse(broken.text("iblinkinfo -l -C mlx5_2"))
    assert {switch_name(p.name) for p in island} == {
        "gpu-001 mlx5_2",
        "attic",
        "Mellanox Technologies Aggregation Node",
    }


def test_two_nodes_back_to_back(world: MakeWorld) -> None:
    a = Node("a", ports=(Port(0, "mlx5_0", leaf="b", leaf_port="mlx5_0"),))
    b = Node("b", ports=(Port(0, "mlx5_0", leaf="a", leaf_port="mlx5_0"),))
    ports = world(plans=(a, b)).ports()
    assert [(p.name, p.peer and p.peer.name, p.state) for p in ports] == [
        ("b mlx5_0", "a mlx5_0", "Active"),
        ("a mlx5_0", "b mlx5_0", "Active"),
    ]
