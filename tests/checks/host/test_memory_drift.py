"""host.memory-drift: a node beside its equals."""

from __future__ import annotations

import pytest

from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Group, Measurement, Verdict


@pytest.fixture
def drift(load_check, make_node, make_context, make_outputs):
    """The outcome over nodes: name -> GiB; None: told nothing."""

    def run(told: dict[str, float | None]):
        fleet = Group("fleet", tuple(make_node(name=name) for name in told))
        readings = tuple(
            Measurement("memory", gib, "GiB", name) for name, gib in told.items() if gib is not None
        )
        ctx = make_context(readings={("host.memory", "memory"): readings})
        check = load_check("host/memory_drift.py")
        check.plan(fleet, ctx)
        return judged(check, fleet, make_outputs({}), ctx)

    return run


def test_what_kernels_keep_for_themselves_is_no_missing_module(drift) -> None:
    outcome = drift({"a": 2015.4, "b": 2015.6, "c": 2014.9, "d": 2011.0})
    assert (outcome.verdict, outcome.reason, outcome.findings) == (Verdict.PASS, "", ())


def test_one_module_of_32_is_missing(drift) -> None:
    outcome = drift({**dict.fromkeys("abcde", 2015.5), "f": 1951.5})
    assert outcome.verdict is Verdict.FAIL
    assert [(m.at, m.value, str(m.limit)) for m in outcome.measurements if not m.ok] == [
        ("f", 1951.5, "at least 1975.2 GiB")
    ]


@pytest.mark.parametrize(
    "sizes", [[503.0] * 5 + [251.0] * 4, [503.0] * 4 + [251.0] * 5, [503.0, 503.0, 251.0, 251.0]]
)
def test_of_two_sizes_nobody_knows_the_right_one(drift, sizes) -> None:
    outcome = drift({f"n{k}": size for k, size in enumerate(sizes)})
    assert outcome.verdict is Verdict.FAIL
    assert [(f.code, f.at) for f in outcome.findings] == [("MEMORY-SIZE", "fleet")]
    assert "503 GiB on" in outcome.findings[0].message and "no clear majority" in outcome.findings[0].message


def test_a_node_with_more_memory_lacks_nothing(drift) -> None:
    outcome = drift({**dict.fromkeys("abcde", 503.0), "f": 1007.0})
    assert (outcome.verdict, outcome.findings) == (Verdict.PASS, ())


def test_too_few_that_told_their_size_are_no_pass(drift) -> None:
    outcome = drift({"a": 2015.5, "b": 2015.5, "c": 2015.5, "d": None})
    assert (outcome.verdict, outcome.reason) == (
        Verdict.ERROR,
        "too few nodes told their memory: 3 of 4 with profile test",
    )


def test_three_nodes_have_no_middle(drift) -> None:
    with pytest.raises(NotApplicable):
        drift(dict.fromkeys("abc", 2015.5))
