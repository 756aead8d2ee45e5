"""The end of a run on a terminal and as Markdown: golden texts, and nothing important lost. All runs are invented."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from bringup import events as ev
from bringup.defects import Defect, Who
from bringup.model import Exit, RunVerdict, Stage, Verdict, Why
from bringup.report import digest as digests
from bringup.report import markdown, summary, words
from bringup.report.summary import Summary
from bringup.report.verdict import exit_code, ready_nodes, verdict
from bringup.run import RunState

GOLDEN = Path(__file__).with_name("golden")
PATHS = {"report": "runs/0821-1002/reports/report.md", "junit": "runs/0821-1002/reports/junit/"}
HIDDEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\ufffe]")


def squeezed(said: str) -> str:
    return re.sub(r"\s+", "", said)


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize(("name", "code"), [("ready", None), ("broken", None), ("aborted", Exit.INTERRUPTED)])
def test_golden(name: str, code: int | None, width: int, request: pytest.FixtureRequest) -> None:
    plain = Summary(request.getfixturevalue(name), PATHS, code).plain(width)
    assert plain == (GOLDEN / f"{name}-{width}.txt").read_text(encoding="utf-8")
    assert max(cell_len(line) for line in plain.splitlines()) <= width


def test_clean_run_is_one_line(ready: RunState) -> None:
    assert Summary(ready, PATHS).plain(80) == "READY   8 of 8 nodes   3 checks   0 defects   12 min 48 s\n"


@pytest.mark.parametrize("width", [60, 80, 132, 300])
@pytest.mark.parametrize("name", ["broken", "aborted", "hostile", "thousand"])
def test_any_width_says_the_same_words(name: str, width: int, request: pytest.FixtureRequest) -> None:
    state: RunState = request.getfixturevalue(name)
    plain = Summary(state, PATHS).plain(width)
    assert squeezed(plain) == squeezed(Summary(state, PATHS).plain(1000))
    body = plain[: plain.index("\nexit ")] if "\nexit " in plain else plain
    assert all(cell_len(line) <= width for line in body.splitlines())
    assert not HIDDEN.search(plain)


def test_colour_terminal_shows_the_same_text_as_plain(broken: RunState) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80, color_system="standard", record=True)
    console.print(Summary(broken, PATHS))
    shown = console.export_text(styles=False)
    assert [line.rstrip() for line in shown.splitlines()] == Summary(broken, PATHS).plain(80).splitlines()
    assert "\x1b[1;31mNOT READY" in console.file.getvalue()  # type: ignore[attr-defined]


def test_markup_of_a_node_is_only_text(
    story: Callable[..., object], make_defect: Callable[..., Defect]
) -> None:
    told = story(1)
    found = make_defect("LINK-DOWN", Who.HANDS_ON, "gpu-001", ("gpu-001",), title="[bold red]x[/] [/nope]")
    told.add(ev.DefectsFound(defects=[found]))  # type: ignore[attr-defined]
    console = Console(file=io.StringIO(), width=80)
    console.print(Summary(told.state()))  # type: ignore[attr-defined]
    assert "[bold red]x[/] [/nope]" in console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize(("encoding", "mark"), [("utf-8", "…"), ("ascii", "...")])
def test_write_never_fails_on_the_encoding(encoding: str, mark: str, hostile: RunState) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    summary.write(Summary(hostile, PATHS), stream, width=80)
    stream.flush()
    said = raw.getvalue().decode(encoding)
    assert said.startswith("NOT READY   0 of 1 node ready")
    assert mark in said


def test_every_open_result_is_in_exactly_one_place(broken: RunState) -> None:
    end = digests.digest(broken)
    said = " ".join(" ".join(entry.lines) for section in end.sections for entry in section.entries)
    counted = {
        m[1]: int(m[2]) for m in re.finditer(r"(gpu\.present|reach\.login|rdma\.write-bw) \((\d+)\)", said)
    }
    assert counted == {"gpu.present": 2, "reach.login": 1, "rdma.write-bw": 1}
    assert [(s.title, len(s.entries)) for s in end.sections] == [
        ("HANDS ON", 2),
        ("CONFIGURATION", 1),
        ("SOFTWARE", 1),
        ("PLAN", 1),
        ("COULD NOT JUDGE", 2),
    ]


def test_hands_on_is_in_walking_order(
    story: Callable[..., object], make_defect: Callable[..., Defect]
) -> None:
    told = story(30)
    order = (25, 9, 2, 17, 10, 1)
    found = [make_defect("GPU-LOST", Who.HANDS_ON, f"gpu-{n:03}", (f"gpu-{n:03}",)) for n in order]
    away = make_defect("LINK-DOWN", Who.HANDS_ON, "leaf-1", ("elsewhere",))
    told.add(ev.DefectsFound(defects=[away, *found]))  # type: ignore[attr-defined]
    (section,) = (s for s in digests.digest(told.state()).sections if s.title == "HANDS ON")  # type: ignore[attr-defined]
    assert [entry.nodes for entry in section.entries] == [
        "gpu-001",
        "gpu-002",
        "gpu-009",
        "gpu-010",
        "gpu-017",
        "gpu-025",
        "elsewhere",
    ]


def test_fleet_wide_defect_is_folded(thousand: RunState, make_defect: Callable[..., Defect]) -> None:
    state = RunState()
    state.nodes = dict(thousand.nodes)
    paths = tuple(f"{name}/hca/mlx5_{rail}/port/1" for name in state.nodes for rail in range(2))
    state.defects = [
        make_defect(
            "LINK-RATE",
            Who.CONFIGURATION,
            "fleet/LINK-RATE",
            tuple(state.nodes),
            title="rate",
            components=paths,
        )
    ]
    (entry,) = digests.digest(state).sections[0].entries
    assert entry.nodes == "gpu-[001-999,1000]"
    assert entry.part == "port mlx5_0, port mlx5_1"


def test_many_entries_end_with_where_the_rest_is(
    thousand: RunState, make_defect: Callable[..., Defect]
) -> None:
    state = RunState()
    state.apply(ev.RunStarted(info=thousand.info))
    state.nodes = dict(thousand.nodes)
    state.defects = [make_defect("GPU-LOST", Who.HANDS_ON, f"{name}/gpu/1", (name,)) for name in state.nodes]
    plain = Summary(state).plain(80)
    assert "  and 940 more:  bringup defects 0821-1002\n" in plain
    assert plain.startswith("NOT READY   0 of 1,000 nodes ready   1,000 defects, 1 could not be judged")


def test_command_to_paste_cannot_be_another_command(broken: RunState) -> None:
    broken.info = type(broken.info)(id="x; rm -rf /", name="hall-2")
    assert "look closer: bringup show 'x; rm -rf /' gpu-003" in squeeze_lines(Summary(broken).plain(200))


def squeeze_lines(said: str) -> str:
    return re.sub(r"\s+", " ", said)


def test_run_without_an_end_is_never_ready(ready: RunState) -> None:
    ready.ended = ready.verdict = None
    assert (verdict(ready), exit_code(ready)) == (RunVerdict.INCOMPLETE, Exit.INCOMPLETE)
    assert Summary(ready).plain(80).startswith("INCOMPLETE   8 of 8 nodes ready")


def test_a_check_that_was_never_planned_leaves_no_node_ready(story: Callable[..., object]) -> None:
    told = story(2)
    told.plan("reach.login", ["gpu-001", "gpu-002"])  # type: ignore[attr-defined]
    for name in ("gpu-001", "gpu-002"):
        told.outcome("reach.login", name)  # type: ignore[attr-defined]
    told.end(RunVerdict.READY)  # type: ignore[attr-defined]
    state: RunState = told.state()  # type: ignore[attr-defined]
    assert ready_nodes(state) == set()
    assert verdict(state) is RunVerdict.INCOMPLETE
    assert "2 checks not reached: link.rate, rdma.write-bw" in Summary(state).plain(80)


def test_partner_of_a_sick_node_is_ready_once_it_passed_elsewhere(
    broken: RunState, slow: Callable[..., dict[str, object]]
) -> None:
    assert "gpu-004" not in ready_nodes(broken)
    passed = broken.cases["rdma.write-bw", "gpu-001 ~ gpu-002 rail 1"]
    assert passed is not None
    again = type(passed)(
        "rdma.write-bw", Stage.RDMA, "gpu-002 ~ gpu-004 rail 1", ("gpu-002", "gpu-004"), Verdict.PASS
    )
    broken.apply(ev.Judged(outcome=again))
    assert "gpu-004" in ready_nodes(broken)


def test_results_blocked_without_a_defect_are_listed(story: Callable[..., object]) -> None:
    told = story(3)
    told.plan("rdma.write-bw", ["gpu-001", "gpu-002", "gpu-003"])  # type: ignore[attr-defined]
    told.outcome("rdma.write-bw", "gpu-001", Verdict.NOT_RUN, reason="no partner is left", why=Why.NO_PARTNER)  # type: ignore[attr-defined]
    told.outcome(
        "rdma.write-bw", "gpu-002", Verdict.NOT_RUN, reason="no RDMA by profile", why=Why.NOT_APPLICABLE
    )  # type: ignore[attr-defined]
    told.outcome("rdma.write-bw", "gpu-003", Verdict.NOT_RUN, reason="not run: interrupted", why=Why.ABORTED)  # type: ignore[attr-defined]
    end = digests.digest(told.state())  # type: ignore[attr-defined]
    (section,) = end.sections
    assert [(e.nodes, e.part) for e in section.entries][:2] == [
        ("gpu-001", "not run: no partner is left"),
        ("gpu-003", "not run: interrupted"),
    ]
    assert end.not_run == 2


@given(st.text(st.characters(codec=None), max_size=120), st.integers(12, 60))
def test_wrapping_keeps_every_word(said: str, width: int) -> None:
    from bringup.report import text

    clean = text.line(said)
    lines = list(summary._wrap(clean, width, 2, 4))
    assert squeezed("".join(lines)) == squeezed(clean)
    assert all(cell_len(line) <= width for line in lines)


def test_markdown_golden(broken: RunState) -> None:
    assert markdown.markdown(broken, paths=PATHS) == (GOLDEN / "broken.md").read_text(encoding="utf-8")


def test_markdown_of_a_clean_run(ready: RunState) -> None:
    assert markdown.markdown(ready) == (
        "# READY: hall-2\n\n8 of 8 nodes ready, 3 checks, 0 defects, 12 min 48 s\n\nexit 0\n"
    )


def test_markdown_has_no_meaning_in_node_text(hostile: RunState) -> None:
    said = markdown.markdown(hostile, paths={"x": "<script>"})
    assert not HIDDEN.search(said)
    assert not re.search(r"(?<!\\)<", said)
    assert not re.search(r"(?<![\\*])`", said)
    assert not re.search(r"(?<!\\)@", said)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("- item", "\\- item"),
        ("12. item", "12\\. item"),
        ("http://x www.x", "http\\://x www\\.x"),
        ("[a](b) ![i](j)", "\\[a\\](b) !\\[i\\](j)"),
        ("gpu-089 mlx5_3 1.5 Gb/s", "gpu-089 mlx5\\_3 1.5 Gb/s"),
        ("#1 @team", "\\#1 \\@team"),
    ],
)
def test_markdown_escapes(raw: str, shown: str) -> None:
    assert markdown.escaped(raw) == shown


def test_markdown_stays_below_the_limit_of_a_job_summary(
    thousand: RunState, make_defect: Callable[..., Defect], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(markdown, "MOST_BYTES", 8_000)
    state = RunState()
    state.nodes = dict(thousand.nodes)
    state.defects = [make_defect("GPU-LOST", Who.HANDS_ON, f"{name}/gpu/1", (name,)) for name in state.nodes]
    state.defects += [make_defect("FM-DOWN", Who.SOFTWARE, "gpu-001", ("gpu-001",))]
    said = markdown.markdown(state)
    assert "## HANDS ON (1,000)\n\nToo long for this page" in said
    assert "## SOFTWARE (1)\n\n- **D-" in said
    assert len(said.encode()) < 8_000


def test_words_of_names() -> None:
    assert words.names(("gpu-002", "gpu-001", "gpu-003")) == "gpu-[001-003]"
    odd = [f"gpu-{n:04}" for n in range(0, 2000, 2)]
    assert re.fullmatch(r"gpu-\[0000,0002.* … .*1998\] \(1,000 nodes\)", words.names(odd))
