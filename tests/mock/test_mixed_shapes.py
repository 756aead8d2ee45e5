"""Nodes of several shapes in one simulated cluster: each has its own parts, programs and NVLink domain."""

from __future__ import annotations

import pytest

from bringup.inventory.types import FaultSpec, Params, ShapeSpec, Simulate
from bringup.mock import SHAPES
from bringup.mock.fabric import Fabric
from bringup.mock.programs import PROGRAMS, absent
from bringup.model import Node, Port
from bringup.parsers import host, nvidia_imex, nvidia_smi_xml

OF = {
    "gpu-1": "hgx-h100", "amd-1": "mi300x", "gpu-2": "hgx-h100", "tray-1": "gb200-nvl72", "tray-2": "gb200-nvl72",
    "cpu-1": "cpu-ethernet",
}  # fmt: skip


@pytest.fixture(scope="module")
def mixed(open_lab):  # type: ignore[no-untyped-def]
    nodes = tuple(
        Node(
            name,
            ports=tuple(Port(rail, f"mlx5_{rail}", f"leaf-{name[:3]}") for rail in range(2))
            if SHAPES[shape].hca_bdfs
            else (),
        )
        for name, shape in OF.items()
    )
    shapes = tuple(
        ShapeSpec(shape, tuple(name for name, of in OF.items() if of == shape))
        for shape in dict.fromkeys(OF.values())
        if shape != "hgx-h100"
    )
    faults = (FaultSpec("missing-tool", ("tray-2",), Params({"tool": "chronyc"})),)
    return open_lab(Simulate(seed=7, speed=200.0, shapes=shapes, faults=faults), nodes)


@pytest.mark.parametrize(("name", "shape"), OF.items())
def test_every_node_has_the_parts_and_programs_of_its_own_shape(mixed, name, shape):  # type: ignore[no-untyped-def]
    node = mixed.served.hardware(name)
    assert (node.shape.name, len(node.gpus)) == (shape, len(SHAPES[shape].gpu_bdfs))
    found = host.parse_tools(mixed.text(name, host.tools(PROGRAMS)))
    lacking = {"chronyc"} if name == "tray-2" else set()
    assert {tool for tool, path in found.items() if not path} == set(absent(SHAPES[shape])) | lacking


def test_the_tools_print_the_gpus_of_each(mixed):  # type: ignore[no-untyped-def]
    counts = {}
    for name in ("gpu-2", "tray-1"):
        smi = nvidia_smi_xml.read(mixed.output(name, nvidia_smi_xml.QUERY))
        counts[name] = {gpu.name for gpu in smi.gpus}, len(smi.gpus)
    assert counts == {"gpu-2": ({"NVIDIA H100 80GB HBM3"}, 8), "tray-1": ({"NVIDIA GB200"}, 4)}


def test_an_nvlink_domain_holds_only_trays(mixed):  # type: ignore[no-untyped-def]
    domain = nvidia_imex.parse(mixed.text("tray-2", nvidia_imex.NODES))
    assert (domain.state, [n.state for n in domain.nodes]) == ("UP", ["READY", "READY"])
    trays = [mixed.served.hardware(name) for name in ("tray-1", "tray-2")]
    assert [tray.tray for tray in trays] == [0, 1]  # whatever else stands before them in the inventory
    assert len({gpu.cluster_uuid for tray in trays for gpu in tray.gpus}) == 1


def test_uplinks_are_as_fast_as_the_ports_of_their_leaf():  # type: ignore[no-untyped-def]
    plans = [Node(f"n-{k}", ports=(Port(0, "mlx5_0", leaf),)) for k, leaf in enumerate(("a", "b", "a"))]
    fabric = Fabric(plans, [200, 400, 800])
    assert {n: {u.rate_gbps for u in leaf.uplinks.values()} for n, leaf in fabric.leaves.items()} == {
        "a": {800}, "b": {400},
    }  # fmt: skip
