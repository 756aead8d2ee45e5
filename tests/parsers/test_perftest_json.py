"""The JSON report of perftest in both dialects."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import perftest_json
from bringup.parsers.perftest import Bandwidth, Latency

Session = Callable[[str], tuple[str, int | None, str]]
OLD = "rxe-outputs/bookworm-perftest-4.5"

OLD_REPORTS = {
    "write_bw-json.client.txt": Bandwidth(65536, 472, 0.0, 0.12, "Gb/sec", 0.000236),
    "write_bw-json.server.txt": Bandwidth(65536, 472, 0.0, 0.12, "Gb/sec", 0.000236),
    "write_bw-bidir-json.client.txt": Bandwidth(65536, 100, 0.222053, 0.143862, "Gb/sec", 0.000274),
    "write_bw-json-all-sizes.client.txt": Bandwidth(8388608, 20, 0.13, 0.13, "Gb/sec", 0.000002),
    "read_bw-json.client.txt": Bandwidth(65536, 200, 0.19, 0.17, "Gb/sec", 0.000316),
    "send_lat-json.client.txt": Latency(2, 300, 643.27, 212.22, 6768.85, 277.38, 879.52, 4342.19, 6768.85),
}

# invented: what the source of perftest 25 and later prints
NEW_BANDWIDTH = """{
"test_info": {
"test": "RDMA_Write_BW_Test",
"Dual_port": "OFF",
"Device": "mlx5_0",
"Number_of_qps": 2
},
"results": {
"MsgSize": 1048576,
"n_iterations": 470000,
"BW_peak": 0.00,
"BW_average": 394.12,
"MsgRate": 0.046983
}
}
"""
NEW_LATENCY = """{
"test_info": {
"test": "RDMA_Write_Latency_Test"
},
"results": {
"MsgSize": 8,
"n_iterations": 1000,
"t_min": 1.05,
"t_max": 9.80,
"t_typical": 1.10,
"t_avg": 1.12,
"t_stdev": 0.10,
"percentile_99": 1.31,
"percentile_99.9": 9.80
}
}
"""


@pytest.mark.parametrize("file", OLD_REPORTS)
def test_the_dialect_that_is_no_json(session: Session, file: str) -> None:
    _, _, report = session(f"{OLD}/{file}")
    with pytest.raises(ValueError):
        json.loads(report)
    assert perftest_json.parse(report) == OLD_REPORTS[file]


def test_the_dialect_that_is_json() -> None:
    assert perftest_json.parse(NEW_BANDWIDTH) == Bandwidth(1048576, 470000, 0.0, 394.12, "Gb/sec", 0.046983)
    assert perftest_json.parse(NEW_LATENCY) == Latency(8, 1000, 1.12, 1.05, 9.8, 1.1, 0.1, 1.31, 9.8)


def test_a_report_without_gbits_is_in_mib() -> None:
    text = NEW_BANDWIDTH.replace("394.12", "46983.00")  # invented: the same run without --report_gbits
    report = perftest_json.parse(text)
    assert isinstance(report, Bandwidth)
    assert (report.unit, round(report.average_gbps, 1)) == ("MiB/sec", 394.1)


@pytest.mark.parametrize("average", ["5.0", "3000000.0", "0.0"])
def test_an_average_that_fits_no_unit_is_not_judged(average: str) -> None:
    with pytest.raises(ParseError, match="does not fit MsgRate"):
        perftest_json.parse(NEW_BANDWIDTH.replace("394.12", average))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "{\nresults: {\n}\n}\n",
        '{"results": {"MsgSize": 8, "n_iterations": 5}}',
        '{"results": []}',
    ],
)
def test_cut_or_unknown(text: str) -> None:
    with pytest.raises(ParseError):
        perftest_json.parse(text)


@pytest.mark.parametrize("text", [NEW_BANDWIDTH, NEW_LATENCY])
def test_json_cut_off_at_any_place_is_never_a_result(text: str) -> None:
    whole = text.rindex("}")
    for end in range(whole):
        with pytest.raises(ParseError):
            perftest_json.parse(text[:end])


@pytest.mark.parametrize("file", OLD_REPORTS)
def test_old_dialect_cut_off_at_any_place_is_never_a_result(session: Session, file: str) -> None:
    _, _, report = session(f"{OLD}/{file}")
    for end in range(report.rindex("}")):
        with pytest.raises(ParseError):
            perftest_json.parse(report[:end])


@given(st.text())
def test_any_text_gives_a_result_or_a_parse_error(text: str) -> None:
    _parse_anything(text)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(), v, max_size=3),
    max_leaves=5,
)
_KEYS = ("MsgSize", "n_iterations", "BW_average", "BW_peak", "MsgRate", "t_avg", "t_typical")


@given(st.dictionaries(st.sampled_from(_KEYS), _VALUES))
def test_any_json_gives_a_result_or_a_parse_error(results: dict[str, object]) -> None:
    _parse_anything(json.dumps({"results": results}))


def _parse_anything(text: str) -> None:
    try:
        result = perftest_json.parse(text)
    except ParseError:
        return
    assert isinstance(result, Bandwidth | Latency)
