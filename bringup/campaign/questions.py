"""Further questions about a finished run, by the names that scenarios give in `also`: what defects alone do not show.

Each answers with the sentences that say what is wrong; none is right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from defusedxml.ElementTree import parse as parse_xml

from bringup.model import Stage, Verdict, Weight, Why
from bringup.orchestrator import RunFolder, read_kept
from bringup.report import junit
from bringup.run import RunState

Question = Callable[[RunState, RunFolder], Iterator[str]]


def twelve_gbits(state: RunState, folder: RunFolder) -> Iterator[str]:
    """The bandwidth of the slow port is read as what it was, about 12 Gb/s."""
    read = [m.value for o in state.outcomes for m in o.measurements if m.name == "write_bw" and not m.ok]
    if not read or not all(isinstance(v, int | float) and 11 < v < 14 for v in read):
        yield f"the failed bandwidths are {read}, not about 12 Gb/s"


def later_stages_say_why(state: RunState, folder: RunFolder) -> Iterator[str]:
    """A node with a defect is not run in later stages; each such result says since which check."""
    (defect,) = state.defects or (None,)
    if defect is None:
        yield "no defect, or more than one"
        return
    later = [o for o in state.by_node.get(defect.nodes[0], []) if o.stage in (Stage.RDMA, Stage.COLLECTIVE)]
    mine = [
        o for o in later if o.why is not Why.NOT_APPLICABLE
    ]  # what no node of its kind is asked says nothing
    if not mine:
        yield f"{defect.nodes[0]} is not listed in the later stages"
    for outcome in mine:
        if outcome.verdict is not Verdict.NOT_RUN or outcome.why is not Why.QUARANTINED:
            yield f"{outcome.check} on {outcome.target} is {outcome.verdict.value}, not left out"
        elif not any(check in outcome.reason for check in state.info.checks):
            yield f"{outcome.check} on {outcome.target} does not say which check put it out: {outcome.reason!r}"


def old_xid_is_a_note(state: RunState, folder: RunFolder) -> Iterator[str]:
    """An Xid from before the window is reported and fails nothing."""
    outcome = state.cases.get(("gpu.xid", "gpu-003"))
    if outcome is None or outcome.verdict is not Verdict.PASS:
        yield f"gpu.xid on gpu-003 is {outcome.verdict.value if outcome else 'missing'}, not pass"
    elif not any(f.weight is Weight.NOTE and "95" in f.message for f in outcome.findings):
        yield "the old Xid 95 of gpu-003 is not reported as a note"


def everybody_is_paired(state: RunState, folder: RunFolder) -> Iterator[str]:
    """With an odd number of nodes every node still takes part in a pair."""
    paired = {name for o in state.outcomes if o.stage is Stage.RDMA and len(o.nodes) == 2 for name in o.nodes}
    if paired != set(state.nodes):
        yield f"never in a pair: {', '.join(sorted(set(state.nodes) - paired))}"


def pairs_are_alike(state: RunState, folder: RunFolder) -> Iterator[str]:
    """Nodes of every kind are tested in pairs, and never against a node of another kind."""
    kinds = {name: node.profile for name, node in state.nodes.items()}
    pairs = {o.nodes for o in state.outcomes if len(o.nodes) == 2}
    for pair in sorted(pairs):
        if len({kinds[name] for name in pair}) > 1:
            yield f"{' and '.join(pair)} are of different profiles and were paired"
    alone = set(kinds.values()) - {kinds[name] for pair in pairs for name in pair}
    if alone:
        yield f"no pair was tested of {', '.join(sorted(alone))}"


def junit_is_complete(state: RunState, folder: RunFolder) -> Iterator[str]:
    """JUnit has one case for each planned result, named by check and target, with the command in system-out."""
    files = junit.write(state, folder.reports / "junit", read_evidence=partial(read_kept, folder.path))
    found: dict[tuple[str, str], str] = {}
    for path in files:
        for case in parse_xml(Path(path)).iter("testcase"):
            said = case.findtext("system-out") or ""
            kind = next((child.tag for child in case if child.tag in ("failure", "error", "skipped")), "pass")
            found[case.get("classname", ""), case.get("name", "")] = kind
            if kind in ("failure", "error") and said and "--- " not in said:
                yield f"{case.get('name')}: system-out does not name the command"
    wanted = {
        Verdict.PASS: "pass",
        Verdict.FAIL: "failure",
        Verdict.ERROR: "error",
        Verdict.NOT_RUN: "skipped",
    }
    for outcome in state.outcomes:
        key = (f"bringup.{outcome.check}", outcome.target)
        if found.get(key) != wanted[outcome.verdict]:
            yield f"JUnit says {found.get(key)} of {key}, the run {outcome.verdict.value}"
    if len(found) != len(state.outcomes):
        yield f"JUnit has {len(found)} cases, the run {len(state.outcomes)}"


QUESTIONS: dict[str, Question] = {
    q.__name__: q
    for q in (
        twelve_gbits, later_stages_say_why, old_xid_is_a_note, everybody_is_paired, pairs_are_alike, junit_is_complete,
    )
}  # fmt: skip
