"""What the rounds of pairs of a stage leave to be confirmed: failures that no known cause explains.

A port at half its rate fails its tests as well, and nobody needs another test to know why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from bringup.diagnosis.evidence import Evidence
from bringup.diagnosis.localise import localise
from bringup.diagnosis.suppress import Explaining, explained
from bringup.diagnosis.symptoms import Sign
from bringup.model import Node, Outcome, Stage, pair_key


def round_of(outcome: Outcome) -> int:
    """The round of the confirm step that a result comes from; 0 for all others."""
    key = pair_key(outcome.target)
    return key.further if key is not None else 0


def screened(
    outcomes: Iterable[Outcome],
    signs_of: Callable[[Iterable[Outcome]], list[Sign]],
    nodes: Mapping[str, Node],
    defaults: Mapping[str, str],
    explaining: Explaining,
    stage: Stage,
    *,
    further: int = 0,
) -> Evidence:
    """What the first tests of a stage's pairs say, without those whose failure follows from a known cause.

    With `further` also those of so many rounds of the confirm step.
    """
    first = [o for o in outcomes if round_of(o) <= further]
    seen = signs_of(first)
    evidence = Evidence.of(first, seen, nodes, defaults)
    moved = [(index, part) for index, sign in enumerate(seen) for part in localise([sign], evidence)]
    causes = explained([part for _, part in moved], explaining, evidence.leaf)
    open_ = {index for place, (index, _) in enumerate(moved) if place not in causes}
    mine = [sign for index, sign in enumerate(seen) if index in open_ and sign.stage is stage]
    return Evidence.of([o for o in first if o.stage is stage], mine, nodes, defaults)
