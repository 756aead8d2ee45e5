"""gpu.xid: the window by age, what counts, where it counts, and a log that proves nothing."""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.kernel_log import LOG
from bringup.parsers.nvidia_smi_xml import QUERY

H100 = "nvidia-smi-xml/01-h100-x8-580.xml"
STARTED = 1_000_000.0
UPTIME = 90_000.0
BOOT_LINE = "[    0.000000] Linux version 6.8.0-45-generic\n"
XID_79 = "NVRM: Xid (PCI:0000:53:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus."


@pytest.fixture
def check(load_check):
    return load_check("gpu/xid.py")


def log(*records: tuple[float, str], first: str = BOOT_LINE) -> str:
    """A kernel log read when the run starts; records are (minutes ago, text)."""
    lines = [f"[{UPTIME - minutes * 60:12.6f}] {text}\n" for minutes, text in records]
    return f"1732100000\n{UPTIME:.2f} 1000.00\n{first}" + "".join(lines)


@pytest.fixture
def judge(check, node, hgx, make_outputs, corpus_text):
    """The outcome for a log, with an eight-GPU H100 document beside it."""

    def run(text: str, smi: object = None, **more: object):
        out = make_outputs({LOG: text, QUERY: corpus_text(H100) if smi is None else smi})
        return judged(check, node, out, hgx(**more))

    return run


def test_a_quiet_log(judge, values) -> None:
    outcome = judge(log())
    assert (outcome.verdict, outcome.reason, outcome.findings) == (Verdict.PASS, "", ())
    assert values(outcome) == [("gpu.xid", "gpu-001", 0, True)]


def test_a_gpu_off_the_bus_is_its_own_fault_at_its_index(judge, values, found) -> None:
    outcome = judge(log((5, XID_79), (5, "NVRM: GPU 0000:53:00.0: GPU has fallen off the bus.")))
    assert outcome.verdict is Verdict.FAIL
    assert found(outcome) == [("fail", "GPU-LOST", "gpu-001/gpu/0")]
    assert values(outcome) == [("gpu.xid", "gpu-001", 2, True)]
    assert outcome.findings[0].message.startswith(
        "Xid 79 (GPU has fallen off the bus) at 0000:53:00.0, 5 min ago: GPU has fallen off the bus; cold-boot"
    )


def test_a_gpu_that_the_driver_no_longer_lists_is_named_by_its_address(judge, found) -> None:
    outcome = judge(log((5, XID_79.replace("53:00", "ee:00"))))
    assert found(outcome) == [("fail", "GPU-LOST", "gpu-001/gpu/00000000:ee:00.0")]


def test_the_log_is_judged_without_nvidia_smi(judge, answer, found) -> None:
    outcome = judge(log((5, XID_79)), smi=answer(ended=Ended.MISSING, detail="nvidia-smi"))
    assert found(outcome) == [("fail", "GPU-LOST", "gpu-001/gpu/00000000:53:00.0")]


def test_a_report_over_three_lines(judge, corpus_text, found) -> None:
    text = corpus_text("nvidia-kernel-log/07-gpu-fallen-off-bus-multiline.txt")
    outcome = judge("1732100000\n2000.00 1.00\n" + BOOT_LINE + text)
    assert found(outcome) == [("fail", "GPU-LOST", "gpu-001/gpu/00000000:b3:00.0")]


def test_an_old_error_is_a_note(judge, values, found) -> None:
    outcome = judge(log((61, XID_79)))
    assert outcome.verdict is Verdict.PASS
    assert values(outcome) == [("gpu.xid", "gpu-001", 0, True)]
    assert found(outcome) == [("note", "GPU-XID", "gpu-001/gpu/0")]
    assert outcome.findings[0].message.startswith("before this run's window: Xid 79")


def test_the_window_reaches_back_from_the_start_of_the_run(
    judge, check, node, hgx, make_outputs, answer
) -> None:
    # the log is read two hours after the start; an error 90 minutes after the start is 30 minutes old
    text = log((30, XID_79), (150, XID_79), (190, XID_79))
    out = make_outputs({LOG: answer(text, at=STARTED + 7200), QUERY: ""})
    outcome = judged(check, node, out, hgx(started=STARTED))
    assert [m.value for m in outcome.measurements] == [2]


@pytest.mark.parametrize(
    "text",
    [
        "NVRM: Xid (PCI:0000:53:00): 13, pid=1, name=python, Graphics Exception",
        "NVRM: Xid (PCI:0000:53:00): 31, pid=1, name=python, MMU Fault",
        "NVRM: Xid (PCI:0000:53:00): 43, pid=1, name=python, Ch 00000008",
        "NVRM: Xid (PCI:0000:53:00): 45, pid=1, name=python, Ch 00000008",
        "NVRM: Xid (PCI:0000:53:00): 145, RLW_SRC_TRACK Nonfatal XC1 i0 Link 12 (0x040988e2)",
        "nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 12028, Non-fatal, Link 61 egress non-posted PRIV error (First)",
    ],
)
def test_what_is_no_evidence_against_hardware_is_a_note(judge, text) -> None:
    outcome = judge(log((5, text)))
    assert outcome.verdict is Verdict.PASS
    assert [f.weight.value for f in outcome.findings] == ["note"]
    assert outcome.findings[0].message.startswith("no evidence against the hardware: ")


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [
        (
            "NVRM: Xid (PCI:0000:53:00): 48, pid=1, name=python, DBE",
            "gpu-001/gpu/0",
            "Xid 48 (double-bit ECC error)",
        ),
        (
            "NVRM: Xid (PCI:0000:53:00): 149, NETIR Fatal Link 08 (0x1)",
            "gpu-001/gpu/0",
            "Xid 149 (NVLink NETIR",
        ),
        ("NVRM: Xid (PCI:0000:53:00): 999, new", "gpu-001/gpu/0", "Xid 999 (not in our table)"),
        (
            "nvidia-nvswitch0: SXid (PCI:0000:c2:00.0): 20034, Fatal, Link 30 LTSSM Fault Up",
            "gpu-001",
            "SXid 20034",
        ),
    ],
)
def test_hardware_errors(judge, found, text, at, words) -> None:
    outcome = judge(log((5, text)))
    assert outcome.verdict is Verdict.FAIL
    assert found(outcome) == [("fail", "GPU-XID", at)]
    assert outcome.findings[0].message.startswith(words)


def test_a_gpu_whose_system_processor_is_silent_is_for_software(judge, found) -> None:
    outcome = judge(log((5, "NVRM: Xid (PCI:0000:64:00): 119, pid=1, name=x, Timeout")))
    assert outcome.verdict is Verdict.FAIL
    assert found(outcome) == [("fail", "GPU-GSP", "gpu-001/gpu/1")]
    assert outcome.findings[0].message.startswith("Xid 119 (GSP RPC timeout)")


def test_repeated_errors_are_one_finding_for_each_gpu(judge, corpus_text, found) -> None:
    text = corpus_text("nvidia-kernel-log/06-xid145-149-gb200-nvlink5.txt")
    outcome = judge(log(*[(5, line) for line in text.splitlines()]))
    assert [f for f in found(outcome) if f[0] == "fail"] == [
        ("fail", "GPU-XID", "gpu-001/gpu/00000019:01:00.0"),
        ("fail", "GPU-XID", "gpu-001/gpu/00000008:01:00.0"),
        ("fail", "GPU-XID", "gpu-001/gpu/00000018:01:00.0"),
    ]
    assert [m.value for m in outcome.measurements] == [10]


def test_an_error_without_a_stamp_counts(judge, found) -> None:
    outcome = judge(log() + XID_79 + "\n")
    assert found(outcome) == [("fail", "GPU-LOST", "gpu-001/gpu/0")]
    assert "age unknown" in outcome.findings[0].message


def test_a_profile_that_allows_some_errors(judge, values, found) -> None:
    outcome = judge(
        log((5, "NVRM: Xid (PCI:0000:53:00): 63, pid=1, name=x, Row Remapper")), limits={"gpu.xid": ("<=", 1)}
    )
    assert outcome.verdict is Verdict.PASS
    assert values(outcome) == [("gpu.xid", "gpu-001", 1, True)]
    assert found(outcome) == [("note", "GPU-XID", "gpu-001/gpu/0")]


def test_a_log_that_does_not_reach_back_is_no_pass(judge) -> None:
    outcome = judge(log((30, "usb 1-1: new device"), first=""))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "")
    assert outcome.reason.endswith("does not reach back the 60 min that the profile asks for")


def test_a_proven_error_stays_in_a_short_log(judge) -> None:
    assert judge(log((30, XID_79), first="")).verdict is Verdict.FAIL


def test_a_short_log_of_a_node_that_has_just_booted_is_whole(judge) -> None:
    assert judge("1732100000\n600.00 1.00\n[    3.100000] Linux version\n").verdict is Verdict.PASS


@pytest.mark.parametrize("text", ["", "1732100000\n90000.00 1.00\n", "dmesg: something else\n"])
def test_a_log_that_cannot_be_read(judge, text) -> None:
    outcome = judge(text)
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "OUTPUT-UNKNOWN")


def test_without_rights_the_log_is_not_judged(judge, answer) -> None:
    outcome = judge(
        answer("1732100000\n90000.00 1.00\n", status=1, stderr="dmesg: read kernel buffer failed")
    )
    assert outcome.verdict is Verdict.ERROR
    assert "dmesg: read kernel buffer failed" in outcome.reason
