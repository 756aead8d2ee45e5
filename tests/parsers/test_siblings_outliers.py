"""Who stands out below the others: never in a tight group, never by the pull of the bad one itself."""

from __future__ import annotations

import pytest

from bringup.parsers import outliers, siblings


def gpus(*values: float) -> dict[str, float]:
    return {str(n): value for n, value in enumerate(values)}


@pytest.mark.parametrize(
    ("values", "edge"),
    [
        ((100.0, 100.1, 99.9, 100.0, 100.0, 100.1, 99.9, 60.0), 95.0),  # the bad one moves nothing
        ((100.0,) * 8, 95.0),
        (
            (100.0, 90.0, 110.0, 95.0, 105.0, 92.0, 108.0, 100.0),
            100.0 - 6 * 6.5,
        ),  # wide scatter raises nothing
        ((100.0, 100.0, 100.0, 50.0), 95.0),
    ],
)
def test_the_edge_is_a_share_of_the_median_or_six_deviations(values: tuple[float, ...], edge: float) -> None:
    assert siblings.low_edge(gpus(*values), 0.05) == pytest.approx(edge)


def test_too_few_siblings_have_no_edge() -> None:
    assert siblings.low_edge(gpus(100, 100, 50), 0.05) is None
    assert siblings.low_edge({}, 0.05) is None


def test_low_is_the_mirror_of_high() -> None:
    readings = {f"n{k}": 100.0 + k * 0.1 for k in range(9)} | {"bad": 80.0, "worse": 60.0}
    fall = outliers.low(readings, floor=5 / outliers.MADS)
    assert fall.low == ("worse", "bad")
    assert fall.middle == pytest.approx(100.3)
    assert fall.edge == pytest.approx(fall.middle - 5)


def test_a_fleet_of_equal_parts_has_nobody_low() -> None:
    fall = outliers.low(dict.fromkeys("abcd", 100.0), floor=5 / outliers.MADS)
    assert (fall.middle, fall.edge, fall.low) == (100.0, 95.0, ())
    with pytest.raises(ValueError, match="at least one"):
        outliers.low({}, floor=1)


@pytest.mark.parametrize(
    ("pairs", "lonely"),
    [
        ([], set()),
        ([(0, 1)], {(0, 1)}),
        ([(1, 0), (0, 1)], {(0, 1)}),
        ([(0, 1), (0, 2)], set()),
        ([(0, 1), (0, 2), (5, 4)], {(4, 5)}),
    ],
)
def test_a_pair_by_itself_does_not_tell_which_of_the_two_is_bad(
    pairs: list[tuple[int, int]], lonely: set[tuple[int, int]]
) -> None:
    assert siblings.lonely(pairs) == lonely
