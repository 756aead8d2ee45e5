"""pcie.gpu-link: lanes now, highest generation; never the generation of an idle GPU."""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.nvidia_smi_xml import QUERY, parse
from bringup.parsers.pci_sysfs import DEVICES

H100 = "nvidia-smi-xml/01-h100-x8-580.xml"


@pytest.fixture
def check(load_check):
    return load_check("pcie/gpu_link.py")


@pytest.fixture
def addresses(corpus_text) -> list[str]:
    return [gpu.address[4:] for gpu in parse(corpus_text(H100)).gpus]


@pytest.fixture
def judge(check, node, hgx, make_outputs, corpus_text):
    def run(bus: str, smi: object = None, **more: object):
        out = make_outputs({DEVICES: bus, QUERY: corpus_text(H100) if smi is None else smi})
        return judged(check, node, out, hgx(**more))

    return run


def broken(outcome) -> list[tuple[str, str, float | str, str]]:
    return [(m.name, m.at, m.value, m.code) for m in outcome.measurements if not m.ok]


def test_idle_gpus_at_generation_one_are_fine(judge, device, addresses, values) -> None:
    outcome = judge("".join(device(a, speed="2.5 GT/s PCIe") for a in addresses))
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert values(outcome)[:2] == [
        ("pcie.gpu.width", "gpu-001/gpu/0", 16, True),
        ("pcie.gpu.gen_max", "gpu-001/gpu/0", 5, True),
    ]
    assert len(outcome.measurements) == 16


def test_half_of_the_lanes(judge, device, addresses) -> None:
    bus = "".join(device(a, width="8" if n == 3 else "16") for n, a in enumerate(addresses))
    outcome = judge(bus)
    assert outcome.verdict is Verdict.FAIL
    assert broken(outcome) == [("pcie.gpu.width", "gpu-001/gpu/3", 8, "PCIE-GPU-WIDTH")]


def test_a_slot_that_allows_less_than_the_gpu(judge, device, addresses, corpus_text) -> None:
    smi = corpus_text(H100).replace("<max_link_gen>5<", "<max_link_gen>4<", 1)  # invented
    outcome = judge("".join(map(device, addresses)), smi)
    assert broken(outcome) == [("pcie.gpu.gen_max", "gpu-001/gpu/0", 4, "PCIE-GPU-GEN")]


def test_without_the_driver_gpus_are_named_by_address(judge, device, addresses, answer) -> None:
    bus = "".join(device(a, width="4" if a == addresses[0] else "16") for a in addresses)
    outcome = judge(bus, answer(ended=Ended.MISSING, detail="nvidia-smi"))
    assert broken(outcome) == [
        ("pcie.gpu.width", f"gpu-001/gpu/0000{addresses[0]}", 4, "PCIE-GPU-WIDTH"),
    ]


def test_a_gpu_that_does_not_answer_is_no_pass(judge, device, addresses) -> None:
    dead = {"speed": "Unknown", "width": "63", "max_speed": "Unknown"}
    outcome = judge("".join(device(a, **(dead if n == 7 else {})) for n, a in enumerate(addresses)))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "PCIE-GPU-MISSING")
    assert len(outcome.measurements) == 14


def test_a_link_that_is_not_reported_is_no_pass(judge, device, addresses) -> None:
    outcome = judge("".join(device(a, width=None if n == 7 else "16") for n, a in enumerate(addresses)))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "")
    assert outcome.reason == f"PCIe link not reported by GPU {addresses[7]}"
    assert len(outcome.measurements) == 15


def test_a_missing_gpu_is_no_pass(judge, device, addresses) -> None:
    outcome = judge("".join(map(device, addresses[:7])))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "PCIE-GPU-MISSING")


def test_a_bus_that_cannot_be_read(judge) -> None:
    assert judge("what\n").code == "OUTPUT-UNKNOWN"
