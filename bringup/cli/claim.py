"""What people say about defects: `claim`, `fixed`, `waive`, `note`. Each is one line in the ledger beside the runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from bringup.cli import common
from bringup.cli import ledger as kept
from bringup.errors import UsageError
from bringup.life import describe, ledger
from bringup.life import entries as en
from bringup.life.standing import end_of_day
from bringup.model import Exit
from bringup.orchestrator import RunFolder
from bringup.report import text
from bringup.run import load

MOST_TEXT = 1_000
_DEFECTS = click.argument("idents", metavar="DEFECT...", nargs=-1, required=True)
_CLUSTER = click.option(
    "--cluster", default="", help="The inventory's name, where several have the same defect."
)
Make = Callable[[str, str], en.AnyEntry]


@click.command()
@_DEFECTS
@click.option("--owner", default=None, show_default="you", help="Who takes care of it.")
@_CLUSTER
@common.runs_option
def claim(idents: Sequence[str], owner: str | None, cluster: str, runs: Path) -> int:
    """Say that you (or somebody) take care of defects.

    \b
    bringup claim D-5BD370
    bringup claim D-5BD370 D-C5F24A --owner ann
    """
    who = _needed(owner if owner is not None else kept.writer(), "--owner")
    return _say(runs, cluster, idents, lambda name, ident: en.Claimed(cluster=name, id=ident, owner=who))


@click.command()
@_DEFECTS
@click.option("-m", "--message", default="", help="What was done: reseated, cable replaced, ...")
@_CLUSTER
@common.runs_option
def fixed(idents: Sequence[str], message: str, cluster: str, runs: Path) -> int:
    """Say that defects are repaired. They are closed when a run has proven it: bringup retest.

    \b
    bringup fixed D-5BD370 -m "optic cleaned and reseated"
    """
    said = message.strip()[:MOST_TEXT]
    return _say(runs, cluster, idents, lambda name, ident: en.Repaired(cluster=name, id=ident, text=said))


@click.command()
@_DEFECTS
@click.option("-m", "--message", required=True, help="What is to be remembered.")
@_CLUSTER
@common.runs_option
def note(idents: Sequence[str], message: str, cluster: str, runs: Path) -> int:
    """Write something down about defects.

    \b
    bringup note D-5BD370 -m "spare optic ordered, ticket 4711"
    """
    said = _needed(message, "--message")
    return _say(runs, cluster, idents, lambda name, ident: en.Noted(cluster=name, id=ident, text=said))


@click.command()
@click.argument("idents", metavar="[DEFECT...]", nargs=-1)
@click.option(
    "-n",
    "--node",
    "nodes",
    multiple=True,
    help="Leave a node out as a whole: all that is wrong or open there.",
)
@click.option("--reason", default="", help="Why this may be so.")
@click.option("--owner", default="", help="Who accepts it, by name.")
@click.option("--until", default="", metavar="YYYY-MM-DD", help="The last day of the exception.")
@click.option("--end", is_flag=True, help="Take the exception back.")
@click.option("--run", "name", default="last", show_default=True, help="The run whose cluster --node means.")
@_CLUSTER
@common.runs_option
def waive(
    idents: Sequence[str], nodes: Sequence[str], reason: str, owner: str, until: str, end: bool, name: str,
    cluster: str, runs: Path,
) -> int:  # fmt: skip
    """Record an exception: a defect, or a node, that is accepted as it is for some time, by whom and why.

    A run whose only defects are waived is READY, and every report names the exceptions. After its last day an exception
    counts no more. A waived node is one that is handed over as not usable.

    \b
    bringup waive D-5BD370 --reason "spare optic on order" --owner "Jane Doe" --until 2026-12-31
    bringup waive --node gpu-016 --reason "delivered in January" --owner "Jane Doe" --until 2027-01-31
    bringup waive D-5BD370 --end
    """
    if not idents and not nodes:
        raise UsageError("waive: needs a defect's id, or --node")
    if not end:
        missing = [
            o for o, v in (("--reason", reason), ("--owner", owner), ("--until", until)) if not v.strip()
        ]
        if missing:
            raise UsageError(f"waive: an exception needs {', '.join(missing)}")
        last = end_of_day(until)
        if last is None:
            raise UsageError(f"--until {text.line(until, 40)}: needs a day as 2026-12-31")
        if last <= kept.opened(runs).now:
            raise UsageError(f"--until {until}: this day is over")

    def entry(cluster_name: str, what: str) -> en.AnyEntry:
        if end:
            return en.WaiverEnded(cluster=cluster_name, what=what)
        return en.Waived(
            cluster=cluster_name, what=what, reason=reason.strip()[:MOST_TEXT], owner=owner.strip()[:200], until=until
        )  # fmt: skip

    if nodes:
        state = load(RunFolder.find(runs, name).path)
        unknown = [node for node in nodes if node not in state.nodes]
        if unknown:
            raise UsageError(f"run {state.info.id} has no node {', '.join(map(repr, unknown))}")
        _write(runs, [entry(state.info.name, node) for node in nodes])
        for node in nodes:
            click.echo(f"{node}  {'no exception any more' if end else f'waived until {until}'}")
    return _say(runs, cluster, idents, entry) if idents else Exit.READY


def _needed(said: str, option: str) -> str:
    if not said.strip():
        raise UsageError(f"{option}: needs some text")
    return said.strip()[:MOST_TEXT]


def _say(runs: Path, cluster: str, idents: Sequence[str], make: Make) -> int:
    """One line for each defect, all together or none; then how they stand."""
    before = kept.opened(runs)
    found = [before.find(ident.upper(), cluster) for ident in dict.fromkeys(idents)]
    _write(runs, [make(name, life.id) for name, _, life in found])
    after = kept.opened(runs)
    for name, _, life in found:
        book = after.book(name)
        now = book.lives[life.id]
        click.echo(
            f"{now.id}  {text.line(now.seen.title, 100)}: {text.line(describe.said(book, now, after.now), 400)}"
        )
    return Exit.READY


def _write(runs: Path, entries: Sequence[en.AnyEntry]) -> None:
    import msgspec

    now = kept.opened(runs).now
    stamped: list[en.AnyEntry] = [msgspec.structs.replace(e, at=now, by=kept.writer()) for e in entries]
    ledger.append(ledger.path_of(runs), stamped)
