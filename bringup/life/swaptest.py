"""What a swap test says: two cables change places, and the fault stays with the port or goes along. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bringup.life.proof import Needs, Told
from bringup.model import Node, Port
from bringup.run import RunState


class Blame(StrEnum):
    """What a swap test can say."""

    PORT = "port"
    CABLE = "cable"
    SEAT = "seat"
    BOTH = "both"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Judged:
    """How both ports were judged in one step: good, bad, or None where that is not known."""

    a: bool | None
    b: bool | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is to blame, and what to do about it, in one sentence."""

    blame: Blame
    says: str


def goals(state: RunState, a: str, b: str, checks: tuple[str, ...]) -> Needs:
    """The checks that failed at either port itself, asked at both of them. `a` and `b` are component paths."""
    failed = {
        symptom.check
        for defect in state.defects
        for symptom in defect.explains
        for part in symptom.at.split(" ~ ")
        if _same_port(part, a) or _same_port(part, b)
    }
    return {check: [a, b] for check in checks if check in failed}


def judged(state: RunState, wanted: Needs, a: str, b: str) -> Judged:
    """How a run judged both ports: good if all checks were good, bad if one was bad and none is unknown."""
    told = Told(state)

    def of(port: str) -> bool | None:
        needs = {check: [port] for check in wanted}
        if not told.not_good(needs):
            return True
        return False if any(_same_port(p, port) for d in state.defects for p in d.components) else None

    return Judged(of(a), of(b))


def answer(before: Judged, after: Judged, a: Port, b: Port, nodes: tuple[Node, Node]) -> Answer:
    """What follows. Before the swap exactly one of the two ports must have been bad."""
    if None in (before.a, before.b, after.a, after.b):
        return Answer(Blame.UNCLEAR, "one of the ports could not be judged; nothing follows from that")
    if before.a == before.b:
        both = "good" if before.a else "bad"
        return Answer(
            Blame.UNCLEAR, f"both ports were {both} before the swap; take one bad and one good port"
        )
    bad, good = ((a, nodes[0]), (b, nodes[1])) if not before.a else ((b, nodes[1]), (a, nodes[0]))
    bad_after, good_after = (after.a, after.b) if not before.a else (after.b, after.a)
    here = f"{bad[1].name} {bad[0].hca}"
    cable = bad[0].cable or "the cable"
    far = f"{bad[0].leaf} port {bad[0].leaf_port}" if bad[0].leaf else "the port at its far end"
    if bad_after and not good_after:
        return Answer(
            Blame.CABLE,
            f"the fault went along with {cable} to {good[1].name} {good[0].hca}: replace the cable with its optics; if"
            f" that does not help, it is {far}",
        )
    if not bad_after and good_after:
        return Answer(
            Blame.PORT,
            f"the fault stayed with {here} although another cable is in it: replace the adapter or its cage",
        )
    if bad_after and good_after:
        return Answer(
            Blame.SEAT,
            f"both ports are good now: {cable} did not sit well or was dirty; watch it, it may come back",
        )
    return Answer(
        Blame.BOTH,
        f"both ports are bad now: the port {here} and {cable} are both suspect, or the plug was hurt",
    )


def _same_port(path: str, port: str) -> bool:
    """Whether a component is the port, a part of it, or the adapter that holds it."""
    holds = path.count("/") >= 2 and port.startswith(path + "/")
    return path == port or path.startswith(port + "/") or holds


__all__ = ["Answer", "Blame", "Judged", "answer", "goals", "judged"]
