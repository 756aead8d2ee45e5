"""`nvidia-smi -q -x`: every captured document in every layout, whole and cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from bringup.errors import ParseError
from bringup.parsers.nvidia_smi_gpu import Gpu, Remap
from bringup.parsers.nvidia_smi_xml import parse

TOOL = "nvidia-smi-xml"
Captured = Callable[[str], dict[str, str]]


@dataclass(frozen=True)
class Facts:
    """What the document says; `same` are values that all its GPUs share, by dotted name."""

    driver: str | None
    attached: int | None
    gpus: int
    same: dict[str, object] = field(default_factory=dict)
    each: dict[str, list[object]] = field(default_factory=dict)


NO_REMAP = Remap(None, None, None, None)
CLEAN_REMAP = Remap(0, 0, False, False)

EXPECTED: dict[str, Facts] = {
    "01-h100-x8-580.xml": Facts(
        "580.105.08",
        8,
        8,
        {
            "name": "NVIDIA H100 80GB HBM3",
            "lost": False,
            "memory_mib": 81559,
            "mig": "Disabled",
            "ecc_mode": "Enabled",
            "persistence": "Enabled",
            "recovery_action": "None",
            "remap": CLEAN_REMAP,
            "ecc.volatile_uncorrected": 0,
            "ecc.sram_threshold_exceeded": False,
            "pcie.gen": 5,
            "pcie.gen_max": 5,
            "pcie.width": 16,
            "fabric.state": "Completed",
            "fabric.status": "Success",
            "fabric.clique": 0,
            "fabric.cluster": "00000000-0000-0000-0000-000000000000",
            "fabric.health": None,
            "fabric.complaints": (),
        },
        {"index": list(range(8)), "pcie.replays": [150, 144, 174, 158, 145, 172, 162, 106]},
    ),
    "02-b200-x8-580.xml": Facts(
        "580.105.08",
        8,
        8,
        {
            "memory_mib": 183359,
            "persistence": "Disabled",
            "pcie.gen_max": 5,
            "pcie.width": 16,
            "fabric.state": "Completed",
            "fabric.status": "Success",
            "fabric.health": "Healthy",
            "fabric.complaints": (),
        },
    ),
    "03-gb200-x4-580.xml": Facts(
        "580.173.02",
        4,
        4,
        {
            "memory_mib": 189471,
            "fabric.clique": 2,
            "fabric.cluster": "00000001-0000-0000-0000-000000000001",
            "fabric.health": "Healthy",
            "fabric.complaints": (),
        },
    ),
    "04-gb300-x4-580.xml": Facts(
        "580.173.02",
        4,
        4,
        {"fabric.clique": 32766, "fabric.complaints": (), "pcie.gen": 6},
        {"address": ["00000008:06:00.0", "00000009:06:00.0", "00000018:06:00.0", "00000019:06:00.0"]},
    ),
    "05-a100-x1-570.xml": Facts(
        "570.148.08",
        1,
        1,
        {
            "fabric.state": None,
            "fabric.status": None,
            "ecc.volatile_uncorrected": 0,
            "remap": CLEAN_REMAP,
            "power_w": 49.68,
        },
    ),
    "06-l40s-x1-595.xml": Facts(
        "595.91.07",
        1,
        1,
        {
            "pcie.gen": 4,
            "pcie.gen_max": 4,
            "pcie.width": 8,
            "pcie.width_max": 16,
            "mig": None,
            "fabric.state": None,
        },
    ),
    "07-t4-x1-595.xml": Facts(
        "595.91.07",
        1,
        1,
        {
            "pcie.gen": 3,
            "pcie.gen_max": 3,
            "pcie.width": 8,
            "pcie.width_max": 16,
            "remap": NO_REMAP,
            "retired.single_bit": 0,
            "retired.double_bit": 0,
            "retired.pending": False,
            "ecc.volatile_uncorrected": 0,
        },
    ),
    "08-mock-gb200-lost.xml": Facts(
        "580.65.06",
        2,
        2,
        {},
        {
            "lost": [False, True],
            "index": [0, 1],
            "address": ["00000000:0a:00.0", "00000000:0b:00.0"],
            "ecc.volatile_uncorrected": [5, None],
            "ecc.aggregate_uncorrected": [8, None],
            "remap": [Remap(0, 1, False, True), NO_REMAP],
            "memory_mib": [196608, None],
            "temperature_c": [63.0, None],
            "memory_temperature_c": [34.0, 34.0],
            "fabric.state": ["Completed", None],
        },
    ),
    "09-mock-gb200-ecc-injected.xml": Facts(
        "580.65.06",
        2,
        2,
        {"lost": False},
        {
            "address": ["00000000:0a:00.0", "00000000:0b:00.0"],
            "ecc.volatile_uncorrected": [5, 0],
            "ecc.aggregate_uncorrected": [8, 0],
            "remap": [Remap(0, 1, False, True), CLEAN_REMAP],
        },
    ),
    "10-mock-gb200-fabric-degraded.xml": Facts(
        "580.65.06",
        2,
        2,
        {"fabric.state": "Completed", "fabric.status": "Success"},
        {
            "fabric.health": ["Healthy", "Unhealthy"],
            "fabric.complaints": [(), ("route unhealthy: True",)],
        },
    ),
    "11-a100-sxm4-80-mig4-535.xml": Facts(
        "535.54.03",
        4,
        1,
        {
            "index": None,
            "label": "00000000:01:00.0",
            "mig": "Enabled",
            "mig_devices": 4,
            "fabric.state": None,
            "power_w": 67.03,
            "remap": NO_REMAP,
        },
    ),
    "12-a10g-515-pcie-gen1-idle.xml": Facts(
        "515.105.01",
        1,
        1,
        {"pcie.gen": 1, "pcie.gen_max": 4, "pcie.width": 8, "power_w": 25.58, "fabric.state": None},
    ),
    "13-gtx1070ti-390-minimal.xml": Facts(
        None,
        None,
        1,
        {
            "index": 0,
            "name": "GeForce GTX 1070 Ti",
            "memory_mib": 4096,
            "power_w": None,
            "pcie.gen": 1,
            "pcie.gen_max": None,
            "ecc.volatile_uncorrected": None,
            "slowdowns": None,
        },
    ),
    "14-t4-515.xml": Facts(
        "515.105.01",
        1,
        1,
        {
            "name": "Tesla T4",
            "pcie.width": 8,
            "pcie.width_max": 16,
            "retired.single_bit": 0,
            "retired.pending": False,
            "slowdowns": (),
        },
    ),
    "15-a100-sxm4-40-mig2-510.xml": Facts(
        "510.47.03",
        1,
        1,
        {
            "mig": "Enabled",
            "mig_devices": 2,
            "ecc.volatile_uncorrected": None,
            "ecc.aggregate_uncorrected": 0,
        },
    ),
    "16-p100-510.xml": Facts(
        "510.47.03",
        1,
        1,
        {
            "name": "Tesla P100-PCIE-16GB",
            "ecc.volatile_uncorrected": 0,
            "ecc.aggregate_uncorrected": 0,
            "retired.pending": False,
            "pcie.gen": 3,
            "pcie.width": 16,
            "remap": NO_REMAP,
        },
    ),
}


def get(gpu: Gpu, dotted: str) -> object:
    value: object = gpu
    for name in dotted.split("."):
        value = getattr(value, name)
    return value


def test_every_captured_file_has_an_expectation(captured: Captured) -> None:
    assert set(captured(TOOL)) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_captured_document(name: str, captured: Captured) -> None:
    facts = EXPECTED[name]
    smi = parse(captured(TOOL)[name])
    assert (smi.driver, smi.attached, len(smi.gpus)) == (facts.driver, facts.attached, facts.gpus)
    told = {key: [get(gpu, key) for gpu in smi.gpus] for key in (*facts.same, *facts.each)}
    assert told == {key: [value] * facts.gpus for key, value in facts.same.items()} | facts.each


def test_the_lost_gpu_is_named_and_the_others_stay_readable(captured: Captured) -> None:
    smi = parse(captured(TOOL)["08-mock-gb200-lost.xml"])
    assert smi.lost == {"00000000:0b:00.0": "GPU is lost"}
    assert [gpu.index for gpu in smi.answering] == [0]
    assert smi.label("00000000:0b:00.0") == "1"
    assert smi.label("00000000:99:00.0") == "00000000:99:00.0"


@pytest.mark.parametrize("name", EXPECTED)
def test_a_document_cut_anywhere_is_a_parse_error(name: str, captured: Captured) -> None:
    text = captured(TOOL)[name].rstrip()
    for part in (0.0, 0.01, 0.3, 0.7, 0.95):
        with pytest.raises(ParseError):
            parse(text[: int(len(text) * part)])
    with pytest.raises(ParseError):
        parse(text[:-1])
