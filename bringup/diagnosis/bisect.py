"""A collective job that fails at one size and not at half of it: which of its nodes, or rails, make it fail? Pure.

Halving the job would change its size, and often the size is the fault. So the job keeps its size: the half in question
is filled up with nodes that are known to be good, and both halves run at the same time. If neither half fails, the
culprits sit in both (delta debugging): each half is then searched while the other one stays in. Rails are the second
axis. If no part fails on its own, the fault is one of scale, and that is the answer: the whole failing set, never an
empty list. A job that is good is the control of those that run beside it; if none was, good nodes alone must be.

`next_step` is asked again and again with all results so far; it answers with the jobs to run next, or with the verdict.
The same results always give the same answer, so that a run that was broken off goes on where it stood.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from bringup.diagnosis.naming import some

LIKE = 0.75
"""A job of this part of a size is like it: who was good in it is taken as good."""
DEPTH = 3
"""Culprits that must be there all at once are told apart up to 2^3 parts of the job; more of them is scale."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The job that failed. `good` are known-good nodes outside of it, `rails` what it ran on, if that can be chosen."""

    nodes: tuple[str, ...]
    good: tuple[str, ...] = ()
    rails: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """One job to run: the nodes in question and known-good ones that fill it up. No `rails`: on all.

    Without suspects it is a control. `again` tells a second try of the same question, with other nodes to fill up.
    """

    suspects: tuple[str, ...]
    filling: tuple[str, ...] = ()
    rails: tuple[str, ...] = ()
    again: int = 0

    @property
    def nodes(self) -> tuple[str, ...]:
        return (*self.suspects, *self.filling)


@dataclass(frozen=True, slots=True)
class Ask:
    """Jobs without a common node, to be run at the same time."""

    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class Culprit:
    """Nodes that fail together, whoever else is in the job. `rails`: only on these (empty: not confined to some).

    `flaky`: they failed once and were good in the same job with other nodes to fill it up.
    """

    nodes: tuple[str, ...]
    rails: tuple[str, ...] = ()
    flaky: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """The verdict. `scale_only`: no part of the job fails alone; then the one culprit is the whole job.

    `error` says why nothing is decided. `held` is false where there were too few good nodes to keep the size, so that
    a part that was good may only have been too small.
    """

    culprits: tuple[Culprit, ...] = ()
    scale_only: bool = False
    error: str = ""
    held: bool = True


Known = Mapping[Job, bool | None]
"""What became of the jobs so far: good, bad, or None where it could not be judged."""


def next_step(failure: Failure, known: Known) -> Ask | Found:
    """The jobs to run next, or the verdict."""
    search = _Search(failure, known)
    step = _step(search)
    if (
        isinstance(step, Found)
        and (search.held or failure.good)
        and any(culprit.flaky for culprit in step.culprits)
    ):
        pure = {job: good for job, good in known.items() if set(job.filling) <= set(failure.good)}
        if len(pure) < len(known):  # it may have failed only together with a node that filled up its job
            return _step(_Search(failure, pure, pure=True))
    return step


def _step(search: _Search) -> Ask | Found:
    try:
        return replace(search.verdict(), held=search.held)
    except _Open:
        return Ask(search.packed())
    except _Unclear as unclear:
        return Found(error=str(unclear), held=search.held)


@dataclass(frozen=True, slots=True)
class _Question:
    """What a job is to tell. A `strict` one is filled up only with nodes from outside of the failed job."""

    suspects: tuple[str, ...]
    rails: tuple[str, ...] = ()
    again: int = 0
    strict: bool = field(default=False, compare=False)


class _Open(Exception):
    """A result is still to come."""


class _Unclear(Exception):
    """A job could not be judged, or the control failed."""


Part = tuple[str, ...]
Asking = Callable[[Part, Part], _Question]
T = TypeVar("T")


class _Search:
    """The search from its beginning with what is known; what it lacks is left in `_wanted`.

    A `pure` search fills up only with nodes from outside of the failed job.
    """

    def __init__(self, failure: Failure, known: Known, *, pure: bool = False) -> None:
        self._failure, self._pure = failure, pure
        self._known = {_Question(job.suspects, job.rails, job.again): good for job, good in known.items()}
        self._jobs = tuple(known)
        self._wanted: dict[_Question, None] = {}
        self._one_was_good = any(known.values())
        size, good = len(failure.nodes), len(failure.good)
        self.held = size - size // 2 <= good
        self._can_control = good >= size

    # ------------------------------------------------------------------------------------------ the search

    def verdict(self) -> Found:
        """The answer. Raises _Open as long as results are missing, and _Unclear where there will be none."""
        every = self._failure.nodes
        found: list[Part] = []
        left = every
        while left:
            parts = self._failing(left, (), 0, self._of_nodes)
            if parts == [every] and len(every) > 2:
                return Found((Culprit(every, self._rails(every)),), scale_only=True)
            found += parts
            left = tuple(n for n in left if all(n not in part for part in found))
            rest = [partial(self._fails, left)] if left else []
            if not any(self._each([*rest, *(partial(self._tried, part) for part in found)])[: len(rest)]):
                break
        culprits = self._each([partial(self._culprit, part) for part in found])
        self._control()
        return Found(tuple(culprits))

    def _of_nodes(self, nodes: Part, beside: Part) -> _Question:
        return _Question(tuple(n for n in self._failure.nodes if n in {*nodes, *beside}), strict=bool(beside))

    def _fails(self, nodes: Part) -> bool:
        return self._ask(_Question(nodes))[0]

    def _tried(self, nodes: Part) -> bool:
        """Whether a part fails alone, and again with other nodes to fill up its job."""
        return all(self._ask(_Question(nodes, strict=True), _Question(nodes, again=1, strict=True)))

    def _failing(self, items: Part, beside: Part, depth: int, asking: Asking) -> list[Part]:
        """The smallest parts of these items that fail, with the items `beside` always in; all of it is known to fail."""
        if len(items) == 1:
            return [items]
        halves = items[: len(items) // 2], items[len(items) // 2 :]
        one, two = self._ask(*(asking(half, beside) for half in halves))
        if one and two:
            self._control()
        if one and two and not beside:
            both = self._each([partial(self._failing, half, (), depth, asking) for half in halves])
            return [part for mine in both for part in mine]
        if one or two:
            return self._failing(halves[0] if one else halves[1], beside, depth, asking)
        if depth == DEPTH - 1:
            return [items]
        far = [(*half, *beside) for half in reversed(halves)]
        mine = self._each(
            [
                partial(self._failing, half, other, depth + 1, asking)
                for half, other in zip(halves, far, strict=True)
            ]
        )
        return [tuple(item for part in mine for item in part[0])]

    def _culprit(self, nodes: Part) -> Culprit:
        """A part that fails, with its second try, and on which rails it does."""
        sure = self._tried(nodes)
        return Culprit(nodes, self._rails(nodes) if sure else (), flaky=not sure)

    def _rails(self, nodes: Part) -> Part:
        """The rails on which these nodes fail; empty where it is not only on some."""
        rails = self._failure.rails
        if len(rails) < 2:
            return ()

        def asking(some: Part, beside: Part) -> _Question:
            return _Question(nodes, tuple(rail for rail in rails if rail in {*some, *beside}), strict=True)

        halves = rails[: len(rails) // 2], rails[len(rails) // 2 :]
        if len(set(self._ask(*(asking(half, ()) for half in halves)))) == 1:
            return ()  # on both, or on neither: then it is no matter of rails
        bad = {rail for part in self._failing(rails, (), 0, asking) for rail in part}
        return tuple(rail for rail in rails if rail in bad) if len(bad) < len(rails) else ()

    # ---------------------------------------------------------------------------------------- asking

    def _ask(self, *questions: _Question) -> list[bool]:
        """Whether these fail. What is not known yet is wanted."""
        wanted = [q for q in questions if q not in self._known]
        self._wanted.update(dict.fromkeys(wanted))
        if wanted:
            raise _Open
        unclear = next((q for q in questions if self._known[q] is None), None)
        if unclear is not None:
            raise _Unclear(f"the job of {some(unclear.suspects) or 'known-good nodes'} could not be judged")
        return [not self._known[q] for q in questions]

    def _control(self) -> None:
        """If everything failed so far, good nodes alone must not. Raises _Unclear if they do."""
        if not self._one_was_good and self._can_control and self._ask(_Question(()))[0]:
            raise _Unclear("a job of known-good nodes alone fails as well")

    def _each(self, searches: Sequence[Callable[[], T]]) -> list[T]:
        """Several searches at the same time: what any of them lacks is wanted at once."""
        done: list[T] = []
        for search in searches:
            try:
                done.append(search())
            except _Open:
                continue
        if len(done) < len(searches):
            raise _Open
        return done

    # ---------------------------------------------------------------------------------------- packing

    def packed(self) -> tuple[Job, ...]:
        """As many of the wanted jobs as have no node in common, each filled up to the size that failed.

        Nodes of the failed job that were good in another one of that size fill up as well, but last, and nothing that is
        `strict` unless there is nobody else. Who would be alone takes one that was good in a smaller job: one node is
        no job.
        """
        jobs: list[Job] = []
        used: set[str] = set()
        asked = {n for question in self._wanted for n in question.suspects} if self._failure.good else set()
        for question in self._wanted:
            size, part = self._failed_part(question.suspects)
            strict = self._pure or (question.strict and self._failure.good)
            inside = (
                []
                if strict
                else self._good_in(size, {*asked, *(question.suspects if self._failure.good else part)})
            )
            if not (self._failure.good or inside) and len(question.suspects) == 1:
                size, inside = 2, self._good_in(0, {*question.suspects})
            same = (j for j in self._jobs if (j.suspects, j.rails) == (question.suspects, question.rails))
            before = {n for job in same for n in job.filling}
            filling = [
                *sorted((n for n in self._failure.good if n not in used), key=lambda n: n in before),
                *sorted((n for n in inside if n not in used), key=lambda n: n in before),
            ]
            lacking = size - len(question.suspects)
            least = min(
                lacking, len(self._failure.good) + len(inside)
            )  # it is worth a round to wait for so many
            if used & set(question.suspects) or (jobs and len(filling) < least):
                continue
            job = Job(question.suspects, tuple(filling[:lacking]), question.rails, question.again)
            jobs.append(job)
            used.update(job.nodes)
        return tuple(jobs)

    def _failed_part(self, suspects: Part) -> tuple[int, Part]:
        """The smallest job that these are known to fail in: its size, and the nodes in question there.

        That is the failed job, or a part of it that failed alone. Its own nodes cannot fill up jobs of that size: all of
        them together are what fails.
        """
        mine = set(suspects)
        failed = [
            j for j in self._jobs if not j.rails and self._result(j) is False and mine <= set(j.suspects)
        ]
        least = min(failed, key=lambda j: (len(j.nodes), len(j.suspects)), default=None)
        whole = self._failure.nodes
        return (len(whole), whole) if least is None else (len(least.nodes), least.suspects)

    def _good_in(self, size: int, but: set[str]) -> list[str]:
        """The nodes of the failed job that were good in a job of about this size at least: halves differ by one node."""
        least = size * LIKE
        good = (j for j in self._jobs if not j.rails and self._result(j) is True and len(j.nodes) >= least)
        return [n for n in dict.fromkeys(n for j in good for n in j.suspects) if n not in but]

    def _result(self, job: Job) -> bool | None:
        return self._known[_Question(job.suspects, job.rails, job.again)]
