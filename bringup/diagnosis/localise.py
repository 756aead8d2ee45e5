"""Which end of a failing pair is to blame: moves every sign of two ends to the one place where its cause is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from bringup.diagnosis import ruled_out
from bringup.diagnosis.evidence import Evidence, flaky
from bringup.diagnosis.symptoms import Sign
from bringup.diagnosis.trials import ends_of


def localise(signs: Sequence[Sign], evidence: Evidence) -> list[Sign]:
    """The same signs with every two-ended one moved to the end, the leaves or the way that is to blame.

    A bad end takes the sign as it is, two bad ends each take one. Where both ends are good with others the sign gets
    the code of what its failing pairs have in common; where nothing better is known of either, it stays a pair.
    """
    return [moved for sign in signs for moved in _moved(sign, evidence)]


def _moved(sign: Sign, evidence: Evidence) -> Iterator[Sign]:
    if len(sign.at) < 2 or sign.joined:
        yield sign
    elif sign.unjudged:
        node = evidence.setups.blamed.get((sign.check, sign.target), "")
        yield dataclasses.replace(sign, at=(node,)) if node else sign
    else:
        yield from _proven(sign, ends_of(sign.at, sign.nodes), evidence)


def _proven(sign: Sign, ends: tuple[str, ...], evidence: Evidence) -> Iterator[Sign]:
    """A failing test of two ends at the place of its cause."""
    about = evidence.about(sign)
    guilty = [end for end in ends if end in about.bad]
    for end in guilty:
        why = ruled_out.of_end(end, about)
        yield dataclasses.replace(sign, at=(end,), spared=about.good_ports(end.split("/")[0]), ruled_out=why)
    if guilty:
        return
    known = all(end in about.good for end in ends)
    way = evidence.way(sign, ends) if known else None
    code = "PAIR-UNSPLIT" if way is None else way.code or sign.code
    at = ends if way is None else way.at
    why = ruled_out.of_unknown(ends, about) if way is None else ruled_out.of_way(way, about)
    if set(at) == set(ends) and (dirty := evidence.dirty(ends)):
        code, at = (flaky(sign), (dirty,)) if known else (sign.code, (dirty,))
        why = (*why, *ruled_out.by_counters(dirty, ends, evidence.risen))
    yield dataclasses.replace(sign, code=code, was=sign.code, at=at, was_at=ends, ruled_out=why)
