"""How much longer a run will take: the plan's estimates, corrected by what the run has shown so far."""

from __future__ import annotations

from bringup.run import RunState, StageState

# A plan may be wrong, but not by more than this before the progress inside the stage speaks for itself.
_LEAST, _MOST = 0.2, 10.0


def remaining(state: RunState, now: float) -> float | None:
    """Seconds to the end of the run; None while nothing is known."""
    correction = _correction(state)
    total = 0.0
    known = False
    begun = 0.0
    for its in state.stages.values():
        begun += its.estimate_s if its.started is not None else 0.0
        if its.running:
            rest = stage_remaining(its, now, correction)
            known = known or rest is not None
            total += rest or 0.0
    later = max(0.0, state.info.estimate_s - begun)
    if not known and later == 0.0:
        return None
    return total + later * correction


def stage_remaining(its: StageState, now: float, correction: float = 1.0) -> float | None:
    """Seconds to the end of a running stage. The further it is, the more its own pace counts."""
    if its.started is None or its.ended is not None:
        return None
    elapsed = max(0.0, now - its.started)
    share = its.done / its.cases if its.cases else 0.0
    guess = its.estimate_s * correction if its.estimate_s > 0 else None
    pace = elapsed / share if share > 0.02 else None
    if guess is None and pace is None:
        return None
    if guess is None or pace is None:
        total = guess if pace is None else pace
        return max(0.0, (total or 0.0) - elapsed)
    total = share * pace + (1 - share) * guess
    return max(0.0, total - elapsed)


def _correction(state: RunState) -> float:
    """How much longer than planned the finished stages took."""
    took = planned = 0.0
    for its in state.stages.values():
        if its.started is not None and its.ended is not None and its.estimate_s > 0:
            took += max(0.0, its.ended - its.started)
            planned += its.estimate_s
    if planned <= 0:
        return 1.0
    return min(_MOST, max(_LEAST, took / planned))
