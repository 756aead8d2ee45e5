"""`nvidia-smi nvlink` in all its forms: every captured answer, sentences instead of links, and broken text."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers.nvidia_smi_nvlink import (
    parse_capabilities,
    parse_errors,
    parse_far_ends,
    parse_status,
)

TOOL = "nvidia-smi-nvlink"
Captured = Callable[[str], dict[str, str]]

# file -> per GPU: (index, active links, inactive links, GB/s of the active ones, all inactive, nothing known)
STATUS: dict[str, list[tuple[int, int, tuple[int, ...], set[float], bool, bool]]] = {
    "01-h100-s-18links.txt": [(0, 18, (), {26.562}, False, False)],
    "02-h200-s-18links.txt": [(0, 18, (), {26.562}, False, False)],
    "03-h100-mig-not-supported.txt": [(0, 0, (), set(), False, True)],
    "04-rtx2080-all-inactive.txt": [(0, 0, (), set(), True, False)],
    "05-l40s-not-supported.txt": [(0, 0, (), set(), False, True)],
    "06-v100x8-s-inactive-links-bad.txt": [
        (0, 6, (), {25.781}, False, False),
        (1, 6, (), {25.781}, False, False),
        (2, 6, (), {25.781}, False, False),
        (3, 4, (3, 5), {25.781}, False, False),
        (4, 5, (1,), {25.781}, False, False),
        (5, 4, (0, 4), {25.781}, False, False),
        (6, 5, (1,), {25.781}, False, False),
    ],
    "07-a100-s-12links-25GBs.txt": [(7, 12, (), {25.0}, False, False)],
    "08-a100-s-all-inactive-bad.txt": [(6, 0, (), set(), True, False)],
    "09-a100x8-s-96links.txt": [(n, 12, (), {25.0}, False, False) for n in range(8)],
    "10-h800-s-8links-elided.txt": [(n, 8, (), {26.562}, False, False) for n in (0, 1, 7)],
}
ZERO = {"Replay Errors": 0.0, "Recovery Errors": 0.0, "CRC Errors": 0.0}
SEVEN = {
    "Replay Errors": 0.0,
    "Recovery Errors": 0.0,
    "CRC Flit Errors": 0.0,
    "CRC Data Errors": 0.0,
    "ECC Errors": 0.0,
    "Data Tx Errors": 0.0,
    "Data Rx Errors": 0.0,
}
ERRORS: dict[str, dict[int, dict[int, dict[str, float]]]] = {
    "13-h100-e-errors-elided.txt": {0: {0: ZERO, 1: ZERO, 17: ZERO}},
    "15-e-nonzero-seven-counters-literal.txt": {
        0: {0: SEVEN | {"Replay Errors": 1.0}, 1: SEVEN | {"Replay Errors": 2.0}},
        1: {0: SEVEN | {"Recovery Errors": 5.0}},
    },
}
OTHERS = {"11-h800-c-capabilities.txt", "12-h800-gt-r-counters.txt", "14-a100-R-remote-devices.txt"}


def test_every_captured_file_has_an_expectation(captured: Captured) -> None:
    assert set(captured(TOOL)) == {*STATUS, *ERRORS, *OTHERS}


@pytest.mark.parametrize("name", STATUS)
def test_captured_status(name: str, captured: Captured) -> None:
    told = [
        (
            links.gpu.index,
            len(links.active),
            links.inactive,
            {speed for speed in links.speeds.values() if speed is not None},
            links.all_inactive,
            bool(links.unknown),
        )
        for links in parse_status(captured(TOOL)[name])
    ]
    assert told == STATUS[name]


@pytest.mark.parametrize("name", ERRORS)
def test_captured_errors(name: str, captured: Captured) -> None:
    assert {c.gpu.index: dict(c.links) for c in parse_errors(captured(TOOL)[name])} == ERRORS[name]


def test_captured_capabilities_are_no_state(captured: Captured) -> None:
    (gpu,) = parse_capabilities(captured(TOOL)["11-h800-c-capabilities.txt"])
    assert set(gpu.links) == set(range(8))
    assert all(
        can == {
            "P2P": True,
            "Access to system memory": True,
            "P2P atomics": True,
            "System memory atomics": True,
            "SLI": True,
            "Link": False,
        }
        for can in gpu.links.values()
    )  # fmt: skip


def test_captured_traffic_counters(captured: Captured) -> None:
    gpus = parse_errors(captured(TOOL)["12-h800-gt-r-counters.txt"])
    assert gpus[0].links[0] == {"Raw Tx": 25305739.0, "Raw Rx": 25554089.0}
    assert all(len(gpu.links) == 8 for gpu in gpus)


def test_captured_far_ends(captured: Captured) -> None:
    (gpu,) = parse_far_ends(captured(TOOL)["14-a100-R-remote-devices.txt"])
    assert gpu.links[0] == ("00000008:00:00.0", 29)
    switches = [address for address, _ in gpu.links.values()]
    assert len(switches) == 12
    assert {switches.count(s) for s in switches} == {2}
    assert set(switches) == {f"000000{n:02x}:00:00.0" for n in range(5, 11)}


def test_the_heading_tells_name_and_uuid(captured: Captured) -> None:
    (links,) = parse_status(captured(TOOL)["08-a100-s-all-inactive-bad.txt"])
    assert (links.gpu.name, links.gpu.uuid) == (
        "NVIDIA A100-SXM4-80GB",
        "GPU-9667d95e-6d22-0c22-1f57-c481f13e7c44",
    )


HEAD = "GPU 0: NVIDIA B200 (UUID: GPU-00000000-0000-0000-0000-000000000000)\n"


def test_counters_of_newer_drivers_are_kept_with_their_names() -> None:
    # invented from the counter names of newer drivers; 15e-255 is how they print "none"
    text = (
        HEAD
        + "\t Link 0: Tx bytes: 5 Bytes\n\t Link 0: Effective BER: 15e-255\n\t Link 0: FEC Errors - 0: 7\n"
    )
    (gpu,) = parse_errors(text)
    assert gpu.links == {0: {"Tx bytes": 5.0, "Effective BER": 15e-255, "FEC Errors - 0": 7.0}}


def test_a_counter_without_value_is_none() -> None:
    (gpu,) = parse_errors(HEAD + "\t Link 0: Replay Errors: N/A\n")
    assert gpu.links == {0: {"Replay Errors": None}}


def test_a_complaint_about_another_gpu_is_passed_over() -> None:
    sentence = "Unable to determine the device handle for GPU1: 0000:34:00.0: Unknown Error\n"
    (links,) = parse_status(sentence + HEAD + " Link 0: 53.125 GB/s\n")
    assert links.speeds == {0: 53.125}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        HEAD,
        HEAD + HEAD.replace("GPU 0", "GPU 1") + " Link 0: 25 GB/s\n",
        "Link 0: 25 GB/s\n",
        HEAD + " Link 0: fast\n",
        HEAD + " Link 0: nan GB/s\n",
        HEAD + " Link 0: 25 GB/s\n Link 0: 25 GB/s\n",
        HEAD + " Link 0: 25 GB/s\n" + HEAD + " Link 0: 25 GB/s\n",
        HEAD + "something new\n",
        "Segmentation fault\n",
    ],
)
def test_status_that_cannot_be_read(text: str) -> None:
    with pytest.raises(ParseError):
        parse_status(text)


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "many"])
def test_counters_that_are_no_counts(value: str) -> None:
    with pytest.raises(ParseError):
        parse_errors(HEAD + f" Link 0: Replay Errors: {value}\n")


@pytest.mark.parametrize("name", [n for n, gpus in STATUS.items() if not gpus[-1][5]] + list(ERRORS))
def test_an_answer_cut_in_its_last_word_is_a_parse_error(name: str, captured: Captured) -> None:
    text = captured(TOOL)[name].rstrip()
    parse = parse_status if name in STATUS else parse_errors
    with pytest.raises(ParseError):
        parse(text[:-2])


@given(st.text())
def test_any_text_gives_rows_or_a_parse_error(text: str) -> None:
    for parse in (parse_status, parse_errors, parse_far_ends, parse_capabilities):
        for tried in (text, HEAD + text, HEAD + " Link 0: " + text):
            try:
                assert parse(tried)
            except ParseError:
                pass
