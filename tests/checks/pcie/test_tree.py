"""pcie.tree and pcie.dead: slow links above the cards, and devices that no longer answer."""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Verdict, Why
from bringup.parsers.nvidia_smi_xml import QUERY
from bringup.parsers.pci_sysfs import DEVICES
from bringup.parsers.pci_tree import TREE

# invented: two GPUs and an adapter below one PCIe switch; the layout is that of `ls -l`
PATHS = {
    "0000:14:01.0": "0000:14:01.0",
    "0000:15:00.0": "0000:14:01.0/0000:15:00.0",
    "0000:16:00.0": "0000:14:01.0/0000:15:00.0/0000:16:00.0",
    "0000:16:01.0": "0000:14:01.0/0000:15:00.0/0000:16:01.0",
    "0000:17:00.0": "0000:14:01.0/0000:15:00.0/0000:16:00.0/0000:17:00.0",
    "0000:18:00.0": "0000:14:01.0/0000:15:00.0/0000:16:01.0/0000:18:00.0",
}
LS = "total 0\n" + "".join(
    f"lrwxrwxrwx 1 root root 0 Nov 20 12:59 {bdf} -> ../../../devices/pci0000:14/{path}\n"
    for bdf, path in PATHS.items()
)
BRIDGE = {"vendor": "0x1000", "device_class": "0x060400", "speed": "32.0 GT/s PCIe"}


@pytest.fixture
def bus(device, nic):
    """The switch with its cards; `slow` gives a bridge or card other values."""

    def text(**slow: dict[str, str]) -> str:
        parts = {
            "root": ("0000:14:01.0", BRIDGE),
            "up": ("0000:15:00.0", BRIDGE),
            "down0": ("0000:16:00.0", BRIDGE | {"speed": "2.5 GT/s PCIe"}),
            "down1": ("0000:16:01.0", BRIDGE),
            "gpu": ("0000:17:00.0", {}),
        }
        own = "".join(device(bdf, **(values | slow.get(name, {}))) for name, (bdf, values) in parts.items())
        return own + nic("0000:18:00.0", "mlx5_0", **slow.get("nic", {}))

    return text


@pytest.fixture
def judge(load_check, node, hgx, make_outputs, answer):
    def run(file: str, devices: object, tree: object = LS, **context):
        none = answer(ended=Ended.MISSING, detail="nvidia-smi")
        out = make_outputs({DEVICES: devices, TREE: tree, QUERY: none})
        return judged(load_check(f"pcie/{file}.py"), node, out, hgx(**context))

    return run


def test_every_link_is_fast_enough_although_the_gpu_rests(judge, bus, values) -> None:
    outcome = judge("tree", bus())
    assert (outcome.verdict, outcome.reason, outcome.findings) == (Verdict.PASS, "", ())
    assert values(outcome) == [
        ("slowest link", "gpu-001/gpu/00000000:17:00.0", 512.0, True),
        ("slowest link", "gpu-001/hca/mlx5_0", 512.0, True),
    ]


def test_a_slow_link_above_both_cards_is_one_defect(judge, bus, values) -> None:
    outcome = judge("tree", bus(up={"speed": "16.0 GT/s PCIe"}))
    assert outcome.verdict is Verdict.FAIL
    assert values(outcome) == [("slowest link", "gpu-001/pci/0000:15:00.0", 256.0, False)]
    assert outcome.findings[0].message == (
        "16 GT/s x16 at 0000:15:00.0, above gpu-001/gpu/00000000:17:00.0, gpu-001/hca/mlx5_0"
    )


def test_a_slow_link_of_a_card_is_at_the_card(judge, bus, values) -> None:
    outcome = judge("tree", bus(gpu={"width": "8"}, down0={"max_speed": "16.0 GT/s PCIe"}))
    assert values(outcome)[0] == ("slowest link", "gpu-001/gpu/00000000:17:00.0", 128.0, False)


def test_a_port_above_that_allows_less(judge, bus, values) -> None:
    outcome = judge("tree", bus(down0={"max_speed": "16.0 GT/s PCIe"}))
    assert values(outcome)[0] == ("slowest link", "gpu-001/gpu/00000000:17:00.0", 256.0, False)


def test_a_card_without_link_files(judge, bus) -> None:
    silent = {"width": None, "speed": None, "max_speed": None}
    outcome = judge("tree", bus(gpu=silent, down0=silent, up=silent, root=silent))
    assert (outcome.verdict, "PCIe link not reported by 0000:17:00.0" in outcome.reason) == (
        Verdict.ERROR,
        True,
    )


@pytest.mark.parametrize("tree", ["", "total 0\n", "ls: cannot access\n", LS.replace("0000:18:00.0\n", "\n")])
def test_a_tree_that_is_not_understood(judge, bus, tree) -> None:
    assert judge("tree", bus(), tree).code == "OUTPUT-UNKNOWN"


def test_a_node_without_cards_by_plan(load_check, node, hgx) -> None:
    ctx = hgx(facts={"gpu.count": 0, "fabric.hcas": []})
    for file in ("tree", "limited"):
        with pytest.raises(NotApplicable):
            load_check(f"pcie/{file}.py").plan(node, ctx)


def test_amd_gpus_are_numbered_in_the_order_of_their_addresses(judge, bus, values) -> None:
    amd = {"vendor": "0x1002", "device_class": "0x120000", "width": "8"}
    assert values(judge("tree", bus(gpu=amd)))[0] == ("slowest link", "gpu-001/gpu/0", 256.0, False)


def test_a_bus_without_any_planned_card_is_not_judged(judge, device) -> None:
    outcome = judge("tree", device("0000:14:01.0", **BRIDGE))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "GPU-MISSING")


def test_gpus_without_a_planned_link_are_left_out(judge, bus, values) -> None:
    outcome = judge("tree", bus(gpu={"width": "8"}), limits={"pcie.gpu.width": None})
    assert values(outcome) == [("slowest link", "gpu-001/hca/mlx5_0", 512.0, True)]


# ------------------------------------------------------------------------------------------------------ dead


def test_all_answer(judge, bus, values) -> None:
    outcome = judge("dead", bus())
    assert (outcome.verdict, values(outcome)) == (Verdict.PASS, [("dead devices", "gpu-001", 0, True)])


def test_a_dead_adapter_and_a_dead_bridge(judge, bus, found) -> None:
    dead = {"width": "63", "speed": "Unknown"}
    outcome = judge("dead", bus(nic=dead, down0=dead))
    assert (outcome.verdict, found(outcome)) == (
        Verdict.FAIL,
        [("fail", "PCIE-DEAD", "gpu-001"), ("fail", "PCIE-DEAD", "gpu-001/hca/mlx5_0")],
    )
    assert outcome.findings[1].message == "device 0000:18:00.0 (15b3:2330) reads as all ones"


def test_a_bus_without_links_tells_nothing(judge, device) -> None:
    outcome = judge("dead", device("0000:00:01.0", width=None, speed=None, max_speed=None))
    assert (outcome.verdict, outcome.measurements) == (Verdict.ERROR, ())
    plain = judge("dead", device("0000:00:01.0", width=None), facts={"gpu.count": 0, "fabric.hcas": []})
    assert (plain.verdict, plain.why) == (Verdict.NOT_RUN, Why.NOT_APPLICABLE)
    assert judge("dead", "garbage\n").code == "OUTPUT-UNKNOWN"
