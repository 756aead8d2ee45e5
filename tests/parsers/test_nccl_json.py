"""The JSON report of nccl-tests, from the keys that its source writes (no capture exists)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import nccl_json
from bringup.parsers.nccl_tests import Collective, Half, Rank, Row


def report(**changes: object) -> dict[str, object]:
    """A report as version 3 writes it; invented figures."""
    whole: dict[str, object] = {
        "version": 3,
        "start_time": "2026-07-09 16:03:21",
        "args": ["all_reduce_perf", "-J", "out.json"],
        "env": ["SECRET=hunter2"],
        "nccl_version": 22907,
        "config": {
            "nthreads": 1,
            "ngpus": 8,
            "devices": [
                {
                    "rank": 0,
                    "group": 0,
                    "pid": 4242,
                    "hostname": "gpu-001",
                    "device": 0,
                    "device_hex": "0000:1b:00",
                    "device_info": "NVIDIA H100 80GB HBM3",
                }
            ],
        },
        "results": [
            {
                "size": 8589934592,
                "count": 2147483648,
                "type": "float",
                "redop": "sum",
                "root": "    -1",
                "out_of_place": {"time": 31209.6, "alg_bw": 275.23, "bus_bw": 481.66, "nwrong": 0.0},
                "in_place": {"time": 31237.0, "alg_bw": 274.99, "bus_bw": 481.24, "nwrong": None},
                "actual_iterations": 20,
                "experiment_name": "",
            }
        ],
        "out_of_bounds": {"count": 0, "okay": "true"},
        "average_bus_bandwidth": {"bandwidth": 481.45, "okay": "unchecked"},
        "errors": [],
        "end_time": "2026-07-09 16:04:21",
    }
    whole.update(changes)
    return {key: value for key, value in whole.items() if value is not Ellipsis}


def test_a_finished_run() -> None:
    assert nccl_json.parse(json.dumps(report())) == Collective(
        name=None,
        ranks=(Rank(0, 4242, "gpu-001", 0, "0000:1b:00", "NVIDIA H100 80GB HBM3"),),
        rows=(
            Row(
                8589934592,
                2147483648,
                "float",
                "sum",
                None,
                Half(31209.6, 275.23, 481.66, 0),
                Half(31237.0, 274.99, 481.24, None),
            ),
        ),
        failures=(),
        out_of_bounds=0,
        average_busbw_gbs=481.45,
        average_failed=False,
        concluded=True,
    )


@pytest.mark.parametrize("missing", ["end_time", "average_bus_bandwidth", "out_of_bounds", "results"])
def test_a_run_that_broke_off_is_not_concluded(missing: str) -> None:
    assert not nccl_json.parse(json.dumps(report(**{missing: ...}))).concluded


def test_cpu_time_and_a_failed_average() -> None:
    whole = report(
        average_bus_bandwidth={"bandwidth": 1.0, "okay": "false"}, errors=["unhandled system error"]
    )
    half = {"cpu_time": 5.0, "alg_bw": 1.0, "bus_bw": 1.0, "nwrong": 3.0}
    rows = whole["results"]
    assert isinstance(rows, list)
    rows[0]["out_of_place"] = half
    test = nccl_json.parse(json.dumps(whole))
    assert (test.rows[0].out_of_place, test.wrong) == (Half(5.0, 1.0, 1.0, 3), 3)
    assert (test.average_failed, test.failures) == (True, ("unhandled system error",))


def test_the_environment_stays_out() -> None:
    assert "hunter2" not in repr(nccl_json.parse(json.dumps(report())))
    with pytest.raises(ParseError) as caught:
        nccl_json.parse(json.dumps(report(results=[1])))
    assert "hunter2" not in str(caught.value)


def test_not_a_number_is_not_a_result() -> None:
    whole = report()
    rows = whole["results"]
    assert isinstance(rows, list)
    rows[0]["in_place"]["bus_bw"] = "nan"
    with pytest.raises(ParseError, match="bus_bw"):
        nccl_json.parse(json.dumps(whole))


def test_cut_off_at_any_place() -> None:
    text = json.dumps(report())
    for end in range(len(text)):
        with pytest.raises(ParseError):
            nccl_json.parse(text[:end])


@given(st.text())
def test_any_text_gives_a_test_or_a_parse_error(text: str) -> None:
    _parse_anything(text)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(), v, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(report())), _VALUES))
def test_any_values_give_a_test_or_a_parse_error(changes: dict[str, object]) -> None:
    _parse_anything(json.dumps(report(**changes)))


def _parse_anything(text: str) -> None:
    try:
        test = nccl_json.parse(text)
    except ParseError:
        return
    assert isinstance(test, Collective)
