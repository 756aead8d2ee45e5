"""`bringup handover`: the folder that goes with a cluster to its owner, or the reasons why there is none yet."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import click

from bringup.cli import common
from bringup.cli import ledger as kept
from bringup.cli.formats import TEXTS, shown, with_pseudonyms
from bringup.errors import RunFolderError, UsageError
from bringup.life import entries as en
from bringup.life import ledger
from bringup.model import Exit
from bringup.orchestrator import RunFolder
from bringup.report import handover as documents
from bringup.report import manifest, text
from bringup.report.words import plural

_RUN_FILES = ("run.toml", "inventory.yaml", "journal.jsonl", manifest.NAME)
_RUN_FOLDERS = ("profiles", "reports", "evidence")


@click.command()
@click.argument("name", metavar="RUN", default="last")
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), default=None,
    show_default="handover-CLUSTER-RUN", help="The folder to make.",
)  # fmt: skip
@click.option(
    "--sign",
    "signer",
    default="",
    metavar="NAME",
    help="Put this name to every exception that is not signed yet.",
)
@click.option(
    "--evidence/--no-evidence",
    default=True,
    show_default=True,
    help="Take along every byte that the nodes answered.",
)
@common.runs_option
@common.json_option
def handover(name: str, output: Path | None, signer: str, evidence: bool, runs: Path, as_json: bool) -> int:
    """Make the hand-over folder of a READY run: inventory, links, results, counters, punch list, baseline, exceptions.

    Refused (exit code 1, every reason named) if the run is not READY, was of a selection only, a defect of any run is
    neither closed nor accepted, a file of the run was changed since, or an exception has no signature.

    \b
    bringup handover last
    bringup handover last --sign "Jane Doe, Example Corp"
    """
    folder = RunFolder.find(runs, name)
    state = kept.load_run(folder)
    opened = kept.beside(folder)
    book = opened.book(state.info.name)
    unsigned = [w for w in documents.in_use(state) if not w.signed] if signer.strip() else []
    who = text.line(signer, 200)
    state.waivers = tuple(w.signed_by(who) if w in unsigned else w for w in state.waivers)
    reasons = [*documents.missing(state, book, opened.now), *_changed(folder)]
    if reasons:
        if as_json:
            click.echo(
                json.dumps({"schema": "bringup.handover/1", "run": folder.id, "reasons": reasons}, indent=2)
            )
        else:
            click.echo(f"run {folder.id} cannot be handed over:", err=True)
            for reason in reasons:
                click.echo(f"  {reason}", err=True)
        return Exit.NOT_READY
    target = output or Path(f"handover-{state.info.name}-{folder.id}")
    if target.exists() and any(target.iterdir()):
        raise UsageError(f"{target}: is there already and not empty; choose another with -o")
    signed: list[en.AnyEntry] = [
        en.Signed(
            at=opened.now, by=kept.writer(), cluster=state.info.name, what=w.what, name=who, run=folder.id
        )
        for w in unsigned
    ]
    draft = target.with_name(f".{target.name}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        sums = {"Sum of the run's manifest": manifest.verify(folder.path).sum}
        documents.write(state, book, draft, opened.now, sums)
        _copy_run(folder, draft / "9-run", evidence)
        _for_vendors(folder, draft / "9-for-vendors")
        own = manifest.write_all(draft)
        if target.exists():
            target.rmdir()
        ledger.append(opened.path, signed)
        draft.replace(target)
    except OSError as error:
        raise UsageError(f"{target}: cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    files = sum(1 for p in target.rglob("*") if p.is_file())
    if as_json:
        said = {
            "schema": "bringup.handover/1",
            "run": folder.id,
            "folder": str(target),
            "files": files,
            "sha256": own,
        }
        click.echo(json.dumps({**said, "reasons": []}, indent=2))
    else:
        click.echo(f"{shown(target)}/: {plural(files, 'file')}; begin with README.md")
        click.echo(f"{manifest.NAME} itself: sha256 {own}   (write it on the paper that is signed)")
    return Exit.READY


def _changed(folder: RunFolder) -> list[str]:
    """What is not as it was at the end of the run."""
    try:
        compared = manifest.verify(folder.path)
    except RunFolderError as error:
        return [str(error)]
    return [
        f"{text.line(d.file, 200)} is {d.kind} since the end of the run" for d in compared.differences[:10]
    ]


def _copy_run(folder: RunFolder, target: Path, evidence: bool) -> None:
    target.mkdir(parents=True)
    for name in _RUN_FILES:
        shutil.copyfile(folder.path / name, target / name, follow_symlinks=False)
    for name in _RUN_FOLDERS if evidence else _RUN_FOLDERS[:2]:
        if (folder.path / name).is_dir():
            shutil.copytree(folder.path / name, target / name, symlinks=True)


def _for_vendors(folder: RunFolder, target: Path) -> None:
    target.mkdir(parents=True)
    view = with_pseudonyms(folder, quotes=False)
    for name, kind in (("report.html", "html"), ("results.json", "full-json")):
        (target / name).write_text(TEXTS[kind](view), encoding="utf-8")
