"""From readings to limits: where one stands, and when none is proposed. All readings are invented."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.model import Limit
from bringup.profile.learning import Learned, LeftOut, Sample, Spread, learn, reasons, rounded, tighter
from bringup.profile.writing import Origin, toml, why


def samples(name: str, unit: str, *values: float | str, nodes: int = 10) -> list[Sample]:
    """One reading after the other over so many nodes."""
    return [
        Sample(name, value, unit, f"n{i % nodes}/part/{i // nodes}", (f"n{i % nodes}",))
        for i, value in enumerate(values)
    ]


def one(found: list[Learned | LeftOut]) -> Learned | LeftOut:
    (only,) = found
    return only


AROUND_50 = [50.0, 50.1, 49.9, 50.2, 49.8, 50.0, 50.1, 49.9, 50.3, 49.7]


def test_a_floor_stands_at_ninety_percent_of_the_median() -> None:
    assert one(learn(samples("site.copy", "GB/s", *AROUND_50))) == Learned(
        "site.copy", ">=", 45.0, "GB/s", Spread(10, 10, 10, 50.0, pytest.approx(0.1), 49.7, 50.3), 10, 10, 10
    )


def test_a_ceiling_is_its_mirror_and_catches_a_fifth_more() -> None:
    found = one(learn(samples("site.delay", "us", *AROUND_50)))
    assert isinstance(found, Learned)
    assert (found.op, found.value) == ("<=", 55.6)
    assert 50.3 < 55.6 < 1.2 * 50


def test_the_direction_is_that_of_the_stock_profiles() -> None:
    found = [
        one(learn(samples(n, u, *AROUND_50)))
        for n, u in (("rdma.write_bw", "Gb/s"), ("rdma.write_lat", "us"))
    ]
    assert [(f.op, f.value) for f in found if isinstance(f, Learned)] == [(">=", 45.0), ("<=", 55.6)]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (samples("gpu.memory.total", "MiB", *[81559] * 10), (">=", 81559, "MiB")),
        (samples("host.memory.total", "GiB", *[2015.5, 2015.6] * 5), (">=", 1990.0, "GiB")),
        (samples("host.cpu.threads", "", *[192] * 10), (">=", 192, "threads")),
        (samples("link.mtu", "bytes", *[4096] * 10), (">=", 4096, "bytes")),
        (samples("gpu.count", "GPUs", *[8] * 10), ("==", 8, "GPUs")),
        (samples("link.pkey", "", *["0x7fff"] * 10), ("==", "0x7fff", "")),
        (samples("gpu.xid", "errors", *[0] * 10), ("<=", 0, "errors")),
        (samples("pcie.nic.speed", "GT/s", *[32.0] * 10), (">=", 28.8, "GT/s")),
    ],
)
def test_what_is_told_and_not_measured(found: list[Sample], expected: tuple[str, float | str, str]) -> None:
    learned = one(learn(found))
    assert isinstance(learned, Learned), learned
    assert (learned.op, learned.value, learned.unit) == expected


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (samples("site.copy", "GB/s", *AROUND_50, nodes=4), "read on 4 healthy nodes, needs 5"),
        (
            samples("site.copy", "GB/s", *[50.0, 40.0, 60.0, 45.0, 55.0] * 2),
            "the healthy parts spread too wide: median 50 GB/s, MAD 5 (40 to 60)",
        ),
        (
            samples("site.copy", "GB/s", *[50.0] * 8, *[40.0] * 2),
            "2 of 10 readings are below 45 GB/s: the healthy parts are of two kinds (40 to 50, median 50)",
        ),
        (
            samples("site.delay", "us", *[50.0] * 7, *[80.0] * 3),
            "3 of 10 readings are above 55.6 us: the healthy parts are of two kinds (50 to 80, median 50)",
        ),
        (samples("gpu.count", "GPUs", *[8] * 9, 7), "the healthy parts differ: 9 x 8, 1 x 7"),
        (
            samples("link.symbol_errors", "", *range(10)),
            "healthy parts count 0 to 9: nobody knows how much is too much",
        ),
        (samples("site.copy", "GB/s", *[0.0] * 10), "the median is 0 GB/s: no share of it is a limit"),
        (
            samples("site.odd", "things", *[5] * 10),
            "whether more or less is better is not known; write this limit by hand",
        ),
        (
            samples("gpu.temperature", "C", *[30] * 10),
            "C depends on room, load or use; name it with --limit to learn it all the same",
        ),
        (
            samples("site.copy", "GB/s", *[50.0] * 5) + samples("site.copy", "MB/s", *[50.0] * 5),
            "not read in the same unit everywhere",
        ),
        (samples("site.copy", "GB/s", *[50.0] * 9, "fast"), "not read in the same unit everywhere"),
        (samples("link.pkey", "", *["a\nb"] * 10), "what was read is no word that a profile can hold"),
    ],
)
def test_when_nothing_is_proposed_the_reason_is_said(found: list[Sample], reason: str) -> None:
    assert one(learn(found)) == LeftOut(found[0].limit, reason)


def test_a_temperature_that_was_asked_for_by_name() -> None:
    found = one(learn(samples("gpu.temperature", "C", *[30] * 10), frozenset({"gpu.temperature"})))
    assert isinstance(found, Learned)
    assert (found.op, found.value) == ("<=", 33.4)


def test_a_part_below_the_limit_is_named() -> None:
    found = one(learn(samples("site.copy", "GB/s", *[50.0] * 19, 40.0, nodes=10)))
    assert isinstance(found, Learned)
    assert (found.value, found.outside) == (45.0, ("n9/part/1",))


@given(st.floats(min_value=1e-6, max_value=1e12))
def test_rounding_never_accuses(value: float) -> None:
    assert rounded(value, down=True) <= value * (1 + 1e-9)
    assert rounded(value, down=False) >= value * (1 - 1e-9)
    assert rounded(value, down=False) - rounded(value, down=True) <= value * 0.011


@given(st.lists(st.floats(min_value=0.1, max_value=1e6), min_size=5, max_size=40))
def test_a_limit_that_is_proposed_is_kept_by_nine_of_ten(values: list[float]) -> None:
    found = one(learn(samples("site.copy", "GB/s", *values, nodes=5)))
    if isinstance(found, Learned):
        limit = Limit(found.name, found.op, found.value, found.unit)
        kept = [v for v in values if limit.holds(v)]
        assert len(kept) >= 0.9 * len(values)
        assert (len(kept) < len(values)) == bool(found.outside)


@pytest.mark.parametrize(
    ("op", "value", "known", "expected"),
    [
        (">=", 45.0, (">=", 40), True),
        (">=", 45.0, (">=", 45), False),
        (">=", 45.0, (">=", 50), False),
        ("<=", 2.0, ("<=", 5), True),
        ("<=", 2.0, ("<=", 1), False),
        (">=", 45.0, ("==", 40), False),
        ("==", 8, ("==", 8), False),
        ("==", "a", ("==", "b"), False),
    ],
)
def test_a_known_limit_is_only_ever_tightened(
    op: str, value: float | str, known: tuple[str, float | str], expected: bool
) -> None:
    assert tighter(Learned("x", op, value, "", None, 1, 1, 1), *known) is expected


ORIGIN = Origin(
    "1120-0931", "2026-11-20", "1.0", "hall-2", 10, {"n10": "GPU-LOST", "n11": "x failed:\nreason"}
)


def test_the_file_tells_what_each_limit_rests_on() -> None:
    found = [
        x
        for x in learn(
            samples("site.copy", "GB/s", *AROUND_50) + samples("link.pkey", "", *['0x"7'] * 10)
            + samples("gpu.memory.total", "MiB", *[81559] * 10) + samples("host.memory.total", "GiB", *[2015.4, 2015.6] * 5)
        )
        if isinstance(x, Learned)
    ]  # fmt: skip
    text = toml("mine", ("hall-2",), found, ORIGIN)
    read = tomllib.loads(text)
    assert (read["name"], read["extends"]) == ("mine", ["hall-2"])
    assert "# not learned from n10: GPU-LOST\n# not learned from n11: x failed: reason\n" in text
    source = "learned from run 1120-0931 of 2026-11-20"
    ten = "in 10 readings of 10 parts on 10 healthy nodes"
    assert read["limits"] == {
        "gpu.memory.total": {
            "op": ">=", "value": 81559, "unit": "MiB", "source": source,
            "why": f"the same everywhere: median 81559, MAD 0, min 81559, max 81559 {ten}",
        },
        "host.memory.total": {
            "op": ">=", "value": 1990, "unit": "GiB", "source": source,
            "why": f"99 % of the median: median 2015.5, MAD 0.1, min 2015.4, max 2015.6 {ten}",
        },
        "link.pkey": {
            "op": "==", "value": '0x"7', "unit": "", "source": source,
            "why": "the same in all 10 readings of 10 parts on 10 healthy nodes",
        },
        "site.copy": {
            "op": ">=", "value": 45, "unit": "GB/s", "source": source,
            "why": f"90 % of the median: median 50, MAD 0.1, min 49.7, max 50.3 {ten}",
        },
    }  # fmt: skip


def test_the_figures_for_programs_and_the_mirror_in_words() -> None:
    found = one(learn(samples("site.delay", "us", *AROUND_50)))
    assert isinstance(found, Learned)
    assert why(found).startswith("the median divided by 0.9: median 50, ")
    assert reasons(found) == {
        "readings": 10, "parts": 10, "nodes": 10, "median": 50.0, "mad": pytest.approx(0.1), "min": 49.7, "max": 50.3,
    }  # fmt: skip
