"""The checks of AMD GPUs, on captured and invented answers of amd-smi."""

from __future__ import annotations

import json

import pytest

from bringup.commands import Ended
from bringup.errors import NotApplicable, ParseError
from bringup.judging import judged
from bringup.model import Group, Measurement, Verdict
from bringup.parsers import amd_smi, amd_smi_health, amd_smi_tables

TOPOLOGY = "amd-smi/04-topology-text.txt"
STATIC = "amd-smi/07-static-json-envelope-shortened.json"
FACTS = {"gpu.vendor": "amd", "gpu.count": 8}
LIMITS = {
    "gpu.count": ("==", 8),
    "gpu.model": ("==", "AMD Instinct MI300X"),
    "gpu.memory.total": (">=", 196000, "MiB"),
    "gpu.ecc.uncorrected": ("==", 0),
    "gpu.amd.bad_pages": ("==", 0),
    "nvlink.xgmi.errors": ("==", 0),
}
COMMANDS = {
    "gpu/amd_count.py": (amd_smi.LIST,),
    "gpu/amd_model.py": (amd_smi.STATIC,),
    "gpu/amd_ras.py": (amd_smi.METRIC, amd_smi_health.BAD_PAGES),
    "gpu/amd_firmware.py": (amd_smi_health.FIRMWARE,),
    "nvlink/xgmi.py": (amd_smi_tables.TOPOLOGY,),
    "nvlink/xgmi_errors.py": (amd_smi_health.XGMI_ERRORS,),
}
NONE = "No bad pages found."


def gpus(count: int = 8, **each: object) -> str:
    """amd-smi's JSON for some GPUs that all say the same (invented; the keys are the tool's)."""
    return json.dumps([{"gpu": n, **each} for n in range(count)])


def of_gpu(text: str, gpu: int, **other: object) -> str:
    """The same with other values at one GPU."""
    return json.dumps([{**entry, **other} if entry["gpu"] == gpu else entry for entry in json.loads(text)])


LIST = gpus(bdf="0000:05:00.0", uuid="aa")
ECC = gpus(ecc={"total_correctable_count": 0, "total_uncorrectable_count": 0})
PAGES = gpus(retired=NONE, pending=NONE, un_res=NONE)
FIRMWARE = gpus(fw_list=[{"fw_id": "CP_MEC1", "fw_version": "162"}, {"fw_id": "PM", "fw_version": "N/A"}])
XGMI = gpus(xgmi_err="NO_ERRORS")
ANSWERS = {
    "gpu/amd_count.py": (LIST,),
    "gpu/amd_ras.py": (ECC, PAGES),
    "gpu/amd_firmware.py": (FIRMWARE,),
    "nvlink/xgmi_errors.py": (XGMI,),
}


@pytest.fixture
def judge(load_check, node, make_context, make_outputs):
    def judge(name, *texts, facts=None, limits=None):
        outputs = make_outputs(dict(zip(COMMANDS[name], texts, strict=True)))
        context = make_context({**LIMITS, **(limits or {})}, {**FACTS, **(facts or {})})
        return judged(load_check(name), node, outputs, context)

    return judge


def bad(outcome) -> list[tuple[str, str, object, str]]:
    return [(m.name, m.at, m.value, m.code) for m in outcome.measurements if not m.ok]


@pytest.mark.parametrize("name", COMMANDS)
def test_they_ask_only_amd_gpus(load_check, node, make_context, name) -> None:
    check = load_check(name)
    assert (
        tuple(step.command for step in check.plan(node, make_context(LIMITS, FACTS)).steps) == COMMANDS[name]
    )
    with pytest.raises(NotApplicable, match="made by nvidia, not amd"):
        check.plan(node, make_context(LIMITS, {**FACTS, "gpu.vendor": "nvidia"}))


@pytest.mark.parametrize("name", ANSWERS)
def test_healthy(judge, name) -> None:
    outcome = judge(name, *ANSWERS[name])
    assert (outcome.verdict, outcome.reason, outcome.findings) == (Verdict.PASS, "", ())


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("text", ["", "Traceback (most recent call last):\n", '[{"gpu": 0'])
def test_unreadable(judge, name, text) -> None:
    outcome = judge(name, *(text for _ in COMMANDS[name]))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "OUTPUT-UNKNOWN")


@pytest.mark.parametrize("name", COMMANDS)
def test_missing_tool(judge, answer, name) -> None:
    missing = answer(ended=Ended.MISSING, detail="amd-smi")
    outcome = judge(name, *(missing for _ in COMMANDS[name]))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "TOOL-MISSING")


def test_a_driver_that_does_not_answer(judge, answer, found) -> None:
    said = answer(
        "", status=255, stderr="ERROR:root:Unable to get devices, driver not initialized\n"
    )  # invented
    outcome = judge("gpu/amd_count.py", said)
    assert outcome.verdict is Verdict.FAIL
    assert found(outcome) == [("fail", "GPU-DRIVER", "gpu-001")]
    assert judge("gpu/amd_model.py", said).code == "GPU-DRIVER"


def test_seven_of_eight(judge) -> None:
    outcome = judge("gpu/amd_count.py", gpus(7, bdf="0000:05:00.0"))
    assert bad(outcome) == [("gpu.count", "gpu-001", 7, "GPU-MISSING")]
    assert judge("gpu/amd_ras.py", gpus(7, ecc={"total_uncorrectable_count": 0}), PAGES).code == "GPU-MISSING"


def test_the_model_of_a_captured_gpu(judge, corpus_text, values) -> None:
    outcome = judge("gpu/amd_model.py", corpus_text(STATIC), facts={"gpu.count": 1})
    assert outcome.verdict is Verdict.PASS
    assert values(outcome) == [
        ("gpu.model", "gpu-001/gpu/0", "AMD Instinct MI300X", True),
        ("gpu.memory.total", "gpu-001/gpu/0", 196592.0, True),
        ("serial", "gpu-001/gpu/0", "0x6F1F0A2B3C4D5E6F", True),
    ]
    other = judge(
        "gpu/amd_model.py",
        corpus_text(STATIC),
        facts={"gpu.count": 1},
        limits={"gpu.model": ("==", "AMD Instinct MI325X"), "gpu.memory.total": (">=", 250000, "MiB")},
    )
    assert [code for *_, code in bad(other)] == ["GPU-MODEL", "GPU-MEMORY"]


def test_uncorrectable_errors(judge) -> None:
    text = of_gpu(ECC, 3, ecc={"total_uncorrectable_count": 2})
    outcome = judge("gpu/amd_ras.py", text, PAGES)
    assert bad(outcome) == [("gpu.ecc.uncorrected", "gpu-001/gpu/3", 2, "GPU-ECC")]


def test_bad_pages_that_wait_and_pages_that_are_retired(judge, found) -> None:
    page = {"page_address": "0x1000", "page_size": "4 KB", "status": "PENDING"}
    waiting = judge("gpu/amd_ras.py", ECC, of_gpu(PAGES, 1, pending=[page]))
    assert bad(waiting) == [("pending pages", "gpu-001/gpu/1", 1, "GPU-PAGES-PENDING")]
    stuck = judge("gpu/amd_ras.py", ECC, of_gpu(PAGES, 1, un_res=[page]))
    assert bad(stuck) == [("unreservable pages", "gpu-001/gpu/1", 1, "GPU-BAD-PAGES")]
    retired = judge("gpu/amd_ras.py", ECC, of_gpu(PAGES, 1, retired=[page, page]))
    assert retired.verdict is Verdict.PASS
    assert found(retired) == [("note", "GPU-BAD-PAGES", "gpu-001/gpu/1")]
    new = {"gpu.amd.retired_pages": ("==", 0)}
    judged_too = judge("gpu/amd_ras.py", ECC, of_gpu(PAGES, 1, retired=[page, page]), limits=new)
    assert bad(judged_too) == [("gpu.amd.retired_pages", "gpu-001/gpu/1", 2, "GPU-BAD-PAGES")]


def test_pages_that_only_root_may_see_are_no_pass(judge) -> None:
    outcome = judge("gpu/amd_ras.py", ECC, of_gpu(PAGES, 0, retired="N/A", pending="N/A", un_res="N/A"))
    assert (outcome.verdict, outcome.reason) == (
        Verdict.ERROR,
        "bad pages not reported by GPU 0; only root may see them",
    )


def test_firmware_is_read_and_compared(
    judge, load_check, node, make_node, make_context, make_outputs, found
) -> None:
    outcome = judge("gpu/amd_firmware.py", FIRMWARE)
    assert {(m.name, m.value) for m in outcome.measurements} == {("fw CP_MEC1", "162")}
    readings = (*outcome.measurements, Measurement("fw CP_MEC1", "158", "", "gpu-002/gpu/0"))
    context = make_context(LIMITS, FACTS, readings={("gpu.amd-firmware", "fw CP_MEC1"): readings})
    fleet = Group("fleet", (node, make_node(name="gpu-002")))
    check = load_check("gpu/amd_firmware_drift.py")
    drift = judged(check, fleet, make_outputs({}), context)
    assert drift.verdict is Verdict.FAIL
    assert found(drift) == [("fail", "AMD-FIRMWARE", "gpu-002/gpu/0")]
    equal = make_context(LIMITS, FACTS, readings={("gpu.amd-firmware", "fw CP_MEC1"): outcome.measurements})
    assert judged(check, fleet, make_outputs({}), equal).verdict is Verdict.PASS
    assert judged(check, fleet, make_outputs({}), make_context(LIMITS, FACTS)).verdict is Verdict.ERROR


def test_no_firmware_drift_without_amd(load_check, node, make_context) -> None:
    with pytest.raises(NotApplicable):
        load_check("gpu/amd_firmware_drift.py").plan(
            Group("fleet", (node,)), make_context(LIMITS, {**FACTS, "gpu.vendor": "nvidia"})
        )


# ------------------------------------------------------------------------------------------------- XGMI


def topology(text: str, lone: str = "") -> str:
    """The captured tables with the one of link types behind them (invented); `lone` reaches nobody by XGMI."""
    header = text.splitlines()[1]
    addresses = header.split()
    rows = [
        f"{row} "
        + " ".join("SELF" if row == to else "PCIE" if lone in (row, to) else "XGMI" for to in addresses)
        for row in addresses
    ]
    return "\n".join([text.partition("[")[0].rstrip(), "", "LINK TYPE TABLE:", header, *rows, ""])


def test_all_pairs_by_xgmi(judge, corpus_text) -> None:
    outcome = judge("nvlink/xgmi.py", topology(corpus_text(TOPOLOGY)))
    assert (outcome.verdict, outcome.findings, len(outcome.measurements)) == (Verdict.PASS, (), 8)


def test_one_gpu_over_pcie(judge, corpus_text) -> None:
    outcome = judge("nvlink/xgmi.py", topology(corpus_text(TOPOLOGY), "0000:46:00.0"))
    assert outcome.verdict is Verdict.FAIL
    assert bad(outcome) == [("nvlink.xgmi", "gpu-001/gpu/2", 7, "")]


def test_a_topology_without_the_table(judge, corpus_text) -> None:
    outcome = judge("nvlink/xgmi.py", corpus_text(TOPOLOGY).partition("LINK TYPE TABLE:")[0])
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "OUTPUT-UNKNOWN")


@pytest.mark.parametrize(
    ("said", "count"), [("MULTIPLE_ERRORS", 2), ("AMDSMI_XGMI_STATUS_ERROR", 1), (4, 4), ("7", 7)]
)
def test_xgmi_errors(judge, said, count) -> None:
    outcome = judge("nvlink/xgmi_errors.py", of_gpu(XGMI, 6, xgmi_err=said))
    assert bad(outcome) == [("nvlink.xgmi.errors", "gpu-001/gpu/6", count, "")]


def test_xgmi_errors_that_nobody_reports(judge) -> None:
    outcome = judge("nvlink/xgmi_errors.py", of_gpu(XGMI, 6, xgmi_err="N/A"))
    assert (outcome.verdict, outcome.reason) == (Verdict.ERROR, "XGMI errors not reported by GPU 6")


@pytest.mark.parametrize("value", ["Some pages", 7, [3]])
def test_bad_pages_in_unknown_words(value) -> None:
    with pytest.raises(ParseError):
        amd_smi_health.parse_bad_pages(gpus(1, pending=value))
