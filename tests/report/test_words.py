"""The words for components, readings and outcomes. All cases are invented."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.model import Finding, Limit, Measurement, Outcome, Stage, Verdict, Weight, Why
from bringup.report import words

AT_LEAST = Limit("rdma.write_bw", ">=", 360.0, "Gb/s")


def outcome(verdict: Verdict, **more: object) -> Outcome:
    return Outcome("rdma.write-bw", Stage.RDMA, "gpu-001", ("gpu-001",), verdict, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("gpu-001", ""),
        ("gpu-001/gpu/5", "GPU 5"),
        ("gpu-001/gpu/5/nvlink/17", "GPU 5 NVLink 17"),
        ("gpu-001/hca/mlx5_4", "hca mlx5_4".replace("hca", "HCA")),
        ("gpu-001/hca/mlx5_4/port/1", "port mlx5_4"),
        ("gpu-001/hca/mlx5_4/port/2", "port mlx5_4 2"),
        ("gpu-001/cpu/1", "CPU 1"),
        ("gpu-001/odd", "odd"),
        ("fleet/LINK-RATE", "LINK-RATE"),
    ],
)
def test_part(path: str, said: str) -> None:
    assert words.part(path) == said


@pytest.mark.parametrize(
    ("value", "limit", "said"),
    [
        (187.4, AT_LEAST, "bw 187.4 Gb/s, needs at least 360 Gb/s"),
        (359.96, AT_LEAST, "bw 359.96 Gb/s, needs at least 360 Gb/s"),
        (359.9999999, AT_LEAST, "bw 359.9999999 Gb/s, needs at least 360 Gb/s"),
        (400.0, AT_LEAST, "bw 400 Gb/s, needs at least 360 Gb/s"),
        (0.000123, None, "bw 0.000123 Gb/s"),
        (85_899_345_920.0, None, "bw 85899345920 Gb/s"),
        (math.nan, AT_LEAST, "bw nan Gb/s, needs at least 360 Gb/s"),
        (math.inf, None, "bw inf Gb/s"),
        ("", Limit("x", "==", "ACTIVE"), "bw (empty) Gb/s, needs ACTIVE"),
        ("x", Limit("x", "~=", 1.0), "bw x Gb/s, needs ~= 1.0"),
    ],
)
def test_reading(value: float | str, limit: Limit | None, said: str) -> None:
    assert words.reading(Measurement("bw", value, "Gb/s", "gpu-001", limit)) == said


def test_a_limit_that_does_not_fit_is_broken_not_kept() -> None:
    odd = Measurement("state", "DOWN", "", "gpu-001", AT_LEAST)
    unknown = Measurement("state", 1.0, "", "gpu-001", Limit("x", "~=", 1.0))
    assert words.broken(outcome(Verdict.FAIL, measurements=(odd, unknown))) == [odd, unknown]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (outcome(Verdict.PASS), "passed"),
        (outcome(Verdict.PASS, attempt=2), "passed on attempt 2"),
        (outcome(Verdict.FAIL), "failed; the check gave no details"),
        (outcome(Verdict.FAIL, reason="because"), "because"),
        (outcome(Verdict.ERROR, reason="no answer"), "could not judge: no answer"),
        (outcome(Verdict.ERROR), "could not judge: no reason was given"),
        (
            outcome(Verdict.ERROR, reason="a bug in check x:\nTraceback (most recent call last):\n  File\nKeyError: 3\n"),
            "could not judge: a bug in check x: KeyError: 3",
        ),
        (outcome(Verdict.NOT_RUN, reason="no GPUs", why=Why.NOT_APPLICABLE), "not applicable: no GPUs"),
        (outcome(Verdict.NOT_RUN, reason="not run: interrupted", why=Why.ABORTED), "not run: interrupted"),
        (outcome(Verdict.NOT_RUN), "not run: no reason was given"),
        (
            outcome(
                Verdict.FAIL,
                findings=(Finding("N", "only a note", "gpu-001", Weight.NOTE), Finding("F", "is gone", "gpu-001/gpu/3")),
                measurements=(Measurement("bw", 1.0, "Gb/s", "gpu-001/hca/mlx5_0/port/1", AT_LEAST),),
            ),
            "GPU 3: is gone (and 1 more)",
        ),
    ],
)  # fmt: skip
def test_describe(made: Outcome, said: str) -> None:
    assert words.describe(made) == said


def test_describe_names_the_node_where_two_took_part() -> None:
    measured = Measurement("bw", 1.0, "Gb/s", "gpu-002/hca/mlx5_0/port/1", AT_LEAST)
    made = Outcome("rdma.bw", Stage.RDMA, "a", ("gpu-001", "gpu-002"), Verdict.FAIL, measurements=(measured,))
    assert words.describe(made) == "gpu-002 port mlx5_0: bw 1 Gb/s, needs at least 360 Gb/s"


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (outcome(Verdict.PASS), ""),
        (outcome(Verdict.ERROR, code="COMMAND-HANGS"), "COMMAND-HANGS"),
        (outcome(Verdict.FAIL, findings=(Finding("N", "", "", Weight.NOTE),)), ""),
        (outcome(Verdict.FAIL, code="B", findings=(Finding("A", "", ""),)), "A"),
        (
            outcome(Verdict.FAIL, measurements=(Measurement("bw", 1.0, "", "", AT_LEAST, "RDMA-BW"),)),
            "RDMA-BW",
        ),
    ],
)
def test_code_of(made: Outcome, code: str) -> None:
    assert words.code_of(made) == code


@pytest.mark.parametrize(
    ("seconds", "long", "short"),
    [
        (None, "", ""),
        (-1.0, "", ""),
        (math.nan, "", ""),
        (0.4, "0 s", "0:00"),
        (59.7, "1 min 00 s", "0:59"),
        (768.0, "12 min 48 s", "12:48"),
        (11_110.0, "3 h 05 min", "3:05:10"),
    ],
)
def test_times(seconds: float | None, long: str, short: str) -> None:
    assert (words.duration(seconds), words.clock(seconds)) == (long, short)


@given(st.text(st.characters(codec=None)), st.one_of(st.floats(), st.text(st.characters(codec=None))))
def test_describe_is_always_one_printable_line(said: str, value: float | str) -> None:
    measured = Measurement(said, value, said, said, Limit(said, "<=", 1.0, said), said)
    for verdict in Verdict:
        made = outcome(verdict, reason=said, measurements=(measured,), findings=(Finding(said, said, said),))
        line = words.describe(made)
        line.encode("utf-8")
        assert len(line.splitlines()) == 1
        assert len(line) <= 300
