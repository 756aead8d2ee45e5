"""The whole report as one file: needs no network and no script, and forbids both to whatever a node may have put in."""

from __future__ import annotations

import base64
import hashlib
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from bringup.defects import Defect
from bringup.model import RunVerdict
from bringup.report import text, words
from bringup.report import verdict as judge
from bringup.report.digest import Digest, digest
from bringup.report.html import tables, work
from bringup.report.html.markup import Markup, joined, tag, verbatim
from bringup.report.html.style import SHEET
from bringup.report.proof import Proofs
from bringup.report.readings import Speeds, distributions, links, speeds, versions
from bringup.run import RunState

logging.getLogger("matplotlib").addHandler(logging.NullHandler())
"""It would tell on stderr that it lists the fonts or that a home cannot be written to: it manages without."""

_TONES = {RunVerdict.READY: "ready", RunVerdict.NOT_READY: "notready", RunVerdict.INCOMPLETE: "incomplete"}


def page(state: RunState, *, exit_code: int | None = None, proofs: Proofs | None = None) -> str:
    """The report of a run. Give the exit code if the command knows better (interrupted, internal error).

    With `proofs` each defect shows the line of output that decided it.
    """
    end = digest(state, exit_code)
    defects = work.ordered(state)
    run = text.line(state.info.id, 80) or "RUN"
    measured = speeds(state)
    sections = [
        ("Punch list", "work", work.punch_list(state, defects, run, proofs)),
        *_pictures(state, defects, measured),
        ("Links", "links", tables.link_matrix(links(state, measured))),
        ("Versions", "versions", tables.version_table(versions(state))),
        ("Not judged", "open", work.open_questions(state, end)),
    ]
    there = [(name, at, section) for name, at, section in sections if section is not None]
    title = f"{end.verdict.value}: {end.name or end.run}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy()),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", f"{title} - bringup"),
        tag("style", verbatim(SHEET)),
    )
    main = tag("main", *(section for _, _, section in there), _footer(state, end))
    body = tag("body", _header(state, end, [(name, at) for name, at, _ in there]), main)
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _pictures(
    state: RunState, defects: Sequence[Defect], measured: Speeds
) -> list[tuple[str, str, Markup | None]]:
    """Name, id and section of what is drawn. A page that says why it has no pictures is better than none."""
    try:
        # Not above: matplotlib takes half a second, and only who draws a page needs it. Its numpy starts a thread for
        # every processor, which spin, unless it is told that no matrices come.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        from bringup.report.html import canvas, pictures

        with canvas.drawing():
            return [
                ("Floor", "floor", pictures.floor(state, defects)),
                ("Stages", "stages", pictures.stages(state)),
                ("Bandwidth", "bandwidth", pictures.bandwidth(state, measured)),
                ("Distributions", "charts", pictures.charts(distributions(state))),
            ]
    except (
        ImportError,
        OSError,
    ) as error:  # a broken installation, or no folder where it may keep its list of fonts
        said = f"There are none: matplotlib cannot be used here ({text.line(str(error), 300)})."
        section = tag("section", tag("h2", "Pictures"), tag("p", said), id="pictures")
        return [("Pictures", "pictures", section)]


def write(state: RunState, path: Path, *, exit_code: int | None = None, proofs: Proofs | None = None) -> None:
    """Write the report; the file appears complete or not at all."""
    draft = path.with_name(f".{path.name}.tmp")
    try:
        draft.write_text(page(state, exit_code=exit_code, proofs=proofs), encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def policy() -> str:
    """Nothing may be loaded, run or sent; only our own style sheet applies, known by its hash."""
    digest_of_sheet = base64.b64encode(hashlib.sha256(SHEET.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest_of_sheet}'; base-uri 'none'; form-action 'none'"


def _header(state: RunState, end: Digest, contents: list[tuple[str, str]]) -> Markup:
    tiles = [
        (f"{end.ready:,} of {end.nodes:,}", "nodes ready"),
        (f"{end.defects:,}", "defects" if end.defects != 1 else "defect"),
        (f"{end.not_judged:,}", "could not be judged"),
        (f"{end.checks:,}", "checks"),
        (words.duration(end.seconds) or "unknown", "duration"),
    ]
    began = judge.utc(state.info.started, " ")
    facts = [
        f"run {end.run}", f"{began} UTC" if began else "", f"level {state.info.level.value}",
        f"bringup {text.line(state.info.version, 40)}" if state.info.version else "", f"exit code {end.exit_code}",
    ]  # fmt: skip
    lines = [tag("p", " \u00b7 ".join(fact for fact in facts if fact), class_="dim")]
    if end.aborted:
        lines.append(tag("p", f"The run ended early: {end.aborted}"))
    if end.selection:
        lines.append(tag("p", f"Of a selection only: {end.selection}"))
    return tag(
        "header",
        tag(
            "div",
            tag("h1", end.verdict.value, tag("small", end.name)),
            *lines,
            tag(
                "ul",
                *(tag("li", tag("b", number), tag("span", said)) for number, said in tiles),
                class_="tiles",
            ),
            tag("nav", *(tag("a", name, href=f"#{at}") for name, at in contents)),
        ),
        class_=_TONES[end.verdict],
    )


def _footer(state: RunState, end: Digest) -> Markup:
    said = (
        f"Written from the journal of run {end.run} and from nothing else; the raw output of every command is in the run's "
        f"folder below evidence/. bringup show {end.run} NODE CHECK prints it, bringup verify {end.run} tells whether a file "
        "was changed since."
    )
    checks = text.line(", ".join(state.info.checks), 20_000)
    listed = tag(
        "details",
        tag("summary", f"The {words.plural(len(state.info.checks), 'check')} of this run"),
        tag("p", checks),
    )
    return tag("footer", joined([tag("p", said), listed]))
