"""The simulated subnet without faults, read by the product's own parsers: what is wired where, and how programs fail."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from support.fabric_world import MakeWorld, planned
from support.work import calls

from bringup.inventory.types import ShapeSpec, Simulate
from bringup.mock.tools.wiring import port_number
from bringup.parsers import ib_nodes, iblinkinfo, ibnetdiscover, ibnetdiscover_nodes, sminfo
from bringup.parsers.ib_names import host_and_device, is_aggregation_node, switch_name
from bringup.parsers.ib_trouble import Trouble, trouble

_SECOND_UNIT = tuple(f"gpu-{n:03}" for n in range(5, 9))

# ------------------------------------------------------------------------------------------------- healthy


def test_every_planned_cable_is_where_the_plan_says(world: MakeWorld) -> None:
    lab = world()
    assert lab.moved() == {}
    assert len(lab.ends()) == 64


def test_a_healthy_fabric_is_whole_and_as_fast_as_its_parts(world: MakeWorld) -> None:
    lab = world()
    ports = lab.ports()
    assert {(p.width, p.speed, p.state, p.phys_state, p.could_be) for p in ports if p.peer} == {
        ("4X", "106.25 Gbps", "Active", "LinkUp", ())
    }
    assert {(p.state, p.phys_state, p.width) for p in ports if not p.peer} == {("Down", "Polling", None)}
    assert Counter(p.name for p in ports if p.name.startswith("MF0;")) == {
        f"MF0;{name}:MQM9700/U1": 65
        for name in [*(f"leaf-{k:02}" for k in range(1, 17)), "spine-01", "spine-02"]
    }
    # as many uplinks as hosts, spread evenly
    assert lab.uplinks() == {(f"leaf-{k:02}", f"spine-{s:02}"): 2 for k in range(1, 17) for s in (1, 2)}
    assert Counter(is_aggregation_node(p.name) for p in ports)[True] == 18


def test_all_programs_tell_of_the_same_fabric(world: MakeWorld) -> None:
    lab = world()
    lines, blocks = lab.ports(), iblinkinfo.parse(lab.text("iblinkinfo"))

    def links(ports: Sequence[iblinkinfo.Port]) -> set[tuple[object, ...]]:
        return {
            (p.name, p.lid, p.port, p.state, p.peer and (p.peer.name, p.peer.lid, p.peer.port)) for p in ports
        }

    assert links(lines) == links(blocks)
    assert lab.text("iblinkinfo --line -R") == lab.text("iblinkinfo -l")
    rows = ibnetdiscover.parse(lab.text("ibnetdiscover -p"))
    assert {(r.end.name, r.end.port, r.peer and (r.peer.name, r.peer.port)) for r in rows} == {
        (p.name, p.port, p.peer and (p.peer.name, p.peer.port)) for p in lines
    }
    assert ibnetdiscover.one_sided(rows) == ()
    fabric = ibnetdiscover_nodes.parse(lab.text("ibnetdiscover"))
    assert fabric.undescribed == ()
    assert fabric.initiator == "a088c20300000000"
    assert sum(len(node.links) for node in fabric.nodes) == sum(p.peer is not None for p in lines)
    nodes = [*ib_nodes.parse(lab.text("ibswitches")), *ib_nodes.parse(lab.text("ibhosts"))]
    assert {(n.kind, n.guid[2:], n.name, n.ports) for n in nodes} == {
        (n.kind, n.guid, n.name, n.ports) for n in fabric.nodes
    }
    assert len(lab.text("ibnetdiscover -l").splitlines()) == len(nodes)


def test_names_guids_and_lids_are_unique(world: MakeWorld) -> None:
    lab = world()
    nodes = ibnetdiscover_nodes.parse(lab.text("ibnetdiscover")).nodes
    assert len({node.guid for node in nodes}) == len(nodes) == 64 + 18 + 18
    lids = [node.lid if node.lid is not None else node.links[0].lid for node in nodes]
    assert len(set(lids)) == len(lids)
    assert all(lid is not None and 0 < lid < 0xC000 for lid in lids)


def test_the_same_seed_gives_the_same_switches_from_every_node(world: MakeWorld) -> None:
    first, second = world(), world()
    assert first.text("ibswitches") == second.text("ibswitches")
    seen = [
        {(p.name, p.port, p.guid, p.lid, p.peer and p.peer.name) for p in first.ports(index)}
        for index in (0, 5)
    ]
    assert seen[0] == seen[1]


def test_looking_makes_no_other_node(world: MakeWorld) -> None:
    lab = world()
    lab.text("iblinkinfo -l")
    folder = lab.cluster.folder_of(0).parent
    assert [entry.name for entry in folder.iterdir()] == ["0"]
    young = lab.cluster.node(5)
    assert young.started >= lab.cluster.node(0).started
    assert lab.cluster.seen(5) is young


@pytest.mark.parametrize(
    ("shape", "model", "ports", "speed"),
    [
        ("hgx-a100", "MQM8700", 41, "53.125 Gbps"),
        ("hgx-h200", "MQM9700", 65, "106.25 Gbps"),
        ("hgx-b300", "Q3400_RA", 145, "212.5 Gbps"),
    ],
)
def test_switches_fit_the_adapters(world: MakeWorld, shape: str, model: str, ports: int, speed: str) -> None:
    found = [p for p in world(shape=shape, size=2).ports() if p.name.startswith("MF0;leaf-01:")]
    assert {p.name for p in found} == {f"MF0;leaf-01:{model}/U1"}
    assert len(found) == ports
    assert {p.speed for p in found if p.peer} == {speed}


def test_ports_that_the_plan_does_not_number_are_numbered(world: MakeWorld) -> None:
    ends = world(plans=planned(4, numbered=False)).ends()
    assert {name: end for name, end in ends.items() if name.endswith("mlx5_3")} == {
        f"gpu-{n:03} mlx5_3": ("leaf-04", n) for n in range(1, 5)
    }


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("17", 17),
        ("1/17", 17),
        ("IB1/9/1", 17),
        ("9/2", 18),
        ("swp33", 33),
        ("", None),
        ("uplink", None),
        ("0", None),
    ],
)
def test_port_numbers_of_a_planned(text: str, number: int | None) -> None:
    assert port_number(text) == number


def test_a_full_switch_has_its_uplinks_in_the_upper_half(world: MakeWorld) -> None:
    lab = world(plans=planned(32, per_leaf=32))
    leaf = [p for p in lab.ports() if switch_name(p.name) == "leaf-01" and p.peer]
    assert [p.port for p in leaf if p.peer and p.peer.name.startswith("MF0;spine")] == list(range(33, 65))
    assert [p.port for p in leaf if p.peer and host_and_device(p.peer.name)] == list(range(1, 33))
    # a spine of the plan with more cables than a switch has ports is several switches
    assert len(ib_nodes.parse(lab.text("ibswitches"))) == 8 + 4


def test_many_nodes_on_one_leaf_are_still_one_subnet(world: MakeWorld) -> None:
    lab = world(plans=planned(80, per_leaf=80))
    ends = lab.ends()
    assert len(ends) == 640
    assert Counter(leaf for leaf, _ in ends.values()) == {f"leaf-{k:02}": 80 for k in range(1, 9)}


def test_leaves_of_several_generations_and_of_ethernet(world: MakeWorld) -> None:
    others = (
        ShapeSpec("hgx-a100", ("gpu-005", "gpu-006")),
        ShapeSpec("hgx-h100-roce", ("gpu-009", "gpu-010")),
    )
    lab = world(plans=planned(12), simulate=Simulate(seed=7, shapes=others))
    models = {switch_name(n.name): n.name.split(":")[1] for n in ib_nodes.parse(lab.text("ibswitches"))}
    assert {models[f"leaf-{k:02}"] for k in range(1, 17)} == {"MQM9700/U1"}
    ends = lab.ends()
    # the Ethernet nodes are on the third unit's leaves, beside two InfiniBand nodes
    assert not any(name.startswith(("gpu-009", "gpu-010")) for name in ends)
    assert len(ends) == 10 * 8
    slow = {p.name.split()[0] for p in lab.ports() if p.speed == "53.125 Gbps" and host_and_device(p.name)}
    assert slow == {"gpu-005", "gpu-006"}
    roce = world(
        plans=planned(8), simulate=Simulate(seed=7, shapes=(ShapeSpec("hgx-h100-roce", _SECOND_UNIT),))
    )
    names = {switch_name(p.name) for p in roce.ports()}
    assert "leaf-08" in names and "leaf-09" not in names


def test_a_large_fabric_costs_no_more_for_each_node(world: MakeWorld) -> None:
    small, large = (world(plans=planned(nodes, per_leaf=32)) for nodes in (64, 512))
    for tool in ("iblinkinfo -l", "ibnetdiscover"):
        few, many = (calls(lambda lab=lab: lab.text(tool)) for lab in (small, large))  # type: ignore[misc]  # noqa: B023
        assert many < 1.3 * 8 * few
    text = large.text("iblinkinfo -l")
    assert sum(1 for line in text.splitlines() if re.search(r'"\s*gpu-\d+ mlx5_\d" ', line[:60])) == 4096


# --------------------------------------------------------------------------------------------------- options


def test_what_iblinkinfo_can_choose(world: MakeWorld) -> None:
    lab = world()
    switches = iblinkinfo.parse(lab.text("iblinkinfo --switches-only"))
    assert {p.kind for p in switches} == {"Switch"}
    assert {p.kind for p in iblinkinfo.parse(lab.text("iblinkinfo --cas-only"))} == {"CA"}
    assert {p.state for p in iblinkinfo.parse(lab.text("iblinkinfo -d"))} == {"Down"}
    one = iblinkinfo.parse(lab.text(f"iblinkinfo -S {switches[0].guid}"))
    assert len(one) == 65 and {p.guid for p in one} == {switches[0].guid}
    assert lab.ask("iblinkinfo -G 0x1").stderr == "Failed to find port: 0x1\n"
    assert lab.ask("iblinkinfo --load-cache x").status == 2
    assert lab.text("iblinkinfo -l -C mlx5_3 -P 1").splitlines()[-1].startswith("0xa088c20300000003 ")


def test_no_answer_without_rights(world: MakeWorld) -> None:
    lab = world()
    for text, status in (
        ("iblinkinfo -l", 1),
        ("ibnetdiscover", 255),
        ("ibqueryerrors", 255),
        ("sminfo", 255),
        ("ibhosts", 255),
        ("ibswitches", 255),
    ):
        reply = lab.ask(text, root=False)
        assert (reply.status, trouble(reply.stdout + reply.stderr)) == (status, Trouble.NOT_OPENED), text
    failed = lab.ask("iblinkinfo -l -C mlx5_99")
    assert failed.stderr.endswith("can't open UMAD port (mlx5_99:0)\nFailed to open mlx5_99 port 0\n")


def test_no_answer_on_ethernet(world: MakeWorld) -> None:
    lab = world(shape="hgx-h100-roce")
    for text in ("iblinkinfo", "ibnetdiscover -p", "sminfo", "ibqueryerrors"):
        reply = lab.ask(text)
        assert reply.status in (1, 255)
        assert trouble(reply.stdout + reply.stderr) is Trouble.NOT_INFINIBAND, text


def test_the_words_are_those_of_real_nodes(world: MakeWorld, corpus: Callable[[str], str]) -> None:
    lab = world()

    def words(text: str) -> list[str]:
        return re.sub(r"\[[0-9]+\]", "[N]", text).splitlines()

    real = words(corpus("iblinkinfo/05-no-umad-rc1.txt"))
    assert words(lab.ask("iblinkinfo", root=False).stderr) == real[1:]
    real = words(corpus("ibnetdiscover/07-no-umad-rc255.txt"))
    failed = lab.ask("ibnetdiscover", root=False)
    assert words(failed.stderr + failed.stdout) == real[1:]


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("iblinkinfo", "iblinkinfo/01-ca-and-switch-with-down-port.txt"),
        ("iblinkinfo -l", "iblinkinfo/03-could-be-warnings.txt"),
        ("ibnetdiscover -p", "ibnetdiscover/01-p-ports-edr-disconnected.txt"),
        ("ibnetdiscover", "ibnetdiscover/05-large-example-head.txt"),
    ],
)
def test_every_kind_of_line_is_one_of_a_real_fabric(
    world: MakeWorld, corpus: Callable[[str], str], text: str, file: str
) -> None:
    def kinds(output: str) -> set[str]:
        """The lines with their numbers and names taken out."""
        found = set()
        for line in output.splitlines():
            line = re.sub(r"\"[^\"]*\"|'[^']*'", "NAME", line)
            line = re.sub(r"^(CA|Switch): .*", r"\1:", line)
            line = re.sub(r"generated on .*|\(Could be.*\)$|\( \)$", "", line)
            line = re.sub(r"0x[0-9a-f]+|\b[0-9a-f]{16}\b|\b[0-9.]+\b", "N", line)
            line = re.sub(r"N[XDHEQSR]+|4x(NDR|EDR|SDR|\?\?\?)|4x (NDR|EDR|SDR|\?\?\?)|4X", "W", line)
            found.add(re.sub(r"\s+", " ", line).replace("/ ", "/").strip())
        return found

    extra = kinds(world("port-down", hca="mlx5_2").text(text)) - kinds(corpus(file))
    # What the captured pieces do not hold: a port that is down in lines, the blocks of adapters.
    assert extra <= {
        "N NAME N N[ ] ==( Down/Polling)==> [ ] NAME",
        "N N[ ] ==( Down/Polling)==> [ ] NAME",
        "caguid=N",
        "Ca N NAME # NAME",
        "[N](N) NAME[N] # lid N lmc N NAME lid N W",
    }


# ------------------------------------------------------------------------------------------------ the whole way


def test_through_a_shell_and_sudo(healthy):  # type: ignore[no-untyped-def]
    ports = iblinkinfo.parse(healthy.text("gpu-002", iblinkinfo.LINKS))
    hosts = {
        host_and_device(p.name): p.peer and (switch_name(p.peer.name), p.peer.port)
        for p in ports
        if host_and_device(p.name)
    }
    assert hosts["gpu-003", "mlx5_4"] == ("leaf-03", 3)
    assert len(hosts) == 24
    for command in (
        ibnetdiscover.PORTS,
        ibnetdiscover_nodes.FABRIC,
        ib_nodes.HOSTS,
        ib_nodes.SWITCHES,
        sminfo.MANAGER,
    ):
        assert healthy.text("gpu-001", command)
    refused = healthy.sh("gpu-001", "iblinkinfo -l")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert trouble(refused.stderr) is Trouble.NOT_OPENED
