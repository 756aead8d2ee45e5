"""`nvidia-smi -q -x` that is not as it should be: warnings around it, unknown values, lost GPUs, any text."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bringup.commands import Ended, Output
from bringup.errors import CannotJudge, ParseError
from bringup.parsers import nvidia_smi_xml
from bringup.parsers.nvidia_smi_errors import Kind
from bringup.parsers.nvidia_smi_gpu import Smi
from bringup.parsers.nvidia_smi_xml import QUERY, parse

TOOL = "nvidia-smi-xml"
Captured = Callable[[str], dict[str, str]]


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


@settings(max_examples=60)
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
