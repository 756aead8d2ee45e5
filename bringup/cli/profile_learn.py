"""`bringup profile learn`: limits for what no profile has a limit for, from the healthy nodes of a finished run."""

from __future__ import annotations

import dataclasses
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from bringup import __version__, battery
from bringup.battery.asked import asked, together
from bringup.check import AnyCheck
from bringup.cli import common
from bringup.cli.output import reader, shown
from bringup.errors import ProfileError, RunFolderError, UsageError
from bringup.inventory import folded
from bringup.model import Exit
from bringup.orchestrator import RunFolder
from bringup.profile import Profile, available, load_all
from bringup.profile.checking import check
from bringup.profile.learning import FEWEST_NODES, Learned, LeftOut, reasons, tighter
from bringup.profile.learning import learn as propose
from bringup.profile.source import is_name
from bringup.profile.writing import Origin, toml, why
from bringup.report.survey import Survey, survey
from bringup.report.words import plural
from bringup.run import RunState, load


@dataclass(frozen=True, slots=True)
class Lesson:
    """What was learned for one profile of a run; `refused` says why it was nothing."""

    survey: Survey
    learned: tuple[Learned, ...] = ()
    not_learned: tuple[LeftOut, ...] = ()
    refused: str = ""
    file: Path | None = None


@click.command()
@click.argument("name", metavar="RUN")
@click.option(
    "--name", "new_name", default="", metavar="N", help="Name of the new profile (default: PROFILE-learned)."
)
@click.option("--extends", default="", metavar="P", help="Its parent (default: the profile of the nodes).")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="File to write, or a folder (default: N.toml in this folder).",
)
@click.option("--profile", "only", multiple=True, metavar="P", help="Only nodes of this profile of the run.")
@click.option("--limit", "limits", multiple=True, metavar="NAME", help="Only this limit.")
@click.option("--all", "everything", is_flag=True, help="Tighten limits that the profile has already, too.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@common.runs_option
@common.battery_option
@common.profiles_option
@common.json_option
def learn(
    name: str, new_name: str, extends: str, out: Path | None, only: Sequence[str], limits: Sequence[str],
    everything: bool, force: bool, runs: Path, batteries: Sequence[Path], profile_dirs: Sequence[Path], as_json: bool,
) -> int:  # fmt: skip
    """Write a profile with limits that are learned from the healthy nodes of a finished run.

    A floor stands at 90 % of the median, a ceiling as far above it. Only nodes without defects of which everything was
    judged count, only what the profile has no limit for is learned, and only where enough parts agree. No node is
    touched. Read the file before you use it: it holds proposals.

    \b
    bringup profile learn last --out profiles/hall-2-learned.toml
    bringup profile learn 1120-0931 --limit 'rdma.write_bw' --all
    """
    folder = RunFolder.find(runs, name)
    state = _finished(load(folder.path), folder)
    dirs = [*profile_dirs, folder.profiles]
    profiles = _profiles(state, only, dirs)
    own = folder.settings().get("batteries")
    kept = [Path(b) for b in own if Path(b).is_dir()] if isinstance(own, list) else []
    checks = battery.load([*kept, *(b for b in batteries if b.resolve() not in kept)])
    found = survey(state, checks, profiles, reader(folder), everything=everything or bool(limits))
    lessons = [lesson(found[p], profiles[p], frozenset(limits), everything) for p in profiles]
    if not any(one.learned for one in lessons):
        raise UsageError(
            "\n".join(["nothing was learned"] + [line for one in lessons for line in report(one)])
        )
    started = time.strftime("%Y-%m-%d", time.localtime(state.info.started))
    drafts: dict[Path, str] = {}
    for at, one in enumerate(lessons):
        if one.learned:
            used = one.survey.profile
            own_name, path = destination(used, new_name, out, several=len(profiles) > 1)
            origin = Origin(
                folder.id, started, __version__, used, len(one.survey.healthy), one.survey.left_out
            )
            drafts[path] = toml(own_name, (extends or used,), one.learned, origin)
            refuse(path, drafts[path], dirs, checks, force=force)
            lessons[at] = dataclasses.replace(one, file=path)
    for path, text in drafts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    if as_json:
        document = {
            "schema": "bringup.profile-learn/1",
            "run": folder.id,
            "profiles": [_row(one) for one in lessons],
        }
        click.echo(json.dumps(document, indent=2))
    else:
        click.echo("\n".join(line for one in lessons for line in report(one)))
    return Exit.READY if all(one.learned for one in lessons) else Exit.INCOMPLETE


def _finished(state: RunState, folder: RunFolder) -> RunState:
    """Raises RunFolderError for a run that is not over: what is not there yet cannot be told from what is missing."""
    if state.ended is None or state.aborted or state.missing:
        raise RunFolderError(f"run {folder.id} is not finished; first: bringup resume {folder.id}")
    return state


def _profiles(state: RunState, only: Sequence[str], dirs: Sequence[Path]) -> dict[str, Profile]:
    there = sorted({n.profile for n in state.nodes.values() if n.profile})
    for wanted in only:
        if wanted not in there:
            raise UsageError(
                f"--profile {wanted}: no node of the run has it; there are {', '.join(there) or 'none'}"
            )
    if not there:
        raise UsageError("no node of this run has a profile; give them one in the inventory, at least linux")
    return dict(load_all([p for p in there if not only or p in only], dirs))


def lesson(found: Survey, profile: Profile, limits: frozenset[str], everything: bool) -> Lesson:
    """What one profile's nodes teach. Without enough of them, or with nothing to learn, why not."""
    if len(found.healthy) < FEWEST_NODES:
        nodes = plural(len(found.healthy), "healthy node")
        return Lesson(
            found, refused=f"{nodes} of {len(found.healthy) + len(found.left_out)}, needs {FEWEST_NODES}"
        )
    samples = [s for s in found.samples if not limits or s.limit in limits]
    learned: list[Learned] = []
    not_learned: list[LeftOut] = []
    for one in propose(samples, limits):
        known = profile.limits.get(one.name)
        if isinstance(one, LeftOut):
            not_learned.append(one)
        elif known is None or tighter(one, known.op, known.value):
            learned.append(one)
        else:
            not_learned.append(
                LeftOut(one.name, f"the profile's own limit is as tight: {known} ({known.source})")
            )
    refused = ""
    if not learned:
        refused = "no limit could be learned"
        if not samples and limits:
            refused = f"no healthy node has read {', '.join(sorted(limits))}"
        elif not samples:
            refused = "the profile has a limit for all that was read" + (
                "" if everything else "; --all tightens them"
            )
    return Lesson(found, tuple(learned), tuple(not_learned), refused)


def destination(profile: str, name: str, out: Path | None, *, several: bool) -> tuple[str, Path]:
    """The name of the new profile and its file. Raises UsageError where they do not go together."""
    chosen = (f"{name}-{profile}" if several else name) if name else f"{profile}-learned"
    if out is not None and (several or out.is_dir()):
        path = out / f"{chosen}.toml"
    else:
        path = out or Path(f"{chosen}.toml")
        if path.suffix != ".toml":
            raise UsageError(f"--out {out}: a profile's file is NAME.toml")
        if name and out is not None and path.stem != name:
            raise UsageError(f"--name {name} and --out {out}: the file of a profile has its name")
        chosen = path.stem if out is not None else chosen
    if not is_name(chosen):
        raise UsageError(f"{chosen!r} is no name for a profile: letters, digits, dot, underscore and dash")
    if chosen in available() or chosen == profile:
        raise UsageError(
            f"there is a profile {chosen} already; give the new one a name of its own with --name"
        )
    return chosen, path


def refuse(path: Path, text: str, dirs: Sequence[Path], checks: Sequence[AnyCheck], *, force: bool) -> None:
    """Raises UsageError or ProfileError for a file that is there, or that would not pass the checks of a profile."""
    if path.exists() and not force:
        raise UsageError(f"{path} is there already; --force writes over it")
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / path.name
        draft.write_text(text, encoding="utf-8")
        problems = check(draft, dirs, together(asked(c) for c in checks))
    own = [dataclasses.replace(p, file=str(path)) for p in problems if p.file == str(draft)]
    if own:
        raise ProfileError(own)


def report(one: Lesson) -> list[str]:
    """What was learned and what not, as a person reads it."""
    found = one.survey
    lines = [f"{found.profile}: learned from {plural(len(found.healthy), 'healthy node')}"]
    for reason, nodes in _by_reason(found.left_out).items():
        lines.append(f"  left out: {folded(nodes)} ({reason})")
    if one.refused:
        lines.append(f"  refused: {one.refused}")
    for limit in one.learned:
        value = limit.value if isinstance(limit.value, str) else f"{limit.value:.6g}"
        lines.append(f"  {limit.name} {limit.op} {value} {limit.unit}".rstrip() + f"   {why(limit)}")
        if limit.outside:
            lines.append(f"      worth a look, would fail: {', '.join(limit.outside)}")
    lines += [f"  not learned: {quantity.name}: {quantity.why}" for quantity in one.not_learned]
    if one.file:
        lines.append(
            f"  written: {shown(one.file)}; read it, give the nodes `profile: {one.file.stem}` in the inventory, then: "
            f"bringup run --profiles {shown(one.file.parent)}"
        )
    return lines


def _by_reason(left_out: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for node, reason in left_out.items():
        found.setdefault(reason, []).append(node)
    return found


def _row(one: Lesson) -> dict[str, object]:
    return {
        "profile": one.survey.profile,
        "healthy": list(one.survey.healthy),
        "left_out": dict(one.survey.left_out),
        "refused": one.refused,
        "file": str(one.file) if one.file else None,
        "limits": [
            {
                "name": x.name,
                "op": x.op,
                "value": x.value,
                "unit": x.unit,
                **reasons(x),
                "outside": list(x.outside),
            }
            for x in one.learned
        ],
        "not_learned": [{"name": x.name, "why": x.why} for x in one.not_learned],
    }
