"""pcie.aer: uncorrected errors by device, corrected ones and slow paths as notes."""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.kernel_log import LOG
from bringup.parsers.nvidia_smi_xml import QUERY
from bringup.parsers.pci_sysfs import DEVICES

H100 = "nvidia-smi-xml/01-h100-x8-580.xml"
QUIET = "1732100000\n90000.00 1.00\n[    0.000000] Linux version\n"


@pytest.fixture
def check(load_check):
    return load_check("pcie/aer.py")


@pytest.fixture
def judge(check, node, hgx, make_outputs, corpus_text):
    def run(bus: str, log: object = QUIET, smi: object = None):
        out = make_outputs({DEVICES: bus, LOG: log, QUERY: corpus_text(H100) if smi is None else smi})
        return judged(check, node, out, hgx())

    return run


def test_no_errors(judge, device, nic, values) -> None:
    outcome = judge(device("0000:53:00.0") + nic("0000:1a:00.0", "mlx5_0"))
    assert (outcome.verdict, outcome.reason, outcome.findings) == (Verdict.PASS, "", ())
    assert values(outcome) == [
        ("pcie.aer.fatal", "gpu-001", 0, True),
        ("pcie.aer.nonfatal", "gpu-001", 0, True),
    ]


def test_errors_of_a_gpu_an_adapter_and_a_bridge(judge, device, nic, values) -> None:
    outcome = judge(
        device("0000:53:00.0", fatal=1)
        + nic("0000:1a:00.0", "mlx5_0", nonfatal=7)
        + device("0000:40:00.0", vendor="0x1000", device_class="0x060400", nonfatal=2)
        + device("0000:64:00.0")
    )
    assert outcome.verdict is Verdict.FAIL
    assert values(outcome) == [
        ("pcie.aer.fatal", "gpu-001/gpu/0", 1, False),
        ("pcie.aer.fatal", "gpu-001", 0, True),
        ("pcie.aer.nonfatal", "gpu-001/hca/mlx5_0", 7, False),
        ("pcie.aer.nonfatal", "gpu-001", 2, False),
        ("pcie.aer.nonfatal", "gpu-001", 0, True),
    ]
    assert {m.code for m in outcome.measurements} == {"PCIE-AER"}
    assert [f.message for f in outcome.findings] == [
        "device 0000:53:00.0",
        "device 0000:1a:00.0",
        "device 0000:40:00.0",
    ]


def test_gpus_of_amd_are_numbered_by_their_addresses(judge, device, values, answer) -> None:
    def gpu(address: str, **counts: int) -> str:
        return device(address, vendor="0x1002", device_class="0x120000", **counts)

    bus = gpu("0000:75:00.0", fatal=3) + gpu("0000:05:00.0") + gpu("0000:65:00.0", nonfatal=1)
    outcome = judge(bus, smi=answer(ended=Ended.MISSING, detail="nvidia-smi"))
    assert values(outcome) == [
        ("pcie.aer.fatal", "gpu-001/gpu/2", 3, False),
        ("pcie.aer.fatal", "gpu-001", 0, True),
        ("pcie.aer.nonfatal", "gpu-001/gpu/1", 1, False),
        ("pcie.aer.nonfatal", "gpu-001", 0, True),
    ]


def test_corrected_errors_are_a_note(judge, device, found) -> None:
    outcome = judge(device("0000:53:00.0", correctable=12))
    assert outcome.verdict is Verdict.PASS
    assert found(outcome) == [("note", "PCIE-AER", "gpu-001/gpu/0")]
    assert outcome.findings[0].message == "12 corrected PCIe errors of 0000:53:00.0 since boot"


def test_slow_paths_at_boot_are_a_note(judge, device, corpus_text) -> None:
    log = QUIET + corpus_text("nvidia-kernel-log/04-pcie-limited-by-252gbps.txt")
    outcome = judge(device("0000:04:00.0"), log)
    assert outcome.verdict is Verdict.PASS
    assert [(f.at, f.message) for f in outcome.findings] == [
        (
            "gpu-001/gpu/00000000:04:00.0",
            "at boot the path to 0000:04:00.0 had 252.048 of 504.112 Gb/s, "
            "limited by 16 GT/s x16 at 0000:01:00.0",
        ),
        (
            "gpu-001",
            "at boot the path to 0000:8b:00.0 had 252.048 of 504.112 Gb/s, "
            "limited by 16 GT/s x16 at 0000:87:00.0",
        ),
    ]


def test_the_log_tells_what_kind_of_error_it_was(judge, device) -> None:
    record = (
        "[   40.000000] pcieport 0000:50:00.0: AER: Uncorrected (Fatal) error received: 0000:53:00.0\n"
        "[   40.000001] nvidia 0000:53:00.0: PCIe Bus Error: severity=Uncorrected (Fatal), type=Transaction Layer\n"
        "[   40.000002] nvidia 0000:53:00.0:    [18] MalfTLP                (First)\n"
    )
    outcome = judge(device("0000:53:00.0", fatal=2), QUIET + 2 * record)
    assert outcome.verdict is Verdict.FAIL
    assert [(f.at, f.message) for f in outcome.findings][-1] == (
        "gpu-001/gpu/0",
        "fatal PCIe error of 0000:53:00.0: MalfTLP (2 times)",
    )


def test_the_counters_are_judged_without_log_and_driver(judge, device, answer, found) -> None:
    outcome = judge(
        device("0000:53:00.0", fatal=1),
        answer(status=1, stderr="dmesg: read kernel buffer failed"),
        answer(ended=Ended.MISSING, detail="nvidia-smi"),
    )
    assert outcome.verdict is Verdict.FAIL
    assert found(outcome) == [
        ("note", "PCIE-AER", "gpu-001/gpu/00000000:53:00.0"),
        ("note", "PCIE-AER", "gpu-001"),
    ]


def test_a_machine_that_reports_no_counters_is_no_pass(judge, device) -> None:
    outcome = judge(device("0000:53:00.0", fatal=None, nonfatal=None, correctable=None))
    assert (outcome.verdict, outcome.measurements) == (Verdict.ERROR, ())
    assert outcome.reason == "no PCI device of gpu-001 reports error counters"


def test_a_bus_that_cannot_be_read(judge) -> None:
    assert judge("0000:53:00.0/aer_dev_fatal:TOTAL_ERR_FATAL x\n").code == "OUTPUT-UNKNOWN"
