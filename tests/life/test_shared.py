"""A run that is read from its journal holds equal limits and names once, and is the same run."""

from __future__ import annotations

from pathlib import Path

from support.invented_run import events_of, nodes, pair, single
from support.records import replace

from bringup.journal import encode
from bringup.model import Limit, Measurement
from bringup.run import fold, load, shared


def test_what_is_equal_is_one_object_and_nothing_else_changes(tmp_path: Path) -> None:
    outcomes = [single("gpu.count", n) for n in nodes()] + [pair("n1", "n2"), pair("n3", "n4", good=False)]
    told = events_of("r", outcomes)
    (tmp_path / "journal.jsonl").write_bytes(b"".join(encode(event) + b"\n" for event in told))
    state = load(tmp_path)
    assert state == fold(told)
    counts = [o.measurements[0] for o in state.outcomes if o.check == "gpu.count"]
    assert len(counts) == 4
    assert len({id(m.limit) for m in counts}) == 1
    assert len({id(m.name) for m in counts}) == 1


def test_limits_that_only_look_equal_stay_apart() -> None:
    yes, one = Limit("x", "==", True), Limit("x", "==", 1.0)
    first = replace(single("gpu.count", "n1"), measurements=(Measurement("x", 1.0, "", "n1", yes),))
    second = replace(single("gpu.count", "n2"), measurements=(Measurement("x", 1.0, "", "n2", one),))
    state = fold(shared(events_of("r", [first, second])))
    assert [type(o.measurements[0].limit.value) for o in state.outcomes] == [bool, float]  # type: ignore[union-attr]
