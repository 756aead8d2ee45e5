"""The lines of the ledger: what runs have found and what people have said about it, as data.

One JSON object a line. The ledger is only ever added to; how a defect stands is a fold of it (`standing.py`).
"""

from __future__ import annotations

import msgspec

from bringup.defects import Who


class Entry(msgspec.Struct, frozen=True, tag_field="type", kw_only=True):
    """Base of all lines. `at` is Unix seconds, `by` who wrote it, `cluster` the inventory's name."""

    at: float = 0.0
    by: str = ""
    cluster: str = ""


class RunTaken(Entry, frozen=True, tag="run"):
    """A run came to its end. `seen` are the ids of its defects; `retest_of` names the run that it proves repairs of."""

    run: str
    verdict: str = ""
    selection: str = ""
    retest_of: str = ""
    seen: list[str] = []


class Seen(Entry, frozen=True, tag="seen"):
    """A run has shown this defect.

    `needs` are the failed checks with the parts at which they must pass, `follows` what was suppressed by it and must
    be judged again after the repair, `parts` the serial numbers at the place.
    """

    run: str
    id: str
    code: str
    who: Who
    component: str
    components: list[str]
    nodes: list[str]
    title: str = ""
    place: str = ""
    cable: str = ""
    measured: str = ""
    needs: dict[str, list[str]] = {}
    follows: dict[str, list[str]] = {}
    parts: list[str] = []
    bad_before: list[str] = []


class Proven(Entry, frozen=True, tag="proven"):
    """A run has judged everything of a defect and found it good; `open` are checks that it suppressed and nobody judged.

    `retest`: the run was made to prove the repair.
    """

    run: str
    id: str
    retest: bool = False
    open: list[str] = []


class Claimed(Entry, frozen=True, tag="claimed"):
    """Somebody takes care of it."""

    id: str
    owner: str


class Repaired(Entry, frozen=True, tag="repaired"):
    """Somebody says that it is repaired. Only a run can prove that."""

    id: str
    text: str = ""


class Waived(Entry, frozen=True, tag="waived"):
    """An exception: accepted until the end of the day `until` (YYYY-MM-DD). `what` is a defect's id or a node's name."""

    what: str
    reason: str
    owner: str
    until: str


class WaiverEnded(Entry, frozen=True, tag="waiver-ended"):
    """An exception is taken back before its day."""

    what: str


class Signed(Entry, frozen=True, tag="signed"):
    """Somebody has put a name to an exception at a hand-over."""

    what: str
    name: str
    run: str = ""


class Noted(Entry, frozen=True, tag="note"):
    """What a person wants to be remembered about a defect."""

    id: str
    text: str


class Swapped(Entry, frozen=True, tag="swap"):
    """One step of a swap test: which ports, how the checks judged each of them, and at the end what follows."""

    a: str
    b: str
    run: str
    good_a: bool | None
    good_b: bool | None
    step: str = "before"
    says: str = ""


AnyEntry = RunTaken | Seen | Proven | Claimed | Repaired | Waived | WaiverEnded | Signed | Noted | Swapped
