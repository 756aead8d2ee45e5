"""pcie.gpu-unplanned: GPUs that no profile describes are never passed over in silence."""

from __future__ import annotations

import pytest

from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.pci_sysfs import DEVICES


@pytest.fixture
def check(load_check):
    return load_check("pcie/gpu_unplanned.py")


@pytest.fixture
def no_gpus(make_context):
    return make_context({}, {"gpu.count": 0})


@pytest.mark.parametrize(
    ("vendor", "device_class"),
    [("0x10de", "0x030200"), ("0x1002", "0x120000"), ("0x1002", "0x038000")],  # invented
)
def test_gpus_that_the_profile_does_not_know(
    check, node, no_gpus, make_outputs, device, vendor, device_class
) -> None:
    bus = "".join(device(f"0000:{n}0:00.0", vendor=vendor, device_class=device_class) for n in (1, 2))
    outcome = judged(check, node, make_outputs({DEVICES: bus}), no_gpus)
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "GPU-NO-PROFILE")
    assert outcome.reason.startswith(f"2 GPUs ({vendor[2:]}:")
    assert outcome.reason.endswith("are on the PCI bus, and profile test has none: they are not judged")


def test_adapters_and_the_display_chip_of_the_board_are_no_gpus(
    check, node, no_gpus, make_outputs, device, nic, values
) -> None:
    bus = nic("0000:1a:00.0", "mlx5_0")
    bus += device("0000:03:00.0", vendor="0x1a03", device_class="0x030000")
    bus += device("0000:04:00.0", vendor="0x1002", device_class="0x030000")
    outcome = judged(check, node, make_outputs({DEVICES: bus}), no_gpus)
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert values(outcome) == [("pcie.gpu.count", "gpu-001", 0, True)]


def test_an_unread_bus_is_no_pass(check, node, no_gpus, make_outputs, answer) -> None:
    outcome = judged(check, node, make_outputs({DEVICES: answer(status=1)}), no_gpus)
    assert outcome.verdict is Verdict.ERROR


def test_nodes_with_planned_gpus_have_other_checks(check, node, make_context) -> None:
    with pytest.raises(NotApplicable, match="other checks judge them"):
        check.plan(node, make_context({}, {"gpu.count": 8}))
