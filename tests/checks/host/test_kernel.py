"""host.dmesg and host.hung: what the kernel calls trouble, inside and outside the run's window."""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.blocked import BLOCKED
from bringup.parsers.kernel_log import LOG

LIMITS = {"host.dmesg": ("==", 0), "host.hung": ("==", 0)}
FACTS = {"kernel_log.lookback_min": 60}
HEAD = "1732100000\n90000.00 1.00\n[    0.000000] Linux version\n"
NONE = "processes 1200\nend\n"
# Records in the kernel's own words (drivers/nvme, fs/ext4, kernel/hung_task.c, mm/oom_kill.c); stamps invented.
DISK = "blk_update_request: I/O error, dev nvme1n1, sector 1953525168 op 0x0:(READ) flags 0x80700"
HUNG = "INFO: task nvidia-persiste:9946 blocked for more than 120 seconds."
OOM = "Out of memory: Killed process 4711 (python3) total-vm:1kB, anon-rss:1kB"
EDAC = "EDAC MC0: 1 UE memory read error on CPU_SrcID#0_MC#0_Chan#1_DIMM#0 (channel:1 slot:0 page:0x3c2b8)"
YOUNG, OLD = 89_000, 40_000


def log(*lines: tuple[int, str], head: str = HEAD) -> str:
    return head + "".join(f"[{stamp:5}.000000] {line}\n" for stamp, line in lines)


@pytest.fixture
def judge(load_check, node, make_context, make_outputs):
    def run(file: str, kernel: object = HEAD, processes: object = NONE, facts=FACTS):
        ctx = make_context(LIMITS, facts, started=1_000_000.0)
        out = make_outputs({LOG: kernel, BLOCKED: processes})
        return judged(load_check(f"host/{file}.py"), node, out, ctx)

    return run


def test_a_quiet_log(judge, values) -> None:
    dmesg, hung = judge("dmesg"), judge("hung")
    assert (dmesg.verdict, dmesg.findings, hung.verdict, hung.findings) == (
        Verdict.PASS,
        (),
        Verdict.PASS,
        (),
    )
    assert values(dmesg) == [("kernel errors", "gpu-001", 0, True)]
    assert values(hung) == [("blocked processes", "gpu-001", 0, True), ("hung tasks", "gpu-001", 0, True)]


def test_each_kind_of_trouble_has_its_code(judge, found) -> None:
    outcome = judge("dmesg", log((YOUNG, DISK), (YOUNG, DISK), (YOUNG, OOM), (YOUNG, EDAC), (YOUNG, HUNG)))
    assert outcome.verdict is Verdict.FAIL
    assert found(outcome) == [
        ("fail", "DISK-ERRORS", "gpu-001"),
        ("fail", "KERNEL-ERRORS", "gpu-001"),
        ("fail", "MEMORY-ECC", "gpu-001"),
    ]
    assert outcome.findings[0].message == f"disk error (2 times): {DISK}"
    assert [(m.value, m.limit) for m in outcome.measurements] == [(4, None)]


def test_old_trouble_is_a_note(judge, found) -> None:
    outcome = judge("dmesg", log((OLD, DISK)))
    assert (outcome.verdict, found(outcome)) == (Verdict.PASS, [("note", "KERNEL-ERRORS", "gpu-001")])
    assert judge("hung", log((OLD, HUNG))).verdict is Verdict.PASS


def test_the_noise_of_a_healthy_boot_is_nothing(judge, corpus_text) -> None:
    outcome = judge("dmesg", HEAD + corpus_text("nvidia-kernel-log/09-boot-3gpu-healthy.txt"))
    assert (outcome.verdict, outcome.findings) == (Verdict.PASS, ())


def test_real_reports_of_gpus_and_of_the_bus_are_not_trouble_of_the_host(judge, corpus_text) -> None:
    for name in (
        "nvidia-kernel-log/04-pcie-limited-by-252gbps.txt",
        "pcie-aer/01-corrected-rxerr-baddllp.txt",
    ):
        assert judge("dmesg", HEAD + corpus_text(name)).findings == ()


def test_memory_ran_out_in_a_real_log(judge, corpus_text) -> None:
    outcome = judge("dmesg", HEAD + corpus_text("nvidia-kernel-log/02-xid13-43-dmesg-decode-iso.txt"))
    assert [f.code for f in outcome.findings] == ["KERNEL-ERRORS"]
    assert "out of memory" in outcome.findings[0].message


def test_a_hung_task_and_a_blocked_process(judge, values, found) -> None:
    outcome = judge(
        "hung", log((YOUNG, HUNG)), "blocked 4711 user 33 python3\nblocked 9 kernel 7 nv_queue\n" + NONE
    )
    assert outcome.verdict is Verdict.FAIL
    assert values(outcome) == [
        ("blocked processes", "gpu-001", 1, False),
        ("hung tasks", "gpu-001", 1, False),
    ]
    assert [f.message for f in outcome.findings][:2] == [
        "process python3 (pid 4711)",
        "kernel thread nv_queue (pid 9)",
    ]


def test_a_kernel_thread_alone_is_a_note(judge, found) -> None:
    outcome = judge("hung", processes="blocked 9 kernel 7 nv_queue\n" + NONE)
    assert (outcome.verdict, found(outcome)) == (Verdict.PASS, [("note", "HUNG-TASK", "gpu-001")])


def test_without_the_log_a_blocked_process_still_counts(judge, answer) -> None:
    dark = answer(status=1, stderr="dmesg: read kernel buffer failed: Operation not permitted")
    assert judge("hung", dark).verdict is Verdict.ERROR
    assert judge("hung", dark, "blocked 4711 user 33 python3\n" + NONE).verdict is Verdict.FAIL
    assert judge("dmesg", dark).verdict is Verdict.ERROR


@pytest.mark.parametrize("file", ["dmesg", "hung"])
def test_a_log_that_does_not_reach_back_proves_nothing(judge, file) -> None:
    short = "1732100000\n90000.00 1.00\n[89990.000000] usb 1-1: new device\n"
    outcome = judge(file, short)
    assert (outcome.verdict, "does not reach back" in outcome.reason) == (Verdict.ERROR, True)


@pytest.mark.parametrize("file", ["dmesg", "hung"])
def test_missing_tool_and_missing_fact(judge, file, answer) -> None:
    assert judge(file, answer(ended=Ended.MISSING, detail="dmesg")).code == "TOOL-MISSING"
    assert judge(file, facts={}).verdict is Verdict.ERROR


@pytest.mark.parametrize(
    "processes", ["end\n", "processes 0\nend\n", "blocked 1 user\n" + NONE, "processes 3\n"]
)
def test_processes_that_cannot_be_read(judge, processes) -> None:
    assert judge("hung", processes=processes).code == "OUTPUT-UNKNOWN"
