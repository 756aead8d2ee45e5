"""The checks of the cables: what they ask, what they make of a fabric and of neighbours, and when they cannot tell."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.ibnet import Net
from support.records import replace

from bringup.check import AnyCheck, Outputs
from bringup.commands import Command, Ended
from bringup.context import Context
from bringup.diagnosis import diagnose
from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import FLEET, Group, Measurement, Node, Outcome, Port, Verdict, Why
from bringup.parsers import lldp, port_config

LoadCheck = Callable[[str], AnyCheck]
MakeContext = Callable[..., Context]
MakeOutputs = Callable[..., Outputs]
Judge = Callable[..., Outcome]

FACTS = {"fabric.link_layer": "InfiniBand", "fabric.hcas": ["mlx5_0", "mlx5_1"], "tools.required": ["ibstat"]}
ETHERNET = FACTS | {"fabric.link_layer": "Ethernet"}
Readings = dict[tuple[str, str], tuple[Measurement, ...]]


def guids(net: Net) -> Readings:
    told = tuple(
        Measurement("guid", net.guid(host, rail), "", f"{host}/hca/mlx5_{rail}") for host, rail in net.ends
    )
    return {("cabling.neighbours", "guid"): told}


def heard(ends: dict[str, tuple[str, str]]) -> Readings:
    """Neighbours by component path: switch and port."""
    return {
        ("cabling.neighbours", "switch"): tuple(
            Measurement("switch", s, "", at) for at, (s, _) in ends.items()
        ),
        ("cabling.neighbours", "switch port"): tuple(
            Measurement("switch port", p, "", at) for at, (_, p) in ends.items()
        ),
    }


@pytest.fixture
def judge(load_check: LoadCheck, make_context: MakeContext, make_outputs: MakeOutputs) -> Judge:
    """The outcome of a check for this fleet; every node that is asked answers with `answer`."""

    def run(
        file: str, nodes: tuple[Node, ...], answer: str, readings: Readings, facts: dict[str, object] = FACTS
    ) -> Outcome:
        check = load_check(file)
        ctx = make_context(facts=facts, readings=readings)
        fleet = Group(FLEET, nodes)
        steps = check.plan(fleet, ctx).steps  # type: ignore[arg-type]
        answers: dict[tuple[str, Command], str] = {(s.node.name, s.command): answer for s in steps}
        return judged(check, fleet, make_outputs(answers), ctx)

    return run


def answer_of(net: Net) -> str:
    return f"=== ibnetdiscover mlx5_0 0\n{net.ibnetdiscover()}"


def findings(outcome: Outcome) -> list[tuple[str, str]]:
    return [(f.code, f.at) for f in outcome.findings if f.weight.value == "fail"]


# --------------------------------------------------------------------------------------------- who is asked


def test_only_two_nodes_of_a_profile_are_asked(load_check: LoadCheck, make_context: MakeContext) -> None:
    plan = load_check("cabling/plan.py").plan(Group(FLEET, Net(nodes=9).plan), make_context(facts=FACTS))  # type: ignore[arg-type]
    assert [step.node.name for step in plan.steps] == ["gpu-1", "gpu-5"]
    assert all(step.command.root for step in plan.steps)


def test_an_ethernet_fabric_is_not_discovered(load_check: LoadCheck, make_context: MakeContext) -> None:
    fleet, ctx = Group(FLEET, Net().plan), make_context(facts=ETHERNET)
    assert load_check("cabling/plan.py").plan(fleet, ctx).steps == ()  # type: ignore[arg-type]
    with pytest.raises(NotApplicable, match="no node has InfiniBand"):
        load_check("cabling/uplinks.py").plan(fleet, ctx)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("file", "nodes", "why"),
    [
        ("cabling/plan.py", tuple(replace(n, ports=()) for n in Net().plan), "has no cable plan"),
        ("cabling/rails.py", Net().plan, "the cable plan says where every cable ends"),
        ("cabling/rails.py", tuple(replace(n, ports=()) for n in Net(nodes=2).plan), "fewer than 3 nodes"),
    ],
)
def test_where_there_is_nothing_to_compare_with(
    file: str, nodes: tuple[Node, ...], why: str, load_check: LoadCheck, make_context: MakeContext
) -> None:
    with pytest.raises(NotApplicable, match=why):
        load_check(file).plan(Group(FLEET, nodes), make_context(facts=FACTS))  # type: ignore[arg-type]


# --------------------------------------------------------------------------------------------- the plan


def test_a_fabric_as_planned_passes_and_tells_how_it_is_built(judge: Judge) -> None:
    net = Net()
    outcome = judge("cabling/plan.py", net.plan, answer_of(net), guids(net))
    assert (outcome.verdict, outcome.findings) == (Verdict.PASS, ())
    built = {m.at: m.value for m in outcome.measurements if m.name == "cable"}
    assert len(built) == 8
    assert built["gpu-3/hca/mlx5_1/port/1"] == "leaf-1 port 3"


def test_exchanged_cables_are_one_defect(judge: Judge, load_check: LoadCheck) -> None:
    net = Net()
    net.exchange(("gpu-2", 1), ("gpu-3", 1))
    outcome = judge("cabling/plan.py", net.plan, answer_of(net), guids(net))
    nodes = {node.name: node for node in net.plan}
    (defect,) = diagnose([outcome], {outcome.check: load_check("cabling/plan.py").faults}, nodes)
    assert (defect.code, defect.nodes) == ("CABLE-SWAP", ("gpu-2", "gpu-3"))
    assert defect.action.startswith(
        "at leaf-1 exchange the plugs of ports 2 and 3: cable L1-2 belongs to gpu-2 mlx5_1"
    )


def test_the_guid_counts_and_not_the_name_of_the_adapter(judge: Judge) -> None:
    net = Net()
    text = answer_of(net).replace('"gpu-2 mlx5_1"', '"gpu-3 mlx5_1"')
    assert judge("cabling/plan.py", net.plan, text, guids(net)).verdict is Verdict.PASS


def test_a_port_that_is_not_there_is_a_note(judge: Judge) -> None:
    net = Net()
    plan = net.plan
    readings = guids(net)
    del net.ends["gpu-4", 1]
    outcome = judge("cabling/plan.py", plan, answer_of(net), readings)
    assert outcome.verdict is Verdict.PASS
    assert [f.message for f in outcome.findings] == ["1 of 8 planned cables were not seen: gpu-4 mlx5_1"]


def test_a_fabric_that_cannot_be_seen_is_not_judged(judge: Judge) -> None:
    net = Net()
    outcome = judge("cabling/plan.py", net.plan, "=== no tool\n", guids(net))
    assert (outcome.verdict, outcome.code, outcome.error_at) == (Verdict.ERROR, "FABRIC-UNSEEN", FLEET)
    assert "neither ibnetdiscover nor iblinkinfo is installed" in outcome.reason


def test_neighbours_of_an_ethernet_fabric(judge: Judge) -> None:
    net = Net()
    ends = {
        f"{host}/hca/mlx5_{rail}/port/1": (f"{leaf}.dc.example", f"swp{p}")
        for (host, rail), (leaf, p) in net.ends.items()
    }
    assert judge("cabling/plan.py", net.plan, "", heard(ends), ETHERNET).verdict is Verdict.PASS
    a, b = "gpu-2/hca/mlx5_0/port/1", "gpu-2/hca/mlx5_1/port/1"
    ends[a], ends[b] = ends[b], ends[a]
    outcome = judge("cabling/plan.py", net.plan, "", heard(ends), ETHERNET)
    assert findings(outcome) == [("CABLE-SWAP", f"{a} ~ {b}")]


def test_silent_neighbours_are_not_judged(judge: Judge) -> None:
    outcome = judge("cabling/plan.py", Net().plan, "", {}, ETHERNET)
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "FABRIC-UNSEEN")


# --------------------------------------------------------------------------------------------- without a plan


def test_rails_without_a_plan(judge: Judge) -> None:
    net = Net(nodes=6)
    nodes = tuple(replace(n, ports=tuple(Port(p.rail, p.hca) for p in n.ports)) for n in net.plan)
    assert judge("cabling/rails.py", nodes, answer_of(net), guids(net)).verdict is Verdict.PASS
    net.exchange(("gpu-2", 0), ("gpu-2", 1))
    outcome = judge("cabling/rails.py", nodes, answer_of(net), guids(net))
    assert findings(outcome) == [("CABLE-SWAP", "gpu-2/hca/mlx5_0/port/1 ~ gpu-2/hca/mlx5_1/port/1")]


def test_without_a_plan_and_without_tools_it_does_not_apply(judge: Judge) -> None:
    net = Net(nodes=6)
    nodes = tuple(replace(n, ports=()) for n in net.plan)
    outcome = judge("cabling/rails.py", nodes, "=== no tool\n", guids(net))
    assert (outcome.verdict, outcome.why) == (Verdict.NOT_RUN, Why.NOT_APPLICABLE)
    required = FACTS | {"tools.required": ["ibnetdiscover"]}
    assert judge("cabling/rails.py", nodes, "=== no tool\n", guids(net), required).verdict is Verdict.ERROR


# --------------------------------------------------------------------------------------------- uplinks


def test_uplinks(judge: Judge) -> None:
    net = Net(rails=4)
    assert judge("cabling/uplinks.py", net.plan, answer_of(net), guids(net)).verdict is Verdict.PASS
    lines = answer_of(net).splitlines()
    dead = [line for line in lines if line.startswith("[21]") and "spine-0" in line]
    outcome = judge(
        "cabling/uplinks.py", net.plan, "\n".join(line for line in lines if line is not dead[0]), guids(net)
    )
    assert outcome.verdict is Verdict.PASS  # the other end still tells of the link
    far = [line for line in lines if line.startswith("[1]") and '"leaf-0"' in line and line.count('"S-')]
    gone = {dead[0], far[0]}
    outcome = judge(
        "cabling/uplinks.py", net.plan, "\n".join(line for line in lines if line not in gone), guids(net)
    )
    assert findings(outcome) == [("UPLINK-MISSING", "leaf-0")]


# --------------------------------------------------------------------------------------------- what a node tells

CONFIG = """/sys/class/infiniband/mlx5_0/node_guid:946d:ae03:00a1:b2c3
/sys/class/infiniband/mlx5_0/ports/1/link_layer:LAYER
/sys/class/infiniband/mlx5_0/ports/1/gids/0:fe80:0000:0000:0000:946d:ae03:00a1:b2c4
/sys/class/infiniband/mlx5_0/device/net/eth1/mtu:9000
"""
NEIGHBOUR = """{"lldp": [{"interface": [{"name": "eth1",
 "chassis": [{"id": [{"type": "mac", "value": "1a:e2:18:42:bd:e7"}], "name": [{"value": "leaf1"}]}],
 "port": [{"id": [{"type": "ifname", "value": "swp3"}], "descr": [{"value": "to gpu-001"}]}]}]}]}
"""


def told(outcome: Outcome) -> list[tuple[str, object, str]]:
    return [(m.name, m.value, m.at) for m in outcome.measurements]


GUID = ("guid", "946dae0300a1b2c3", "gpu-001/hca/mlx5_0")
AT = "gpu-001/hca/mlx5_0/port/1"


@pytest.mark.parametrize(
    ("neighbours", "expected"),
    [
        (
            {"stdout": NEIGHBOUR},
            [
                GUID,
                ("switch", "leaf1", AT),
                ("switch port", "swp3", AT),
                ("switch port name", "to gpu-001", AT),
                ("neighbours", 1, "gpu-001"),
            ],
        ),
        ({"stdout": '{"lldp": [{}]}'}, [GUID, ("neighbours", 0, "gpu-001")]),
        (
            {"ended": Ended.MISSING, "detail": "lldpcli"},
            [GUID, ("neighbours", "lldpcli is not installed", "gpu-001")],
        ),
        (
            {
                "status": 1,
                "stderr": "2026-05-01T00:00:00 [WARN/control] unable to connect to socket /run/lldpd.socket",
            },
            [
                GUID,
                (
                    "neighbours",
                    "lldpcli: 2026-05-01T00:00:00 [WARN/control] unable to connect to socket /run/lldpd.socket",
                    "gpu-001",
                ),
            ],
        ),
    ],
)
def test_what_an_ethernet_node_tells(
    neighbours: dict[str, object],
    expected: list[tuple[str, object, str]],
    load_check: LoadCheck,
    make_context: MakeContext,
    make_outputs: MakeOutputs,
    answer: Callable[..., object],
    node: Node,
) -> None:
    check = load_check("cabling/neighbours.py")
    out = make_outputs(
        {port_config.CONFIG: CONFIG.replace("LAYER", "Ethernet"), lldp.NEIGHBOURS: answer(**neighbours)}
    )
    outcome = judged(check, node, out, make_context(facts=ETHERNET))
    assert (outcome.verdict, told(outcome)) == (Verdict.PASS, expected)


def test_an_infiniband_node_is_not_asked_for_neighbours(
    load_check: LoadCheck, make_context: MakeContext, make_outputs: MakeOutputs, node: Node
) -> None:
    check, ctx = load_check("cabling/neighbours.py"), make_context(facts=FACTS)
    assert [s.command for s in check.plan(node, ctx).steps] == [port_config.CONFIG]  # type: ignore[arg-type]
    outcome = judged(
        check, node, make_outputs({port_config.CONFIG: CONFIG.replace("LAYER", "InfiniBand")}), ctx
    )
    assert told(outcome) == [
        GUID,
        ("port guid", "946dae0300a1b2c4", "gpu-001/hca/mlx5_0"),
        ("neighbours", "not asked: InfiniBand has no LLDP", "gpu-001"),
    ]
