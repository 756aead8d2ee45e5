"""`bringup swap`: guides the test that tells a bad cable from a bad port, by changing two cables for each other."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click
import msgspec

from bringup.cli import common
from bringup.cli import ledger as kept
from bringup.cli.retest import Earlier, conduct, read_earlier
from bringup.errors import NothingSelected, UsageError
from bringup.life import entries as en
from bringup.life import ledger
from bringup.life.proof import Needs
from bringup.life.swaptest import Judged, answer, goals, judged
from bringup.model import Exit, Node, Port
from bringup.orchestrator import RunFolder
from bringup.report import text
from bringup.run import RunState, load

_END = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*):([A-Za-z0-9._-]+)")
_SAID = {True: "good", False: "bad", None: "not judged"}


@click.command()
@click.argument("a", metavar="NODE:PORT")
@click.argument("b", metavar="NODE:PORT")
@click.option("--run", "name", default="last", show_default=True, help="The run that found one of them bad.")
@click.option(
    "--done",
    is_flag=True,
    help="The cables have been changed for each other: measure again and say what it is.",
)
@click.option(
    "-i", "--inventory", "inventory_path", default="", type=click.Path(dir_okay=False),
    show_default="the file that the run was started with, as it is today", help="Another inventory file.",
)  # fmt: skip
@common.runs_option
def swap(a: str, b: str, name: str, done: bool, inventory_path: str, runs: Path) -> int:
    """Find out whether a cable or a port is bad: one bad and one good port change their cables at the node.

    On a terminal it measures, says which plugs to change, waits for Enter, measures again and says what it is. Without
    one, call it again with --done after the cables are changed. The other ends stay where they are.

    \b
    bringup swap gpu-009:mlx5_4 gpu-009:mlx5_5
    bringup swap gpu-009:mlx5_4 gpu-009:mlx5_5 --done
    """
    earlier = read_earlier(RunFolder.find(runs, name), inventory_path)
    ends = (_end(earlier, a), _end(earlier, b))
    if ends[0][0].name == ends[1][0].name and ends[0][1].hca == ends[1][1].hca:
        raise UsageError(f"{a} and {b} are one port; a swap needs two")
    cluster = earlier.state.info.name
    begun = _begun(runs, cluster, a, b)
    if done:
        if begun is None:
            raise UsageError(f"swap {a} {b}: nothing was measured before; begin without --done")
        first = RunFolder.find(runs, begun.run)
        wanted = _wanted(load(first.path), ends, tuple(c.id for c in earlier.checks))
        earlier = read_earlier(first, inventory_path)
        return _after(earlier, wanted, ends, (a, b), Judged(begun.good_a, begun.good_b))
    wanted = _wanted(earlier.state, ends, tuple(c.id for c in earlier.checks))
    if not wanted:
        raise NothingSelected(
            f"run {earlier.folder.id} shows no defect at {a} or {b}: there is nothing to find out"
        )
    folder, now = _measure(earlier, wanted, ends, f"swap test of {a} and {b}, before")
    _write(folder, cluster, en.Swapped(a=a, b=b, run=folder.id, good_a=now.a, good_b=now.b))
    click.echo(f"\nbefore: {a} {_SAID[now.a]}, {b} {_SAID[now.b]}")
    if {now.a, now.b} != {True, False}:
        click.echo("a swap test needs one bad and one good port; nothing follows from these two")
        return Exit.INCOMPLETE
    _tell_what_to_do(ends)
    if not sys.stdin.isatty():
        click.echo(f"then: bringup swap {a} {b} --done")
        return Exit.READY
    click.prompt("press Enter when it is done", default="", show_default=False, prompt_suffix="")
    return _after(read_earlier(folder, inventory_path), wanted, ends, (a, b), now)


Ends = tuple[tuple[Node, Port], tuple[Node, Port]]


def _end(earlier: Earlier, said: str) -> tuple[Node, Port]:
    """A planned port. Raises UsageError."""
    match = _END.fullmatch(said)
    node = next((n for n in earlier.inventory.nodes if match and n.name == match[1]), None)
    port = next((p for p in node.ports if match and p.hca == match[2]), None) if node else None
    if node is None or port is None:
        raise UsageError(f"{text.line(said, 80)}: no planned port of this name; write it as gpu-009:mlx5_4")
    return node, port


def _path(end: tuple[Node, Port]) -> str:
    return f"{end[0].name}/hca/{end[1].hca}/port/1"


def _wanted(state: RunState, ends: Ends, checks: tuple[str, ...]) -> Needs:
    return goals(state, _path(ends[0]), _path(ends[1]), checks)


def _begun(runs: Path, cluster: str, a: str, b: str) -> en.Swapped | None:
    """The last swap test of these ports that has not come to its end."""
    mine = [s for s in kept.opened(runs).book(cluster).swaps if (s.a, s.b) == (a, b)]
    return mine[-1] if mine and mine[-1].step == "before" else None


def _measure(earlier: Earlier, wanted: Needs, ends: Ends, says: str) -> tuple[RunFolder, Judged]:
    planner = earlier.planner(wanted)
    plan = planner([n for n in earlier.inventory.nodes if n.name in earlier.state.nodes])
    folder, _ = conduct(earlier, planner, plan, says, as_json=False, quiet=True, on_purpose=True)
    return folder, judged(load(folder.path), wanted, _path(ends[0]), _path(ends[1]))


def _after(earlier: Earlier, wanted: Needs, ends: Ends, names: tuple[str, str], before: Judged) -> int:
    a, b = names
    folder, now = _measure(earlier, wanted, ends, f"swap test of {a} and {b}, after")
    found = answer(before, now, ends[0][1], ends[1][1], (ends[0][0], ends[1][0]))
    step = en.Swapped(
        a=a, b=b, run=folder.id, good_a=now.a, good_b=now.b, step="after", says=f"{found.blame}: {found.says}"
    )
    _write(folder, earlier.state.info.name, step)
    click.echo(f"\nafter:  {a} {_SAID[now.a]}, {b} {_SAID[now.b]}")
    click.echo(f"{found.blame.value.upper()}: {text.line(found.says, 400)}")
    click.echo("then put the cables back where the plan has them, or correct the plan")
    return Exit.READY if found.blame.value in ("port", "cable", "seat") else Exit.INCOMPLETE


def _tell_what_to_do(ends: Ends) -> None:
    click.echo("now change these two plugs for each other at the node; leave the other ends where they are:")
    for node, port in ends:
        cable = f"cable {port.cable}" if port.cable else "its cable"
        far = f" from {port.leaf} port {port.leaf_port}" if port.leaf else ""
        click.echo(f"  {' '.join(filter(None, (node.place, node.name)))} {port.hca}: {cable}{far}")


def _write(folder: RunFolder, cluster: str, entry: en.Swapped) -> None:
    opened = kept.beside(folder)
    ledger.append(
        opened.path, [msgspec.structs.replace(entry, at=opened.now, by=kept.writer(), cluster=cluster)]
    )
