"""Waves of jobs: every node at most once in each, as many waves for any fleet."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bringup.topology import Place, waves


def named(
    count: int, leaf: int = 0, unit: int = 0, domain: int = 0
) -> dict[str, tuple[tuple[int, ...], ...]]:
    def where(n: int) -> Place:
        return Place(
            f"l{n // leaf}" if leaf else "",
            f"u{n // unit}" if unit else "",
            f"d{n // domain}" if domain else "",
        )

    return {wave.name: wave.jobs for wave in waves(range(count), where)}


def test_leaf_cross_leaf_all() -> None:
    assert named(8, leaf=4) == {"leaf": ((0, 1, 2, 3), (4, 5, 6, 7)), "all": (tuple(range(8)),)}
    assert named(9, leaf=3)["cross-leaf"] == ((0, 3, 6), (1, 4, 7), (2, 5, 8))


def test_without_places_all_together_and_two_are_none() -> None:
    assert named(5) == {"all": (tuple(range(5)),)}
    assert named(2, leaf=1) == {}


def test_domains_and_units_where_they_are_parts_of_their_own() -> None:
    assert list(named(64, leaf=8, unit=32, domain=16)) == ["leaf", "domain", "unit", "cross-leaf", "all"]
    assert list(named(64, leaf=16, domain=16)) == ["leaf", "cross-leaf", "all"], "the same parts once"
    assert list(named(64, domain=4)) == ["all"], "a rack of four is no NVLink domain"
    assert list(named(64, leaf=64)) == ["all"]


def test_as_many_waves_for_any_fleet() -> None:
    assert {len(named(count, leaf=16, unit=64)) for count in (128, 1024, 4096)} == {4}


@given(st.integers(0, 200), st.integers(1, 40), st.integers(1, 100), st.integers(1, 40))
def test_every_wave_is_disjoint_and_the_last_has_everybody(
    count: int, leaf: int, unit: int, domain: int
) -> None:
    found = named(count, leaf, unit, domain)
    for jobs in found.values():
        members = [n for job in jobs for n in job]
        assert len(members) == len(set(members)) and all(len(job) >= 3 for job in jobs)
    assert found.get("all", ()) == ((tuple(range(count)),) if count >= 3 else ())
