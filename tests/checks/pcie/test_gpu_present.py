"""pcie.gpu-present: counting GPUs on the bus and naming what is gone."""

from __future__ import annotations

import pytest

from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.pci_sysfs import DEVICES, DRIVER_GPUS


@pytest.fixture
def check(load_check):
    return load_check("pcie/gpu_present.py")


@pytest.fixture
def eight(device) -> str:
    return "".join(device(f"0000:{n}0:00.0") for n in range(1, 9))


def test_eight_gpus_and_other_devices(check, node, hgx, make_outputs, device, nic, eight, values) -> None:
    others = device("0000:90:00.0", device_class="0x068000") + nic("0000:1a:00.0", "mlx5_0")
    others += device("0000:03:00.0", vendor="0x1a03", device_class="0x030000")
    outcome = judged(check, node, make_outputs({DEVICES: eight + others, DRIVER_GPUS: ""}), hgx())
    assert (outcome.verdict, outcome.reason, outcome.findings) == (Verdict.PASS, "", ())
    assert values(outcome) == [("pcie.gpu.count", "gpu-001", 8, True)]


def test_a_missing_gpu_that_the_driver_remembers(
    check, node, hgx, make_outputs, device, values, found
) -> None:
    seven = "".join(device(f"0000:{n}0:00.0") for n in range(1, 8))
    remembered = "".join(f"0000:{n}0:00.0\n" for n in range(1, 9))
    outcome = judged(check, node, make_outputs({DEVICES: seven, DRIVER_GPUS: remembered}), hgx())
    assert outcome.verdict is Verdict.FAIL
    assert values(outcome) == [("pcie.gpu.count", "gpu-001", 7, False)]
    assert [m.code for m in outcome.measurements] == ["PCIE-GPU-MISSING"]
    assert found(outcome) == [
        ("note", "PCIE-GPU-MISSING", "gpu-001/gpu/00000000:80:00.0"),
        ("note", "PCIE-GPU-MISSING", "gpu-001"),
    ]


def test_a_gpu_that_reads_as_all_ones_does_not_count(
    check, node, hgx, make_outputs, device, values, found
) -> None:
    bus = "".join(device(f"0000:{n}0:00.0", width="63" if n == 3 else "16") for n in range(1, 9))
    outcome = judged(check, node, make_outputs({DEVICES: bus, DRIVER_GPUS: ""}), hgx())
    assert outcome.verdict is Verdict.FAIL
    assert values(outcome) == [("pcie.gpu.count", "gpu-001", 7, False)]
    assert found(outcome)[0] == ("note", "PCIE-GPU-MISSING", "gpu-001/gpu/00000000:30:00.0")


def test_a_missing_gpu_without_a_driver(check, node, hgx, make_outputs, answer, device, found) -> None:
    two = device("0000:10:00.0") + device("0000:20:00.0")
    outcome = judged(check, node, make_outputs({DEVICES: two, DRIVER_GPUS: answer(status=2)}), hgx())
    assert outcome.verdict is Verdict.FAIL
    assert [f.message for f in outcome.findings] == [
        "GPUs that answer on the bus: 0000:10:00.0, 0000:20:00.0"
    ]


def test_no_gpu_at_all(check, node, hgx, make_outputs, answer, device, values) -> None:
    host = device("0000:00:00.0", vendor="0x8086", device_class="0x060000")
    outcome = judged(check, node, make_outputs({DEVICES: host, DRIVER_GPUS: answer(status=2)}), hgx())
    assert values(outcome) == [("pcie.gpu.count", "gpu-001", 0, False)]


@pytest.mark.parametrize("text", ["", "hello\n"])
def test_a_bus_that_cannot_be_read(check, node, hgx, make_outputs, text) -> None:
    outcome = judged(check, node, make_outputs({DEVICES: text, DRIVER_GPUS: ""}), hgx())
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "OUTPUT-UNKNOWN")


def test_no_pci_bus(check, node, hgx, make_outputs, answer) -> None:
    out = make_outputs(
        {DEVICES: answer(status=1, stderr="cd: can't cd to /sys/bus/pci/devices"), DRIVER_GPUS: ""}
    )
    assert judged(check, node, out, hgx()).verdict is Verdict.ERROR


def test_a_node_without_gpus(check, node, hgx) -> None:
    with pytest.raises(NotApplicable):
        check.plan(node, hgx(facts={"gpu.count": 0}))
