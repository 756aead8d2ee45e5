"""after.nvlink-errors, xgmi-errors, gpu-memory, pcie-replay, gpu-xid: what GPUs counted during the run.

The documents are captured; what rose in them is invented.
"""

from __future__ import annotations

import re

import pytest

from bringup.errors import NotApplicable
from bringup.model import Verdict, Weight
from bringup.parsers import amd_smi_health
from bringup.parsers.kernel_log import LOG
from bringup.parsers.nvidia_smi_nvlink import ERRORS
from bringup.parsers.nvidia_smi_xml import QUERY

H100 = "nvidia-smi-xml/01-h100-x8-580.xml"
COUNTERS = "nvidia-smi-nvlink/15-e-nonzero-seven-counters-literal.txt"
FACTS = {"gpu.vendor": "nvidia", "gpu.count": 8, "nvlink.links": 18}
LIMITS = {
    "nvlink.errors.replay": ("<=", 0),
    "nvlink.errors.recovery": ("<=", 0),
    "nvlink.errors.crc": ("<=", 0),
    "nvlink.xgmi.errors": ("==", 0),
    "gpu.ecc.uncorrected": ("==", 0),
    "gpu.remap.pending": ("==", 0),
    "gpu.remap.failed": ("==", 0),
    "gpu.sram.corrected": ("<=", 10_000),
    "pcie.rise.replays": ("<=", 480, "packets/h"),
    "gpu.xid": ("==", 0),
}


def bad(outcome) -> list[tuple[str, str, object, str]]:
    return [(m.name, m.at, m.value, m.code) for m in outcome.measurements if not m.ok]


def replaced(text: str, pattern: str, new: str, nth: int = 0) -> str:
    """The text with the n-th match of a pattern replaced."""
    found = list(re.finditer(pattern, text))
    assert len(found) > nth, pattern
    return text[: found[nth].start()] + new + text[found[nth].end() :]


# -------------------------------------------------------------------------------------------------- NVLink


def test_nvlinks_that_counted_before_are_fine_as_long_as_they_do_not_rise(judge, corpus_text) -> None:
    said = {ERRORS: corpus_text(COUNTERS)}
    outcome = judge("nvlink_errors.py", said, said, LIMITS, {**FACTS, "gpu.count": 2})
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")


def test_a_rise_is_named_by_its_link(judge, corpus_text) -> None:
    text = corpus_text(COUNTERS)
    after = replaced(text, r"Replay Errors: 2", "Replay Errors: 7")
    outcome = judge("nvlink_errors.py", {ERRORS: text}, {ERRORS: after}, LIMITS, {**FACTS, "gpu.count": 2})
    assert bad(outcome) == [("nvlink.errors.replay rise", "gpu-001/gpu/0/nvlink/1", 5.0, "NVLINK-ERRORS")]


def test_a_gpu_that_is_not_listed_any_more(judge, corpus_text) -> None:
    text = corpus_text(COUNTERS)
    after = text[: text.index("GPU 1:")]
    outcome = judge("nvlink_errors.py", {ERRORS: text}, {ERRORS: after}, LIMITS, {**FACTS, "gpu.count": 2})
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "GPU-MISSING")


# ---------------------------------------------------------------------------------------------------- XGMI


def test_xgmi_errors(judge) -> None:
    def said(*errors: int) -> dict[object, str]:  # invented, in the layout of amd-smi 6.3
        rows = ", ".join(f'{{"gpu": {n}, "xgmi_err": "{count}"}}' for n, count in enumerate(errors))
        return {amd_smi_health.XGMI_ERRORS: f"[{rows}]"}

    facts = {"gpu.vendor": "amd", "gpu.count": 2}
    assert judge("xgmi_errors.py", said(3, 0), said(3, 0), LIMITS, facts).verdict is Verdict.PASS
    assert bad(judge("xgmi_errors.py", said(3, 0), said(3, 1), LIMITS, facts)) == [
        ("xgmi errors rise", "gpu-001/gpu/1", 1, "XGMI-ERRORS")
    ]


@pytest.mark.parametrize("name", ["nvlink_errors.py", "gpu_memory.py", "pcie_replay.py", "gpu_xid.py"])
def test_nothing_of_this_concerns_other_gpus(load_check, node, make_context, name: str) -> None:
    with pytest.raises(NotApplicable):
        load_check(f"after/{name}").plan(node, make_context(LIMITS, {**FACTS, "gpu.vendor": "amd"}))


# ---------------------------------------------------------------------------------------------- the document


def test_memory_and_replays_that_stand_still(judge, corpus_text) -> None:
    said = {QUERY: corpus_text(H100)}
    for name in ("gpu_memory.py", "pcie_replay.py"):
        outcome = judge(name, said, said, LIMITS, FACTS)
        assert (outcome.verdict, outcome.reason) == (Verdict.PASS, ""), name


def test_memory_errors_and_repairs_during_the_run(judge, corpus_text) -> None:
    text = corpus_text(H100)
    start = text.index("<volatile>")
    at = text.index("<dram_uncorrectable>0<", start)
    after = text[:at] + "<dram_uncorrectable>2<" + text[at + len("<dram_uncorrectable>0<") :]
    after = replaced(after, "<remapped_row_pending>No<", "<remapped_row_pending>Yes<", 3)
    outcome = judge("gpu_memory.py", {QUERY: text}, {QUERY: after}, LIMITS, FACTS)
    assert bad(outcome) == [
        ("uncorrectable memory errors rise", "gpu-001/gpu/0", 2, "GPU-ECC"),
        ("pending row remappings rise", "gpu-001/gpu/3", 1, "GPU-REMAP-PENDING"),
    ]


def test_replays_are_judged_by_the_hour(judge, corpus_text) -> None:
    text = corpus_text(H100)
    before = int(re.findall(r"<replay_counter>(\d+)<", text)[2])
    after = replaced(text, rf"<replay_counter>{before}<", f"<replay_counter>{before + 500}<", 0)
    place = [g for g, n in enumerate(re.findall(r"<replay_counter>(\d+)<", after)) if int(n) == before + 500]
    assert len(place) == 1
    outcome = judge("pcie_replay.py", {QUERY: text}, {QUERY: after}, LIMITS, FACTS)
    assert bad(outcome) == [("pcie replays rise", f"gpu-001/gpu/{place[0]}", 500.0, "PCIE-REPLAYS")]
    slow = judge("pcie_replay.py", {QUERY: text}, {QUERY: after}, LIMITS, FACTS, seconds=7200)
    assert slow.verdict is Verdict.PASS


# ----------------------------------------------------------------------------------------------------- Xids

XID_95 = "NVRM: Xid (PCI:0000:53:00): 95, pid='<unknown>', name=<unknown>, Uncontained: LTC TAG (0x2,0x0)"
XID_13 = "NVRM: Xid (PCI:0000:53:00): 13, pid=4711, name=python3, Graphics SM Warp Exception"


def log(uptime: float, *records: tuple[float, str], first: str = "[    0.000000] Linux version\n") -> str:
    lines = [f"[{at:12.6f}] {text}\n" for at, text in records if at <= uptime]
    return f"1732100000\n{uptime:.2f} 1000.00\n{first}" + "".join(lines)


def xid(judge, smi: str, *records: tuple[float, str], first: str = "[    0.000000] Linux version\n"):
    before = {LOG: log(500_000, *records, first=first), QUERY: smi}
    after = {LOG: log(503_600, *records, first=first), QUERY: smi}
    return judge("gpu_xid.py", before, after, LIMITS, FACTS)


def test_only_what_is_new_counts(judge, corpus_text, found) -> None:
    smi = corpus_text(H100)
    old = xid(judge, smi, (499_990.0, XID_95))
    assert (old.verdict, old.findings) == (Verdict.PASS, ())
    new = xid(judge, smi, (499_990.0, XID_95), (501_000.0, XID_95), (502_000.0, XID_13))
    assert new.verdict is Verdict.FAIL
    at = next(f.at for f in new.findings if f.weight is Weight.FAIL)
    assert found(new) == [("note", "GPU-XID", at), ("fail", "GPU-XID", at)]
    assert at.startswith("gpu-001/gpu/")


def test_a_log_that_lost_the_first_reading_is_no_pass(judge, corpus_text) -> None:
    outcome = xid(judge, corpus_text(H100), first="[502000.000000] usb 1-1: new device\n")
    assert outcome.verdict is Verdict.ERROR
    assert "does not reach back the 60 min" in outcome.reason
