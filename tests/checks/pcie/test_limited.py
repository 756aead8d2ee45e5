"""pcie.limited: what the kernel found at boot, on cards and beside them."""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.kernel_log import LOG
from bringup.parsers.nvidia_smi_xml import QUERY
from bringup.parsers.pci_sysfs import DEVICES

HEAD = "1732100000\n90000.00 1.00\n[    0.000000] Linux version\n"
REAL = "nvidia-kernel-log/04-pcie-limited-by-252gbps.txt"


@pytest.fixture
def judge(load_check, node, hgx, make_outputs, answer):
    def run(devices: str, log: object = HEAD):
        none = answer(ended=Ended.MISSING, detail="nvidia-smi")
        out = make_outputs({DEVICES: devices, LOG: log, QUERY: none})
        return judged(load_check("pcie/limited.py"), node, out, hgx())

    return run


def test_nothing_is_limited(judge, device, values) -> None:
    outcome = judge(device("0000:04:00.0"))
    assert (outcome.verdict, values(outcome)) == (Verdict.PASS, [("limited devices", "gpu-001", 0, True)])


def test_a_real_log_of_slow_paths(judge, device, nic, corpus_text, found) -> None:
    outcome = judge(device("0000:04:00.0") + nic("0000:8b:00.0", "mlx5_9"), HEAD + corpus_text(REAL))
    assert outcome.verdict is Verdict.FAIL
    assert found(outcome) == [
        ("fail", "PCIE-LIMITED", "gpu-001/gpu/00000000:04:00.0"),
        ("note", "PCIE-LIMITED", "gpu-001/hca/mlx5_9"),
    ]
    assert outcome.findings[0].message == (
        "the path to 0000:04:00.0 had 252.048 of 504.112 Gb/s at boot, limited by 16 GT/s x16 at 0000:01:00.0"
    )


def test_other_devices_alone_are_notes(judge, nic, corpus_text) -> None:
    outcome = judge(nic("0000:8b:00.0", "mlx5_9"), HEAD + corpus_text(REAL))
    assert (outcome.verdict, [f.weight.value for f in outcome.findings]) == (Verdict.PASS, ["note", "note"])


def test_a_log_that_lost_the_boot_proves_nothing(judge, device) -> None:
    outcome = judge(device("0000:04:00.0"), "1732100000\n90000.00 1.00\n[80000.000000] usb 1-1: new device\n")
    assert (outcome.verdict, "no longer reaches back" in outcome.reason) == (Verdict.ERROR, True)


def test_without_rights_and_without_the_tool(judge, device, answer) -> None:
    refused = answer(status=1, stderr="dmesg: read kernel buffer failed: Operation not permitted")
    assert judge(device("0000:04:00.0"), refused).verdict is Verdict.ERROR
    assert judge(device("0000:04:00.0"), answer(ended=Ended.MISSING, detail="dmesg")).code == "TOOL-MISSING"
