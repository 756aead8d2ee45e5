"""gpu.count: missing, lost and unlisted GPUs, and a driver that does not answer."""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.nvidia_smi_xml import QUERY
from bringup.parsers.pci_sysfs import DEVICES

H100 = "nvidia-smi-xml/01-h100-x8-580.xml"


@pytest.fixture
def check(load_check):
    return load_check("gpu/count.py")


def bus(*addresses: str) -> str:
    """What the PCI bus says about GPUs at these addresses."""
    return "".join(f"{a}/vendor:0x10de\n{a}/device:0x2330\n{a}/class:0x030200\n" for a in addresses)


def test_the_plan_shares_the_one_query(check, node, hgx) -> None:
    assert [step.command for step in check.plan(node, hgx()).steps] == [QUERY, DEVICES]


def test_eight_of_eight(check, node, hgx, make_outputs, corpus_text, values) -> None:
    outcome = judged(
        check, node, make_outputs({QUERY: corpus_text(H100), DEVICES: bus("0000:53:00.0")}), hgx()
    )
    assert (outcome.verdict, outcome.reason, outcome.findings) == (Verdict.PASS, "", ())
    assert values(outcome) == [("gpu.count", "gpu-001", 8, True)]


def test_a_lost_gpu_is_named_by_index_address_and_serial(
    check, node, hgx, make_outputs, corpus_text, values, found
) -> None:
    out = make_outputs(
        {QUERY: corpus_text("nvidia-smi-xml/08-mock-gb200-lost.xml"), DEVICES: bus("0000:0a:00.0")}
    )
    outcome = judged(check, node, out, hgx(limits={"gpu.count": ("==", 2)}))
    assert outcome.verdict is Verdict.FAIL
    assert values(outcome) == [("gpu.count", "gpu-001", 1, False)]
    assert found(outcome) == [("fail", "GPU-LOST", "gpu-001/gpu/1")]
    assert outcome.findings[0].message == (
        "GPU 1 at 0000:0b:00.0, serial 1562849103701 does not answer the driver: GPU is lost"
    )


def test_a_gpu_that_the_driver_cannot_open_is_named_by_its_address(
    check, node, hgx, make_outputs, answer, corpus_text, values, found
) -> None:
    sentence = corpus_text("nvidia-smi-errors/01-unable-device-handle-gpu-no-space.txt")
    text = corpus_text(H100)
    seven = text[: text.rindex("\t<gpu id=")] + "</nvidia_smi_log>"
    out = make_outputs({QUERY: answer(seven, status=15, stderr=sentence), DEVICES: bus()})
    outcome = judged(check, node, out, hgx())
    assert values(outcome) == [("gpu.count", "gpu-001", 7, False)]
    assert found(outcome)[0] == ("fail", "GPU-LOST", "gpu-001/gpu/00000000:cb:00.0")
    assert outcome.findings[0].message == "GPU at 0000:cb:00.0 does not answer the driver: Unknown Error"


def test_a_gpu_on_the_bus_that_the_driver_does_not_list(
    check, node, hgx, make_outputs, corpus_text, values, found
) -> None:
    text = corpus_text(H100).replace("<attached_gpus>8<", "<attached_gpus>7<")
    last = text.rindex('\t<gpu id="')
    address = text[last + 10 : last + 26]
    seven = text[:last] + "</nvidia_smi_log>"
    out = make_outputs({QUERY: seven, DEVICES: bus("0000:53:00.0", address.lower()[4:])})
    outcome = judged(check, node, out, hgx())
    assert values(outcome) == [("gpu.count", "gpu-001", 7, False)]
    assert found(outcome) == [("fail", "GPU-DRIVER", f"gpu-001/gpu/{address.lower()}")]


def test_missing_gpus_without_a_readable_bus_still_fail(
    check, node, hgx, make_outputs, answer, corpus_text, values, found
) -> None:
    out = make_outputs(
        {
            QUERY: corpus_text("nvidia-smi-xml/03-gb200-x4-580.xml"),
            DEVICES: answer("", status=1, stderr="no /sys"),
        }
    )
    outcome = judged(check, node, out, hgx())
    assert outcome.verdict is Verdict.FAIL
    assert values(outcome) == [("gpu.count", "gpu-001", 4, False)]
    assert found(outcome) == [("note", "GPU-MISSING", "gpu-001")]


@pytest.mark.parametrize(
    ("file", "status"),
    [("03-cannot-communicate-with-driver.txt", 9), ("04-nvml-driver-library-mismatch-2-lines.txt", 18)],
)
def test_a_dead_driver_is_a_finding(
    check, node, hgx, make_outputs, answer, corpus_text, found, file, status
) -> None:
    said = corpus_text(f"nvidia-smi-errors/{file}")
    outcome = judged(check, node, make_outputs({QUERY: answer(said, status=status), DEVICES: bus()}), hgx())
    assert (outcome.verdict, outcome.measurements) == (Verdict.FAIL, ())
    assert found(outcome) == [("fail", "GPU-DRIVER", "gpu-001")]
    assert said.strip().split("\n")[0].strip() in outcome.findings[0].message


def test_one_lost_gpu_that_hides_all_others(
    check, node, hgx, make_outputs, answer, corpus_text, found
) -> None:
    said = corpus_text("nvidia-smi-errors/06-device-handle-gpu-lost-two-blanks.txt")
    out = make_outputs({QUERY: answer(said, status=15), DEVICES: bus("0000:05:00.0", "0000:53:00.0")})
    outcome = judged(check, node, out, hgx())
    assert (outcome.verdict, outcome.measurements) == (Verdict.FAIL, ())
    assert found(outcome) == [("fail", "GPU-LOST", "gpu-001/gpu/00000000:05:00.0")]


def test_no_gpu_at_all(check, node, hgx, make_outputs, answer, values) -> None:
    out = make_outputs({QUERY: answer("No devices were found\n", status=6), DEVICES: bus()})
    outcome = judged(check, node, out, hgx())
    assert outcome.verdict is Verdict.FAIL
    assert values(outcome) == [("gpu.count", "gpu-001", 0, False)]


def test_a_corrupted_inforom_fails_although_all_gpus_answer(
    check, node, hgx, make_outputs, answer, corpus_text, found
) -> None:
    warning = "WARNING: infoROM is corrupted at gpu 0000:53:00.0\n"
    out = make_outputs({QUERY: answer(corpus_text(H100), status=14, stderr=warning), DEVICES: bus()})
    outcome = judged(check, node, out, hgx())
    assert outcome.verdict is Verdict.FAIL
    assert found(outcome) == [("fail", "GPU-INFOROM", "gpu-001/gpu/0")]


def test_a_missing_tool_and_a_lost_connection(check, node, hgx, make_outputs, answer) -> None:
    missing = make_outputs({QUERY: answer(ended=Ended.MISSING, detail="nvidia-smi"), DEVICES: bus()})
    assert judged(check, node, missing, hgx()).code == "TOOL-MISSING"
    lost = make_outputs({QUERY: answer(ended=Ended.LOST, detail="connection lost"), DEVICES: bus()})
    outcome = judged(check, node, lost, hgx())
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "NODE-LOST")
