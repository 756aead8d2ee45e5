"""host.edac and host.mce: what memory controllers and processors counted."""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.judging import judged
from bringup.model import Verdict, Why
from bringup.parsers.host_errors import COUNTS
from bringup.parsers.host_settings import SETTINGS
from bringup.parsers.kernel_log import LOG

LIMITS = {
    "host.edac.uncorrected": ("==", 0),
    "host.edac.corrected": ("<=", 100),
    "host.mce.uncorrected": ("==", 0),
    "host.mce.corrected": ("<=", 10),
}
# invented, as COUNTS prints it; names of files and labels as the kernel's EDAC documentation has them
GOOD = """mc0/mc_name:Intel_10nm Socket#0 IMC#0
mc0/ce_count:3
mc0/ue_count:0
mc0/dimm0/dimm_label:CPU_SrcID#0_MC#0_Chan#0_DIMM#0
mc0/dimm0/dimm_ce_count:3
mc0/dimm0/dimm_ue_count:0
interrupts/THR:0
interrupts/DFR:0
interrupts/MCE:0
end:counts
"""
SETTINGS_OF = "virtual={}\nend=settings\n"
QUIET = "1732100000\n90000.00 1.00\n[    0.000000] Linux version\n"


def log(*lines: str) -> str:
    return QUIET + "".join(f"[ 8{n}000.000000] {line}\n" for n, line in enumerate(lines))


@pytest.fixture
def judge(load_check, node, make_context, make_outputs):
    def run(file: str, counts: object = GOOD, *, virtual: str = "no", kernel: object = QUIET):
        answers = {COUNTS: counts, SETTINGS: SETTINGS_OF.format(virtual), LOG: kernel}
        return judged(load_check(f"host/{file}.py"), node, make_outputs(answers), make_context(LIMITS))

    return run


def test_few_corrected_errors_are_a_note_with_their_module(judge, values) -> None:
    outcome = judge("edac")
    assert outcome.verdict is Verdict.PASS
    assert values(outcome) == [("uncorrected", "gpu-001", 0, True), ("corrected", "gpu-001", 3, True)]
    assert [f.message for f in outcome.findings] == [
        "module CPU_SrcID#0_MC#0_Chan#0_DIMM#0 (mc0/dimm0): 3 corrected errors"
    ]


def test_uncorrected_and_many_corrected_errors(judge) -> None:
    text = GOOD.replace("ue_count:0", "ue_count:2").replace("ce_count:3", "ce_count:4711")
    outcome = judge("edac", text)
    assert outcome.verdict is Verdict.FAIL
    assert [(m.value, m.code) for m in outcome.measurements if not m.ok] == [
        (2, "MEMORY-ECC"),
        (4711, "MEMORY-CORRECTED"),
    ]
    assert [f.code for f in outcome.findings] == ["MEMORY-ECC", "MEMORY-CORRECTED"]


def test_nobody_counts(judge) -> None:
    none = "interrupts/MCE:0\nend:counts\n"
    real, virtual = judge("edac", none), judge("edac", none, virtual="yes")
    assert (real.verdict, virtual.verdict, virtual.why) == (
        Verdict.ERROR,
        Verdict.NOT_RUN,
        Why.NOT_APPLICABLE,
    )
    assert "no EDAC driver" in real.reason


@pytest.mark.parametrize("file", ["edac", "mce"])
def test_cut_off_unknown_and_hanging(judge, file, answer) -> None:
    assert judge(file, GOOD.removesuffix("end:counts\n")).code == "OUTPUT-UNKNOWN"
    assert judge(file, GOOD.replace("ce_count:3", "ce_count:many")).code == "OUTPUT-UNKNOWN"
    assert judge(file, answer(ended=Ended.TIMEOUT)).code == "COMMAND-HANGS"


def test_no_machine_check(judge, values) -> None:
    outcome = judge("mce")
    assert (outcome.verdict, outcome.findings) == (Verdict.PASS, ())
    assert values(outcome) == [
        ("machine checks", "gpu-001", 0, True),
        ("corrected errors", "gpu-001", 0, True),
    ]


def test_machine_checks_are_counted_without_root(judge, values, answer) -> None:
    text = GOOD.replace("MCE:0", "MCE:4").replace("THR:0", "THR:77")
    outcome = judge("mce", text, kernel=answer(status=1, stderr="dmesg: Operation not permitted"))
    assert outcome.verdict is Verdict.FAIL
    assert [(m.value, m.code) for m in outcome.measurements] == [(4, "MACHINE-CHECK"), (77, "CPU-CORRECTED")]


def test_the_log_tells_by_the_status_whether_an_error_was_corrected(judge, values) -> None:
    kernel = log(
        "mce: [Hardware Error]: CPU 12: Machine Check: 0 Bank 7: be00000000800400",
        "mce: [Hardware Error]: CPU 12: Machine Check: 0 Bank 9: 9c000040000800c0",
        "mce: [Hardware Error]: Machine check events logged",
    )
    outcome = judge("mce", kernel=kernel)
    assert values(outcome) == [
        ("machine checks", "gpu-001", 1, False),
        ("corrected errors", "gpu-001", 2, True),
    ]


def test_arm_is_judged_by_its_log_alone(judge, values, answer) -> None:
    arm = "mc0/mc_name:x\nmc0/ce_count:0\nmc0/ue_count:0\nend:counts\n"
    assert values(judge("mce", arm))[0] == ("machine checks", "gpu-001", 0, True)
    dark = judge("mce", arm, kernel=answer(status=1, stderr="Operation not permitted"))
    assert (dark.verdict, dark.measurements) == (Verdict.ERROR, ())
    half = judge("mce", arm, kernel="1732100000\n90000.00 1.00\n[ 5000.000000] usb 1-1: new device\n")
    assert (half.verdict, "no longer reaches back" in half.reason) == (Verdict.ERROR, True)
