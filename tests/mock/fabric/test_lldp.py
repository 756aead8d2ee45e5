"""The simulated lldpcli, read by the product's own parsers: who is heard, in every format, and who is not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from support.fabric_world import MakeWorld, World, planned

from bringup.parsers import lldp, lldp_text
from bringup.parsers.lldp import Neighbour

ROCE = "hgx-h100-roce"


def heard(lab: World, index: int = 0) -> dict[str, tuple[str | None, str]]:
    """Switch and port by interface."""
    found = lldp.parse(lab.text("lldpcli -f json0 show neighbors", index))
    return {n.interface: (n.system, n.port_id) for n in found}


def leaves(lab: World, index: int = 0) -> dict[str, tuple[str | None, str]]:
    """The same for the ports of the fabric only, by adapter."""
    names = {hca.netdev: hca.name for hca in lab.cluster.node(index).hcas}
    return {
        names[interface]: end
        for interface, end in heard(lab, index).items()
        if end[0] is not None and end[0].startswith("leaf")
    }


def test_roce_ports_hear_the_planned_leaf_and_port(world: MakeWorld) -> None:
    lab = world(shape=ROCE)
    for index, node in enumerate(planned(8)):
        assert leaves(lab, index) == {port.hca: (port.leaf, port.leaf_port) for port in node.ports}


def test_ports_of_other_networks_hear_the_switches_of_their_rack(world: MakeWorld) -> None:
    lab = world(shape=ROCE)
    others = {name: end for name, end in heard(lab).items() if not (end[0] or "").startswith("leaf")}
    assert others == {
        "eno8303": ("oob-R01", "swp1"),
        "ens1f0np0": ("tor-R01", "swp2"),
    }
    everybody = [end for index in range(8) for end in heard(lab, index).values()]
    assert len(set(everybody)) == len(everybody)


def test_infiniband_ports_are_silent(world: MakeWorld) -> None:
    assert set(heard(world())) == {"eno8303", "ens1f0np0"}


def test_a_node_without_rdma_hears_its_rack(world: MakeWorld) -> None:
    lab = world(shape="cpu-ethernet", plans=tuple(node.__class__(node.name) for node in planned(2)))
    assert set(heard(lab)) == {"eno8303", "ens1f0np0", "ens1f1np1"}


def test_ports_that_the_plan_does_not_number_have_a_name(world: MakeWorld) -> None:
    lab = world(shape=ROCE, plans=planned(3, numbered=False))
    assert leaves(lab, 2)["mlx5_4"] == ("leaf-05", "swp3")


def test_every_format_says_the_same(world: MakeWorld) -> None:
    lab = world(shape=ROCE)
    expected = lldp.parse(lab.text("lldpcli -f json0 show neighbors"))
    assert len(expected) == 10
    assert lldp.parse(lab.text("lldpcli -f json show neighbors")) == expected
    for form in ("plain", "keyvalue", "xml"):
        assert lldp_text.parse(lab.text(f"lldpcli -f {form} show neighbors")) == expected, form
    assert lldp_text.parse(lab.text("lldpctl")) == expected
    assert lldp.parse(lab.text("lldpcli -f json0 sh neigh details")) == expected
    one = lldp.parse(lab.text("lldpcli -f json show neighbors ports enp24s0np0"))
    assert one == tuple(n for n in expected if n.interface == "enp24s0np0")
    assert one == lldp.parse(lab.text("lldpctl -f json enp24s0np0"))
    chassis = {n.chassis_id for n in expected if n.system == "tor-R01"}
    assert len(chassis) == 1
    assert one[0] == Neighbour(
        interface="enp24s0np0",
        chassis_id=one[0].chassis_id,
        port_id="1",
        port_id_type="ifname",
        system="leaf-01",
        description="Cumulus Linux version 5.9.2 running on Mellanox Technologies Ltd. MSN5600",
        port_description="1",
        management=one[0].management,
        ttl_s=120,
    )


def _paths(value: object, at: str = "") -> set[str]:
    """Every place of a document, whatever its names and lists."""
    if isinstance(value, dict):
        return {
            path
            for key, own in value.items()
            for path in _paths(
                own, f"{at}/{'NAME' if re.fullmatch(r'leaf.*|tor.*|oob.*|e[nt].*', key) else key}"
            )
        }
    if isinstance(value, list):
        return {path for own in value for path in _paths(own, at)}
    return {at}


def test_the_fields_are_those_of_a_real_daemon(world: MakeWorld, corpus: Callable[[str], str]) -> None:
    lab = world(shape=ROCE)
    real = json.loads(corpus("lldp/09-json-two-neighbours.json"))
    assert _paths(json.loads(lab.text("lldpcli -f json show neighbors"))) == _paths(real)
    real = json.loads(corpus("lldp/13-json-one-neighbour.json"))
    assert _paths(json.loads(lab.text("lldpcli -f json show neighbors ports enp24s0np0"))) == _paths(real)

    def words(text: str) -> list[str]:
        """The lines of the first neighbour without what they say."""
        lines = text.splitlines()[:20]
        return [re.sub(r"(Interface: +|: +)\S.*", r"\1", line) for line in lines]

    assert words(lab.text("lldpcli show neighbors")) == words(corpus("lldp/07-text-two-neighbours.txt"))

    def tags(text: str) -> set[str]:
        """The lines of an XML document without what they say."""
        values = r'(?<=(?:name|.age|.rid)=)"[^"]*"|"(?:on|off|mac|ifname)"|(?<=>)[^<\n]+(?=<)'
        return set(re.sub(values, "", text).splitlines())

    assert tags(lab.text("lldpcli -f xml show neighbors")) == tags(corpus("lldp/11-xml-two-neighbours.xml"))


def test_nobody_heard_looks_like_a_real_daemon(world: MakeWorld, corpus: Callable[[str], str]) -> None:
    silent = world("lldp-silent")
    assert silent.text("lldpcli -f json show neighbors") == corpus("lldp/15-json-none.json")
    assert silent.text("lldpcli show neighbors") == corpus("lldp/17-text-none.txt")
    assert lldp.parse(silent.text("lldpcli -f json0 show neighbors")) == ()
    assert silent.text("lldpcli -f keyvalue show neighbors") == ""
    assert lldp_text.parse(silent.text("lldpcli -f xml show neighbors")) == ()
    assert set(heard(silent, 1)) == {"eno8303", "ens1f0np0"}  # only one node is silent


# ---------------------------------------------------------------------------------------------------- faults


def test_swapped_cables_are_heard_at_both_nodes(world: MakeWorld) -> None:
    lab = world("cables-swapped", shape=ROCE, nodes=("gpu-002", "gpu-007"), hca="mlx5_3")
    wrong = {
        (node.name, port.hca): leaves(lab, index)[port.hca]
        for index, node in enumerate(planned(8))
        for port in node.ports
        if leaves(lab, index)[port.hca] != (port.leaf, port.leaf_port)
    }
    assert wrong == {("gpu-002", "mlx5_3"): ("leaf-12", "3"), ("gpu-007", "mlx5_3"): ("leaf-04", "2")}


@pytest.mark.parametrize(
    ("kind", "params", "adapter", "end"),
    [
        ("wrong-leaf", {"hca": "mlx5_2", "to": "leaf-05"}, "mlx5_2", ("leaf-05", "64")),
        ("wrong-leaf-port", {"hca": "mlx5_2"}, "mlx5_2", ("leaf-03", "63")),
        ("cable-missing", {"hca": "mlx5_2"}, "mlx5_2", None),
        ("port-down", {"hca": "mlx5_2"}, "mlx5_2", None),
        ("port-disabled", {"hca": "mlx5_2"}, "mlx5_2", None),
        ("hca-missing", {"hca": "mlx5_2"}, "mlx5_2", None),
        ("leaf-down", {"leaf": "leaf-03"}, "mlx5_2", None),
        ("cable-extra", {}, "mlx5_8", ("leaf-01", "62")),
    ],
)
def test_one_port_hears_another_switch_or_none(
    world: MakeWorld, kind: str, params: dict[str, str], adapter: str, end: tuple[str, str] | None
) -> None:
    plan = {port.hca: (port.leaf, port.leaf_port) for port in planned(1)[0].ports}
    expected = {**plan, adapter: end}
    assert leaves(world(kind, shape=ROCE, **params)) == {name: e for name, e in expected.items() if e}


# ------------------------------------------------------------------------------------------------ no answer


@pytest.mark.parametrize(
    ("text", "root", "sentence"),
    [
        ("lldpcli show neighbors", False, "unable to connect to socket /run/lldpd.socket: Permission denied"),
        ("lldpcli show chassis", True, "unknown command from argument 2: `chassis`"),
        ("lldpcli show", True, "incomplete command"),
        ("lldpcli show neighbors loudly", True, "unknown command from argument 3: `loudly`"),
        ("lldpcli -f csv show neighbors", True, 'unknown output format "csv"'),
    ],
)
def test_refusals(world: MakeWorld, text: str, root: bool, sentence: str) -> None:
    reply = world().ask(text, root=root)
    assert (reply.status, reply.stdout) == (1, "")
    assert re.fullmatch(r"[0-9T:-]{19} \[WARN/\w+\] (.*)\n", reply.stderr)[1] == sentence  # type: ignore[index]


def test_no_daemon(world: MakeWorld) -> None:
    lab = world()
    lab.cluster.node(0).services["lldpd.service"] = "failed"
    reply = lab.ask("lldpcli -f json0 show neighbors")
    assert (reply.status, reply.stdout) == (1, "")
    assert reply.stderr.endswith("unable to connect to socket /run/lldpd.socket: No such file or directory\n")
    assert world().ask("lldpcli").stdout == ""


def test_through_a_shell_and_sudo(healthy):  # type: ignore[no-untyped-def]
    found = {n.interface: n.system for n in lldp.parse(healthy.text("gpu-001", lldp.NEIGHBOURS))}
    assert found["eno8303"] == "oob-R01"
    assert healthy.sh("gpu-001", "lldpcli -f json0 show neighbors").returncode == 1
