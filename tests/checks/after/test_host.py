"""after.reboots, host-errors, kernel-log, pcie-aer: what the machine around the GPUs counted during the run."""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.model import Verdict, Why
from bringup.parsers import boots, host_errors, pci_sysfs
from bringup.parsers.kernel_log import LOG
from bringup.parsers.nvidia_smi_xml import QUERY

LIMITS = {
    "host.edac.uncorrected": ("==", 0),
    "host.edac.corrected": ("<=", 100),
    "host.mce.uncorrected": ("==", 0),
    "host.mce.corrected": ("<=", 10),
    "host.dmesg": ("==", 0),
    "pcie.aer.fatal": ("==", 0),
    "pcie.aer.nonfatal": ("==", 0),
    "pcie.rise.corrected": ("<=", 480, "errors/h"),
}


def bad(outcome) -> list[tuple[str, str, object, str]]:
    return [(m.name, m.at, m.value, m.code) for m in outcome.measurements if not m.ok]


def up(boot: str, uptime_s: float) -> dict[object, str]:
    return {boots.UP: f"boot_id={boot}\nuptime={uptime_s:.2f}\nend=up\n"}


def test_the_same_boot(judge, values) -> None:
    outcome = judge("reboots.py", {}, {}, LIMITS)
    assert outcome.verdict is Verdict.PASS
    assert values(outcome) == [("boots during the run", "gpu-001", 0, True)]


def test_another_boot_is_the_defect_of_the_node(judge, found) -> None:
    outcome = judge("reboots.py", up("aa-11", 180_000), up("bb-22", 90), LIMITS)
    assert (outcome.verdict, found(outcome)) == (Verdict.FAIL, [("fail", "NODE-REBOOTED", "gpu-001")])
    assert outcome.findings[0].message == "started anew 1.5 min ago, after 50.0 h of the boot before"


@pytest.mark.parametrize(
    "said", ["", "boot_id=aa-11\nend=up\n", "boot_id=\nuptime=3.00\nend=up\n", "uptime=3.0"]
)
def test_a_boot_that_is_not_told_is_no_pass(judge, said: str) -> None:
    assert judge("reboots.py", {}, {boots.UP: said}, LIMITS).verdict is Verdict.ERROR
    assert judge("reboots.py", {boots.UP: said}, {}, LIMITS).verdict is Verdict.ERROR


# ------------------------------------------------------------------------------------------ memory, processors


def counts(ue: int = 0, ce: int = 0, mce: int = 0, thr: int = 0) -> dict[object, str]:
    text = f"mc0/ce_count:{ce}\nmc0/ue_count:{ue}\nmc1/ce_count:1\nmc1/ue_count:0\n"
    return {host_errors.COUNTS: text + f"interrupts/MCE:{mce}\ninterrupts/THR:{thr}\nend:counts\n"}


def test_memory_and_processors(judge) -> None:
    assert judge("host_errors.py", counts(2, 99, 1, 9), counts(2, 99, 1, 9), LIMITS).verdict is Verdict.PASS
    outcome = judge("host_errors.py", counts(2, 99), counts(3, 200, 1, 11), LIMITS)
    assert bad(outcome) == [
        ("uncorrected memory errors rise", "gpu-001", 1, "MEMORY-ECC"),
        ("corrected memory errors rise", "gpu-001", 101, "MEMORY-CORRECTED"),
        ("machine checks rise", "gpu-001", 1, "MACHINE-CHECK"),
        ("corrected processor errors rise", "gpu-001", 11, "CPU-CORRECTED"),
    ]


def test_a_machine_on_which_nobody_counts(judge) -> None:
    nobody = {host_errors.COUNTS: "end:counts\n"}
    assert judge("host_errors.py", nobody, nobody, LIMITS).verdict is Verdict.NOT_RUN
    assert judge("host_errors.py", counts(), nobody, LIMITS).verdict is Verdict.ERROR
    assert judge("host_errors.py", nobody, counts(), LIMITS).verdict is Verdict.ERROR


# ------------------------------------------------------------------------------------------------ kernel log

DISK = "blk_update_request: I/O error, dev nvme1n1, sector 1953525168 op 0x0:(READ) flags 0x80700"
CHECK = "mce: [Hardware Error]: Machine check: Processor context corrupt"


def log(uptime: float, *records: tuple[float, str]) -> dict[object, str]:
    lines = [f"[{at:12.6f}] {text}\n" for at, text in records if at <= uptime]
    return {LOG: f"1732100000\n{uptime:.2f} 1000.00\n[    0.000000] Linux version\n" + "".join(lines)}


def test_records_since_the_first_reading(judge, found) -> None:
    old = ((499_000.0, DISK), (499_000.0, CHECK))
    outcome = judge("kernel_log.py", log(500_000, *old), log(503_600, *old), LIMITS)
    assert (outcome.verdict, outcome.findings) == (Verdict.PASS, ())
    new = (*old, (501_000.0, DISK), (502_000.0, CHECK))
    outcome = judge("kernel_log.py", log(500_000, *new), log(503_600, *new), LIMITS)
    assert (outcome.verdict, found(outcome)) == (
        Verdict.FAIL,
        [("fail", "DISK-ERRORS", "gpu-001"), ("fail", "MACHINE-CHECK", "gpu-001")],
    )


# -------------------------------------------------------------------------------------------------- PCI bus


def device(
    address: str, fatal: int = 0, nonfatal: int = 0, corrected: int = 0, vendor: str = "0x15b3"
) -> str:
    pci_class = "0x030200" if vendor == "0x10de" else "0x020700"
    return (
        f"{address}/vendor:{vendor}\n{address}/device:0x2330\n{address}/class:{pci_class}\n"
        f"{address}/aer_dev_fatal:TOTAL_ERR_FATAL {fatal}\n{address}/aer_dev_nonfatal:TOTAL_ERR_NONFATAL {nonfatal}\n"
        f"{address}/aer_dev_correctable:TOTAL_ERR_COR {corrected}\n"
    )


def bus(gpu: tuple[int, int, int], nic: tuple[int, int, int]) -> str:
    gpu_text = device("0000:53:00.0", *gpu, vendor="0x10de")
    return gpu_text + device("0000:1a:00.0", *nic) + "0000:1a:00.0/infiniband/mlx5_0\n"


def test_pcie_errors_are_at_their_device(judge, corpus_text) -> None:
    smi = corpus_text("nvidia-smi-xml/01-h100-x8-580.xml")
    before = {pci_sysfs.DEVICES: bus((0, 0, 9_000_000), (1, 0, 70)), QUERY: smi}
    assert judge("pcie_aer.py", before, before, LIMITS).verdict is Verdict.PASS
    after = {pci_sysfs.DEVICES: bus((0, 1, 9_000_481), (1, 0, 550)), QUERY: smi}
    outcome = judge("pcie_aer.py", before, after, LIMITS)
    gpu = next(m.at for m in outcome.measurements if not m.ok)
    assert gpu.removeprefix("gpu-001/gpu/").isdigit()
    assert bad(outcome) == [
        ("pcie.aer.nonfatal rise", gpu, 1, "PCIE-AER"),
        ("pcie.aer.corrected rise", gpu, 481.0, "PCIE-AER"),
    ]


def test_the_driver_is_only_needed_for_names(judge) -> None:
    before = {pci_sysfs.DEVICES: bus((0, 0, 0), (0, 0, 0)), QUERY: Ended.MISSING}
    after = {pci_sysfs.DEVICES: bus((1, 0, 0), (0, 0, 0)), QUERY: Ended.MISSING}
    assert bad(judge("pcie_aer.py", before, after, LIMITS)) == [
        ("pcie.aer.fatal rise", "gpu-001/gpu/00000000:53:00.0", 1, "PCIE-AER")
    ]


def test_a_gpu_that_is_lost_meanwhile_moves_no_other_number(judge) -> None:
    def amd(address: str, nonfatal: int = 0) -> str:
        text = device(address, nonfatal=nonfatal, vendor="0x1002")
        return text.replace("class:0x020700", "class:0x120000")

    before = {pci_sysfs.DEVICES: amd("0000:05:00.0") + amd("0000:65:00.0"), QUERY: Ended.MISSING}
    after = {pci_sysfs.DEVICES: amd("0000:65:00.0", nonfatal=4), QUERY: Ended.MISSING}
    outcome = judge("pcie_aer.py", before, after, LIMITS)
    assert bad(outcome) == [("pcie.aer.nonfatal rise", "gpu-001/gpu/1", 4, "PCIE-AER")]


def test_firmware_that_keeps_the_errors_to_itself(judge) -> None:
    silent = {
        pci_sysfs.DEVICES: "0000:53:00.0/vendor:0x10de\n0000:53:00.0/device:0x2330\n0000:53:00.0/class:0x030200\n"
    }
    both = {**silent, QUERY: Ended.MISSING}
    outcome = judge("pcie_aer.py", both, both, LIMITS, {"gpu.count": 8})
    assert (outcome.verdict, "reports error counters" in outcome.reason) == (Verdict.ERROR, True)
    plain = judge("pcie_aer.py", both, both, LIMITS, {"gpu.count": 0, "fabric.hcas": []})
    assert (plain.verdict, plain.why) == (Verdict.NOT_RUN, Why.NOT_APPLICABLE)
