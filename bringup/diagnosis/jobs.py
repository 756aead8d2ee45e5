"""Jobs of many nodes that fail: which further jobs tell the culprits, and what their results say. Pure.

A job has a key that tells what it is (`leaf job gpu-001 and 15 more`), and one of a search tells besides how many of its
first nodes are in question: the others are known to be good and keep the size. So the search is read from the results
alone, and a resumed or rejudged run comes to the same answer.
"""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from bringup.diagnosis.bisect import Ask, Culprit, Failure, Found, Job, next_step
from bringup.diagnosis.naming import counted, some
from bringup.diagnosis.suspects import node_of
from bringup.diagnosis.symptoms import Sign
from bringup.diagnosis.trials import ends_of
from bringup.model import Node, Outcome, Stage, Verdict, port_path
from bringup.topology import place

SCALE_ONLY = "SCALE-ONLY"
"""The code of a job that fails although no part of it does at the same size."""
WAVES = ("leaf", "domain", "unit", "cross-leaf", "all")
"""The kinds of jobs in the order in which they run."""

ANY = "any"
"""What every pass clears of: a failure without a number."""

_KEY = re.compile(
    r"(?P<base>(?P<wave>\S+) job \S+ and [0-9]{1,7} more)"
    r"(?:, search (?P<number>[0-9]{1,7}) with (?P<suspects>[0-9]{1,7}) in question"
    r"(?: on rails (?P<rails>[0-9]{1,6}(?:,[0-9]{1,6}){0,63}))?(?P<again>, again)?)?",
    re.ASCII,
)
_GOOD = {Verdict.PASS: True, Verdict.FAIL: False}
Case = tuple[str, str]
"""Check and target."""


class JobKey(NamedTuple):
    """What the key of a job says. Of a job that is no search `number` is 0. No `rails`: all."""

    base: str
    wave: str
    number: int = 0
    suspects: int = 0
    again: int = 0
    rails: tuple[str, ...] = ()


def key_of(wave: str, names: Sequence[str]) -> str:
    """The key of a job of these nodes."""
    return f"{wave} job {names[0]} and {len(names) - 1} more"


def search_key(base: str, number: int, job: Job) -> str:
    """The key of a job of the search for what makes the job `base` fail."""
    again = ", again" if job.again else ""
    rails = f" on rails {','.join(job.rails)}" if job.rails else ""
    return f"{base}, search {number} with {len(job.suspects)} in question{rails}{again}"


def job_key(target: str) -> JobKey | None:
    """The key of a job taken apart; None for the key of anything else."""
    found = _KEY.fullmatch(target)
    if found is None:
        return None
    number, suspects = int(found["number"] or 0), int(found["suspects"] or 0)
    rails = tuple((found["rails"] or "").split(",")) if found["rails"] else ()
    return JobKey(found["base"], found["wave"], number, suspects, int(found["again"] is not None), rails)


# ----------------------------------------------------------------------------------------------- the search


def step_of(
    failed: Outcome, outcomes: Iterable[Outcome], nodes: Mapping[str, Node], untold: Collection[str] = ()
) -> Ask | Found:
    """The jobs to run next for a job that failed, or the verdict. Targets that are `untold` count as not run yet."""
    found = _searched(failed, outcomes, nodes, untold)
    return found if isinstance(found, Found) else next_step(*found)


def _searched(
    failed: Outcome, outcomes: Iterable[Outcome], nodes: Mapping[str, Node], untold: Collection[str] = ()
) -> tuple[Failure, dict[Job, bool | None]] | Found:
    """What is known of the search for a job that failed; the verdict where nothing is to be searched."""
    known: dict[Job, bool | None] = {}
    good: dict[str, None] = {}
    beside = 0
    mine = job_key(failed.target)
    latest = WAVES.index(mine.wave) if mine is not None and mine.wave in WAVES else 0
    for o in outcomes:
        key = job_key(o.target) if o.check == failed.check else None
        if key is None:
            continue
        if key.number and key.base == failed.target and o.target not in untold:
            job = Job(o.nodes[: key.suspects], o.nodes[key.suspects :], key.rails, key.again)
            known[job] = _GOOD.get(o.verdict)
        elif not key.number and key.wave in WAVES[: latest + 1] and o.verdict in _GOOD:
            beside += o.target != failed.target
            if o.verdict is Verdict.PASS:
                good.update(dict.fromkeys(o.nodes))
    if beside and not good:
        return Found(error="no job of this kind was good, so nobody is known to be good")
    alike = {name for name in good if _profile(name, nodes) == _profile(failed.nodes[0], nodes)}
    joined = any(m.code == "COLL-TRANSPORT" for m in failed.measurements)
    if joined:
        # NVLink joins its nodes: with one of another domain it would go over the ports, and tell nothing about this job
        alike = {name for name in alike if _domain(name, nodes) == _domain(failed.nodes[0], nodes)}
    outside = tuple(n for n in good if n in alike and n not in failed.nodes)
    if len(outside) < len(failed.nodes) - len(failed.nodes) // 2 and _halves_good(failed.nodes, known):
        # nobody is there to keep the size, and the parts were good in smaller jobs: that may be all there is to it
        return Found((Culprit(failed.nodes),), scale_only=True, held=False)
    rails = () if joined else _rails((*failed.nodes, *outside), nodes)
    return Failure(failed.nodes, outside, rails), known


def _halves_good(nodes: tuple[str, ...], known: Mapping[Job, bool | None]) -> bool:
    good = {job.suspects for job, well in known.items() if well}
    return {nodes[: len(nodes) // 2], nodes[len(nodes) // 2 :]} <= good


def _profile(name: str, nodes: Mapping[str, Node]) -> str:
    return nodes[name].profile if name in nodes else ""


def _rails(names: Sequence[str], nodes: Mapping[str, Node]) -> tuple[str, ...]:
    """The rails on which all of these nodes have a planned port, of the same name: a job names its ports for all."""
    sets = [{(port.rail, port.hca) for port in nodes[name].ports} for name in names if name in nodes]
    return tuple(str(rail) for rail, _ in sorted(set.intersection(*sets))) if sets else ()


def _domain(name: str, nodes: Mapping[str, Node]) -> str:
    return place(nodes[name]).domain if name in nodes else ""


def unfit(outcomes: Iterable[Outcome]) -> dict[str, str]:
    """Nodes that spoil every job that they are in, with the reason: bad alone, or bad with every partner."""
    failed: dict[tuple[str, str], set[str]] = defaultdict(set)
    passed: dict[tuple[str, str], set[str]] = defaultdict(set)
    for o in outcomes:
        if o.stage not in (Stage.RDMA, Stage.COLLECTIVE) or not 0 < len(o.nodes) <= 2:
            continue
        ends = ends_of(o.at, o.nodes) if len(o.nodes) == 2 else o.nodes
        for end in ends:
            if o.verdict is Verdict.PASS:
                passed[o.check, end] |= {ANY, *(m.code for m in o.measurements)}
            elif o.verdict is Verdict.FAIL:
                failed[o.check, end] |= {m.code for m in o.measurements if not m.ok} or {ANY}
    # a pass clears only of what it has measured: between two NVLink domains nothing is said about the NVLinks
    return {
        node_of(end): f"bad in {check}" for (check, end), of in failed.items() if not of <= passed[check, end]
    }


def spoilers(outcomes: Sequence[Outcome], nodes: Mapping[str, Node]) -> dict[str, str]:
    """Who is left out of the next jobs, with the reason: who is unfit, and whom the search of an earlier job has named."""
    named = {
        name: "named by an earlier job"
        for step in found_in(outcomes, nodes).values()
        if isinstance(step, Found) and not step.scale_only
        for culprit in step.culprits
        for name in culprit.nodes
    }
    return {**named, **unfit(outcomes)}


# ----------------------------------------------------------------------------------------------- what it says


def found_in(outcomes: Sequence[Outcome], nodes: Mapping[str, Node]) -> dict[Case, Ask | Found]:
    """For each job that failed what its search came to; Ask where it was not finished."""
    return {
        (o.check, o.target): _decided(o, outcomes, nodes)
        for o in outcomes
        if o.verdict is Verdict.FAIL and (key := job_key(o.target)) is not None and not key.number
    }


def _decided(failed: Outcome, outcomes: Sequence[Outcome], nodes: Mapping[str, Node]) -> Ask | Found:
    """The verdict; without rails where only they were not told to the end."""
    found = _searched(failed, outcomes, nodes)
    if isinstance(found, Found):
        return found
    failure, known = found
    step = next_step(failure, known)
    if failure.rails and (isinstance(step, Ask) or step.error):
        without = next_step(dataclasses.replace(failure, rails=()), known)
        if isinstance(without, Found) and not without.error:
            return without
    return step


def to_culprits(signs: Iterable[Sign], outcomes: Sequence[Outcome], nodes: Mapping[str, Node]) -> list[Sign]:
    """The same signs; those of failing jobs stand where their search has found the cause."""
    if not any(job_key(o.target) for o in outcomes):
        return list(signs)
    found = found_in(outcomes, nodes)
    tries: dict[Case, int] = defaultdict(int)
    for o in outcomes:
        key = job_key(o.target)
        if key is not None and key.number:
            tries[o.check, key.base] += 1
    moved: list[Sign] = []
    for sign in signs:
        key = job_key(sign.target)
        if key is None or sign.unjudged or sign.at != (sign.target,):  # the last names its node itself
            moved.append(sign)
            continue
        verdict = found.get((sign.check, key.base))
        moved += _moved(sign, key.base, verdict, tries[sign.check, key.base], nodes)
    return moved


def _moved(
    sign: Sign, base: str, verdict: Ask | Found | None, tries: int, nodes: Mapping[str, Node]
) -> list[Sign]:
    if not isinstance(verdict, Found) or verdict.error or not verdict.culprits:
        why = verdict.error if isinstance(verdict, Found) else "the search for the cause was not finished"
        said = (f"not found: {why}",) if why else ()
        return [dataclasses.replace(sign, at=(base,), was=sign.first_code, ruled_out=said)]
    if verdict.scale_only:
        (whole,) = verdict.culprits
        text = f"{sign.measured}; {scale(whole.nodes, nodes)}"
        size = "of the same size" if verdict.held else "smaller for want of other good nodes"
        said = (f"its parts: none of them fails alone in {counted(tries, 'further job')} {size}",)
        return [
            dataclasses.replace(
                sign,
                code=SCALE_ONLY,
                was=sign.first_code,
                at=(base,),
                measured=text,
                value=None,
                ruled_out=said,
            )
        ]
    mine = [c for c in verdict.culprits if set(c.nodes) <= set(sign.nodes)]
    return [
        dataclasses.replace(
            sign, at=_at(culprit, nodes), was=sign.first_code, nodes=culprit.nodes, joined=len(culprit.nodes) > 1,
            ruled_out=_ruled_out(culprit, verdict, tries),
        )
        for culprit in mine or verdict.culprits
    ]  # fmt: skip


def _at(culprit: Culprit, nodes: Mapping[str, Node]) -> tuple[str, ...]:
    """The nodes, or the port of the one node that fails on one rail alone."""
    if len(culprit.nodes) == 1 and len(culprit.rails) == 1 and (node := nodes.get(culprit.nodes[0])):
        ports = [p for p in node.ports if str(p.rail) == culprit.rails[0]]
        return tuple(port_path(node.name, p.hca) for p in ports[:1]) or culprit.nodes
    return culprit.nodes


def _ruled_out(culprit: Culprit, verdict: Found, tries: int) -> tuple[str, ...]:
    size = "" if verdict.held else ", some of them smaller for want of good nodes"
    said = [
        f"the other nodes of the job: {counted(tries, 'further job')} of the same size told them apart{size}"
    ]
    if culprit.rails:
        said.append(
            f"its other rails: over rail {', '.join(culprit.rails)} it fails, over the others it does not"
        )
    if culprit.flaky:
        said.append("a lasting fault: the same nodes were good in another job")
    if len(culprit.nodes) > 1:
        said.append("each of these nodes alone: only together do they fail")
    return tuple(said)


def scale(names: Sequence[str], nodes: Mapping[str, Node]) -> str:
    """The set that fails only as a whole, with the leaves that it covers."""
    leaves = dict.fromkeys(
        leaf for n in names if n in nodes for leaf in place(nodes[n]).leaf.split("+") if leaf
    )
    over = (
        f", over {counted(len(leaves), 'leaf').replace('leafs', 'leaves')}: {some(leaves)}" if leaves else ""
    )
    return f"only all {counted(len(names), 'node')} together fail: {some(names)}{over}"
