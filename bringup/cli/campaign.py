"""`bringup campaign`: seeds faults into simulated clusters and scores what a run finds."""

from __future__ import annotations

import fnmatch
import json
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from bringup import battery, campaign
from bringup.campaign import cases, scenarios, show, store
from bringup.campaign.types import Scenario, Score
from bringup.cli import common
from bringup.errors import NothingSelected, UsageError
from bringup.mock import KINDS
from bringup.model import LEVELS, STAGES, Exit, Level, Stage
from bringup.profile import available
from bringup.report.text import line

DEFAULT_SHAPE = "hgx-h100"


@dataclass(frozen=True)
class _Choice:
    """What was asked for on the command line."""

    only: tuple[str, ...]
    wish: scenarios.Wish
    with_cases: bool


@click.command(name="campaign")
@click.option(
    "--only", "--kinds", "only", multiple=True, metavar="PATTERN",
    help="Only these kinds of fault or cases; * matches anything (nvlink-*, case-12).",
)  # fmt: skip
@click.option(
    "--seeds",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    help="Play everything with so many seeds.",
)
@click.option(
    "--nodes", type=click.IntRange(2, 1000), default=32, show_default=True, help="Nodes of a cluster."
)
@click.option(
    "--alone", type=click.IntRange(2, 1000), default=16, show_default=True,
    help="Nodes of a cluster that has a single fault: of a pair, a leaf, the fleet or the plan; all with --no-pack.",
)  # fmt: skip
@click.option("--sizes", default="", metavar="32,64", help="Several sizes instead of --nodes.")
@click.option(
    "--combine",
    type=click.IntRange(0, 50),
    default=0,
    metavar="K",
    help="Also clusters with K faults at once.",
)
@click.option(
    "--combinations",
    type=click.IntRange(1, 1000),
    default=4,
    show_default=True,
    help="So many of them for each seed.",
)
@click.option(
    "--per-node", type=click.IntRange(1, 10), default=1, show_default=True,
    help="With --combine: up to so many faults on one node, at parts of their own and none explained by another.",
)  # fmt: skip
@click.option(
    "--shapes", default="", metavar="A,B",
    help="Play each kind on each of these shapes that it fits, or on all (default: once, on hgx-h100 where it fits).",
)  # fmt: skip
@click.option(
    "--clean",
    type=click.IntRange(0, 1000),
    default=None,
    metavar="N",
    help="Clusters without a fault (default: one of each shape).",
)
@click.option(
    "--cases/--no-cases", "with_cases", default=True, show_default=True, help="The named acceptance cases."
)
@click.option("--singles/--no-singles", default=True, show_default=True, help="Every kind by itself.")
@click.option(
    "--later/--no-later",
    default=True,
    show_default=True,
    help="Also kinds that no check can see yet; they may be missed.",
)
@click.option(
    "--pack/--no-pack", default=True, show_default=True,
    help="Faults of single nodes share clusters, one to a node; or each has a cluster of its own.",
)  # fmt: skip
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Scenarios at once.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("campaign"), show_default=True,
    help="Folder for the result, the scenarios and the runs of those that failed.",
)  # fmt: skip
@click.option("--keep", is_flag=True, help="Keep the runs of all scenarios, also of those that were right.")
@click.option(
    "--replay",
    default="",
    metavar="SCENARIO",
    help="Play one scenario of an earlier campaign again, alone, and print its inventory.",
)
@click.option("--list", "only_list", is_flag=True, help="Print the scenarios, play none.")
@click.option(
    "--level",
    type=click.Choice([v.value for v in LEVELS]),
    default=Level.STANDARD.value,
    show_default=True,
    help="How much of the battery.",
)
@click.option(
    "--check",
    "check_patterns",
    multiple=True,
    metavar="ID",
    help="Only these checks; * matches anything (link.*).",
)
@click.option(
    "--stage",
    "stages",
    multiple=True,
    type=click.Choice([s.value for s in STAGES]),
    help="Only these stages.",
)
@common.battery_option
@common.profiles_option
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on standard output.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, only the result.")
def command(
    only: Sequence[str], seeds: int, nodes: int, alone: int, sizes: str, combine: int, combinations: int,
    per_node: int, shapes: str, clean: int | None, with_cases: bool, singles: bool, later: bool, pack: bool, jobs: int, out: Path,
    keep: bool, replay: str, only_list: bool, level: str,
    check_patterns: Sequence[str], stages: Sequence[str], batteries: Sequence[Path], profile_dirs: Sequence[Path],
    as_json: bool, quiet: bool,
) -> int:  # fmt: skip
    """Seed faults into simulated clusters and score what a run finds, places and explains.

    \b
    bringup campaign                                   every kind of fault once, the cases, clean clusters
    bringup campaign --seeds 3 --combine 4
    bringup campaign --only 'nvlink-*' --no-pack       one cluster for each fault
    bringup campaign --replay case-12                  one scenario again, alone

    Exits 0 only if everything that must be found today was found at the right part with the right class, and nothing
    else was reported.
    """
    checks = common.choose(battery.load(batteries), Level(level), [Stage(s) for s in stages], check_patterns)
    setup = campaign.Setup(tuple(c.id for c in checks), Level(level), tuple(batteries), tuple(profile_dirs))
    plans = campaign.plans(available(list(profile_dirs)))
    listed = _shapes(shapes, plans)
    wish = scenarios.Wish(
        kinds=tuple(only) or ("*",), seeds=tuple(range(1, seeds + 1)), sizes=_sizes(sizes, nodes), alone=alone,
        shapes=listed or (DEFAULT_SHAPE, *(s for s in plans if s != DEFAULT_SHAPE)), every_shape=bool(listed),
        pack=pack, singles=singles, later=later, combine=combine, combinations=combinations, per_node=per_node,
        clean=(0 if only else len(listed or plans)) if clean is None else clean, clean_shapes=listed or tuple(plans),
    )  # fmt: skip
    drawn = _drawn(_Choice(tuple(only), wish, with_cases), plans, campaign.Rules.of(checks))
    if replay:
        return _replay(replay, drawn, setup, out)
    if not drawn.scenarios:
        raise NothingSelected(f"no scenario is left; kinds are, for example, {', '.join(list(KINDS)[:5])}")
    if only_list:
        for scenario in drawn.scenarios:
            click.echo(f"{scenario.id}  {scenario.title or ', '.join(p.kind for p in scenario.planted)}")
        return Exit.READY
    return _play(drawn, setup, out, jobs=jobs, keep=keep, as_json=as_json, quiet=quiet)


def _sizes(text: str, nodes: int) -> tuple[int, ...]:
    if not text:
        return (nodes,)
    try:
        sizes = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--sizes {text}: needs numbers with commas between, as in 32,64") from None
    if any(not 2 <= size <= 1000 for size in sizes):
        raise UsageError(f"--sizes {text}: each from 2 to 1000")
    return sizes


def _shapes(text: str, plans: dict[str, campaign.Plan]) -> tuple[str, ...]:
    if text in ("", "all"):
        return tuple(plans) if text else ()
    names = tuple(part.strip() for part in text.split(","))
    for name in names:
        if name not in plans:
            raise UsageError(
                f"--shapes: no shape {name!r} with a profile of its name; there are {', '.join(plans)}"
            )
    return names


def _drawn(choice: _Choice, plans: dict[str, campaign.Plan], rules: campaign.Rules) -> campaign.Drawn:
    """The scenarios of the wish, with the named cases that were asked for."""
    drawn = campaign.draw(choice.wish, KINDS, plans, rules)
    named = cases.scenarios(plans, KINDS) if choice.with_cases and DEFAULT_SHAPE in plans else ()
    if choice.only:
        named = tuple(c for c in named if any(fnmatch.fnmatchcase(c.id, p) for p in choice.only))
    return campaign.Drawn((*drawn.scenarios, *named), drawn.unplayed)


def _again(out: Path) -> str:
    return f"bringup campaign --replay {{id}} --out {out}   or: bringup run -i {out}/scenarios/{{id}}.yaml"


def _play(
    drawn: campaign.Drawn,
    setup: campaign.Setup,
    out: Path,
    *,
    jobs: int,
    keep: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    for scenario in drawn.scenarios:
        store.save_scenario(scenario, out)
    begun = time.monotonic()
    scores: list[Score] = []
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: nothing may be left running
    try:
        for score in campaign.play_all(drawn.scenarios, setup, out / "runs", jobs=jobs, keep=keep):
            scores.append(score)
            if not quiet:
                state = "wrong" if score.failed else "later" if score.scenario.closes else "right"
                click.echo(
                    f"{len(scores)}/{len(drawn.scenarios)}  {state}  {score.seconds:5.0f} s  {score.scenario.id}"
                    + "".join(f"  {line(problem, 300)}" for problem in score.problems[:1]),
                    err=True,
                )
    finally:  # also of a campaign that was interrupted, what was played is kept
        totals = campaign.total(scores, drawn.unplayed, time.monotonic() - begun)
        result, page = store.save(totals, out, "Fault campaign", _again(out))
    if as_json:
        click.echo(
            json.dumps(
                {**store.document(totals), "files": {"json": str(result), "markdown": str(page)}}, indent=2
            )
        )
    else:
        click.echo(show.plain(totals, _again(out)), nl=False)
        click.echo(f"{result}   {page}   {totals.wall_s:.0f} s")
    return Exit.NOT_READY if totals.failed else Exit.READY


def _replay(name: str, drawn: campaign.Drawn, setup: campaign.Setup, out: Path) -> int:
    """One scenario alone: what was stored, else what these options draw under that name."""
    scenario: Scenario | None = store.load_scenario(name, out) or scenarios.pick(drawn.scenarios, name)
    if scenario is None:
        raise NothingSelected(
            f"no scenario {name!r}: neither in {out}/scenarios nor drawn by these options; see --list"
        )
    if scenario.blocked:
        raise NothingSelected(f"{name} waits for later work ({scenario.closes}): {scenario.blocked}")
    click.echo(scenario.text)
    store.save_scenario(scenario, out)
    scores = list(campaign.play_all([scenario], setup, out / "runs", jobs=1, keep=True))
    click.echo(show.plain(campaign.total(scores), _again(out)), nl=False)
    click.echo(f"inventory: {out}/scenarios/{name}.yaml")
    return Exit.NOT_READY if any(s.failed for s in scores) else Exit.READY
