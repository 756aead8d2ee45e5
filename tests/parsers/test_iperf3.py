"""iperf3 -J: both directions, UDP, and the errors that it reports with exit status 0."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import iperf3
from bringup.parsers.iperf3 import Flow, Transfer

Read = Callable[[str], str]

IPERF3: dict[str, Transfer | None] = {
    "01-json-tcp-1g.txt": Transfer(None, "TCP", False, 1, Flow(0.935992, 0.934268, 0)),
    "02-json-tcp-1-stream.json": Transfer(
        None, "TCP", False, 1, Flow(18.744452589335527, 18.739665648315523, 21)
    ),
    "04-json-reverse.json": Transfer(None, "TCP", True, 1, Flow(23.284150223704255, 23.268787134490054, 15)),
    "06-json-udp.json": Transfer(
        None,
        "UDP",
        False,
        1,
        Flow(0.4997490503041327, 0.49868856622613567, None, 8, 0.2098085496984002, 0.08973795041539323),
    ),
    "08-json-err-server-busy-rc0.json": Transfer(
        "the server is busy running a test. try again later", None, None, None, None
    ),
    "10-text-err-refused-rc1.txt": None,
}


def test_every_captured_file_has_an_expectation(captured: Callable[[str], dict[str, str]]) -> None:
    assert set(captured("iperf3")) <= set(IPERF3)


@pytest.mark.parametrize("name", IPERF3)
def test_captured_iperf3(read: Read, name: str) -> None:
    expected = IPERF3[name]
    if expected is None:
        with pytest.raises(ParseError, match="Connection refu"):
            iperf3.parse(read(f"iperf3/{name}"))
    else:
        assert iperf3.parse(read(f"iperf3/{name}")) == expected


def test_iperf3_figures_beside_an_error_are_not_used(read: Read) -> None:
    report = json.loads(read("iperf3/02-json-tcp-1-stream.json"))
    report["error"] = "control socket has closed unexpectedly"
    assert iperf3.parse(json.dumps(report)).forward is None


def test_iperf3_both_directions(read: Read) -> None:
    report = json.loads(read("iperf3/02-json-tcp-1-stream.json"))
    end = report["end"]  # the keys of --bidir; the values are those of the first direction
    end["sum_sent_bidir_reverse"], end["sum_received_bidir_reverse"] = end["sum_sent"], end["sum_received"]
    both = iperf3.parse(json.dumps(report))
    assert both.forward == both.back == Flow(18.744452589335527, 18.739665648315523, 21)


def test_iperf3_udp_of_old_versions(read: Read) -> None:
    report = json.loads(read("iperf3/06-json-udp.json"))
    del report["end"]["sum_sent"], report["end"]["sum_received"]
    flow = iperf3.parse(json.dumps(report)).forward
    assert flow == Flow(0.4997490503041327, None, None, 8, 0.2098085496984002, 0.08973795041539323)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"end": {}}',
        '{"end": {"sum_received": {"bits_per_second": "fast"}}}',
        '{"end": {"sum_received": {"bits_per_second": NaN}}}',
        '{"end": {"sum_received": {"bits_per_second": -1}}}',
        '{"error": 5}',
    ],
)
def test_unknown(text: str) -> None:
    with pytest.raises(ParseError):
        iperf3.parse(text)


@pytest.mark.parametrize("name", [n for n in IPERF3 if "json" in n])
def test_cut_off(read: Read, name: str) -> None:
    text = read(f"iperf3/{name}").rstrip()
    for end in range(0, len(text), 101):
        with pytest.raises(ParseError):
            iperf3.parse(text[:end])


@given(st.text())
def test_any_text_gives_a_test_or_a_parse_error(text: str) -> None:
    for tried in (text, json.dumps({"error": text}), json.dumps({"end": {"sum": {"bits_per_second": text}}})):
        try:
            assert isinstance(iperf3.parse(tried), Transfer)
        except ParseError:
            pass
