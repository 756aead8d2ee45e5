"""`nvidia-smi -q -x`: every captured document, every layout, and what a broken document gives."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bringup.errors import CannotJudge, ParseError
from bringup.model import Ended, Output
from bringup.parsers import nvidia_smi_xml
from bringup.parsers.nvidia_smi_errors import Kind
from bringup.parsers.nvidia_smi_gpu import Gpu, Remap, Smi
from bringup.parsers.nvidia_smi_xml import QUERY, parse

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


def test_warnings_around_the_document_are_passed_over(captured: Captured) -> None:
    text = captured(TOOL)["13-gtx1070ti-390-minimal.xml"]
    around = "Warning: something\n" + text + "\nWARNING: infoROM is corrupted at gpu 0000:01:00.0\n"
    assert parse(around) == parse(text)


SMALL = """<?xml version="1.0" ?>
<nvidia_smi_log><driver_version>1.2</driver_version><attached_gpus>1</attached_gpus>
<gpu id="00000000:01:00.0"><minor_number>0</minor_number>%s</gpu></nvidia_smi_log>"""  # invented


@pytest.mark.parametrize(
    "inside",
    [
        "<fb_memory_usage><total>many MiB</total></fb_memory_usage>",
        "<fb_memory_usage><total>1.5 MiB</total></fb_memory_usage>",
        "<fb_memory_usage><total>99999999999999999999999 MiB</total></fb_memory_usage>",
        "<temperature><gpu_temp>nan</gpu_temp></temperature>",
        "<remapped_rows><remapped_row_pending>Maybe</remapped_row_pending></remapped_rows>",
        "<clocks_event_reasons><clocks_event_reason_hw_slowdown>Perhaps</clocks_event_reason_hw_slowdown>"
        "</clocks_event_reasons>",
    ],
)
def test_a_value_that_nobody_knows_is_a_parse_error(inside: str) -> None:
    with pytest.raises(ParseError):
        parse(SMALL % inside)


@pytest.mark.parametrize(
    "word", ["N/A", "[N/A]", "Unknown Error", "[Unknown Error]", "Not Supported", "ERR!", ""]
)
def test_words_for_no_value_give_none(word: str) -> None:
    (gpu,) = parse(SMALL % f"<fb_memory_usage><total>{word}</total></fb_memory_usage>").gpus
    assert gpu.memory_mib is None


def test_hardware_slowdowns_are_told_from_software_limits() -> None:
    reasons = "".join(
        f"<clocks_event_reason_{name}>{state}</clocks_event_reason_{name}>"
        for name, state in [
            ("hw_slowdown", "Active"),
            ("hw_power_brake_slowdown", "Active"),
            ("hw_thermal_slowdown", "Not Active"),
            ("sw_power_cap", "Active"),
        ]
    )
    (gpu,) = parse(SMALL % f"<clocks_event_reasons>{reasons}</clocks_event_reasons>").gpus
    assert gpu.slowdowns == ("hw_slowdown", "hw_power_brake_slowdown", "sw_power_cap")
    assert gpu.hardware_slowdowns == ("hw_slowdown", "hw_power_brake_slowdown")


def test_entities_are_refused() -> None:
    bomb = (
        '<?xml version="1.0"?><!DOCTYPE nvidia_smi_log [<!ENTITY a "x">]><nvidia_smi_log>&a;</nvidia_smi_log>'
    )
    with pytest.raises(ParseError):
        parse(bomb)


@pytest.mark.parametrize(
    "text",
    [
        "<nvidia_smi_log></nvidia_smi_log><nvidia_smi_log></nvidia_smi_log>",
        "<nvidia_smi_log><gpu></gpu></nvidia_smi_log>",
        '<nvidia_smi_log><gpu id="first"></gpu></nvidia_smi_log>',
        "<nvidia_smi_log>"
        + 2 * '<gpu id="00000000:01:00.0"><minor_number>0</minor_number></gpu>'
        + "</nvidia_smi_log>",
        "<?xml version='1.0'?><other></other><!-- </nvidia_smi_log> -->",
        "<nvidia_smi_log>" + 300 * '<gpu id="01:00.0"/>' + "</nvidia_smi_log>",
    ],
)
def test_documents_that_make_no_sense(text: str) -> None:
    with pytest.raises(ParseError):
        parse(text)


def output(stdout: str, status: int = 0, stderr: str = "") -> Output:
    return Output("n", QUERY, Ended.EXITED, status, stdout.encode(), stderr.encode())


def test_read_keeps_complaints_beside_the_document(captured: Captured) -> None:
    text = captured(TOOL)["13-gtx1070ti-390-minimal.xml"]
    sentence = "Unable to determine the device handle for GPU1: 0000:34:00.0: Unknown Error"
    smi = nvidia_smi_xml.read(output(text, 15, sentence))
    assert [gpu.name for gpu in smi.gpus] == ["GeForce GTX 1070 Ti"]
    assert smi.lost == {"00000000:34:00.0": "Unknown Error"}
    assert smi.label("00000000:34:00.0") == "1"


def test_read_gives_no_gpu_where_the_driver_finds_none() -> None:
    smi = nvidia_smi_xml.read(output("No devices were found\n", 6))
    assert smi == Smi(None, None, None, (), smi.complaints)
    assert [c.kind for c in smi.complaints] == [Kind.NO_DEVICES]


def test_read_raises_for_a_dead_driver() -> None:
    with pytest.raises(CannotJudge) as error:
        nvidia_smi_xml.read(
            output("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", 9)
        )
    assert error.value.code == "GPU-DRIVER"


def test_read_raises_for_an_empty_answer() -> None:
    with pytest.raises(ParseError):
        nvidia_smi_xml.read(output(""))


@given(st.text())
def test_any_text_gives_a_document_or_a_parse_error(text: str) -> None:
    for tried in (text, SMALL % text, f"<nvidia_smi_log>{text}</nvidia_smi_log>"):
        try:
            assert isinstance(parse(tried), Smi)
        except ParseError:
            pass


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_captured_document_with_other_values(data: st.DataObject, captured: Captured) -> None:
    small_document = captured(TOOL)["13-gtx1070ti-390-minimal.xml"]
    values = re.findall(r">([^<>\n]+)<", small_document)
    old = data.draw(st.sampled_from(values))
    new = data.draw(
        st.one_of(st.text(max_size=20), st.sampled_from(["GPU is lost", "-1", "1e9", "N/A", "∞"]))
    )
    try:
        assert isinstance(parse(small_document.replace(f">{old}<", f">{new}<")), Smi)
    except ParseError:
        pass
