"""The screens as text, line by line, from an invented run: what a person reads at 80 columns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tui.reading import LOOK, lines, read, table

from bringup.model import Stage
from bringup.tui.defect_rows import DEFECT_COLUMNS, defect_page, defect_rows, find, listed, ticket, top_lines
from bringup.tui.feed import RunView
from bringup.tui.header import header_lines, tab_line
from bringup.tui.look import Look, line_text
from bringup.tui.node_rows import NODE_COLUMNS, identity_lines, node_rows
from bringup.tui.stage_rows import (
    RESULT_COLUMNS,
    STAGE_COLUMNS,
    result_of,
    result_rows,
    stage_lines,
    stage_rows,
)
from bringup.tui.summary import node_lines, result_card
from bringup.tui.table import ready


@pytest.fixture
def view(finished: Any) -> RunView:
    return read(finished.folder)


def test_the_header_of_a_finished_run(view: RunView) -> None:
    assert lines(header_lines(view, 0.0, LOOK)) == (
        " hall-2   run 0821-1002   took 7 min 35 s   64 nodes\n"
        " NOT READY   ready 50 · defects 3 (2 hands-on) · unknown 1 · not run 3"
    )


def test_the_header_of_a_running_run(running: Any) -> None:
    view = read(running.folder)
    assert lines(header_lines(view, view.state.at, LOOK)) == (
        " hall-2   run 0821-1002   S9 rdma round 2/3 ▸ 61 %   ETA 4 min   64 nodes\n"
        " NOT READY   ok so far 51 · defects 2 (1 hands-on) · unknown 1 · not run 0"
    )
    silent = lines(header_lines(view, view.state.at + 200, LOOK)).split("\n")[0]
    assert silent == " hall-2  run 0821-1002  S9 rdma round 2/3 ▸ 61 %  silent for 3 min 20 s"


def test_a_journal_that_is_still_being_read_is_not_called_silent(running: Any) -> None:
    view = RunView(running.folder)
    ticks = iter(range(100))
    view.drain(3.5, clock=lambda: next(ticks))
    assert 0 < view.version < 300
    first = lines(header_lines(view, view.state.at + 1e6, LOOK)).split("\n")[0]
    assert "reading the journal" in first and "silent" not in first


def test_the_header_of_a_run_that_has_not_begun(tmp_path: Path) -> None:
    assert lines(header_lines(read(tmp_path), 0.0, LOOK)) == f" waiting for the journal in {tmp_path}\n"


def test_an_aborted_run_says_so(running: Any) -> None:
    running.end(aborted="interrupted by the operator")
    first = lines(header_lines(read(running.folder), 0.0, LOOK)).split("\n")[0]
    assert first == " hall-2   run 0821-1002   aborted after 6 min 59 s   64 nodes"


def test_the_tabs_mark_the_screen_and_keep_to_80_columns() -> None:
    tabs = [("floor", "1", "Floor"), ("node", "4", "Node")]
    assert line_text(tab_line("node", tabs, "3 of 9", 200, LOOK)) == " 1 Floor[4 Node]" + "3 of 9".rjust(63)
    assert line_text(tab_line("floor", tabs, "x" * 99, 40, LOOK)).endswith("x…")


def test_stages(view: RunView) -> None:
    assert table(STAGE_COLUMNS, ready(stage_rows(view, 0.0, LOOK))) == (
        "     stage      state         done  planned    pass   fail unknown not run  time\n"
        " S1  reach      ? unknown       64       64      63      -       1       -  1:30\n"
        " S2  host       X failed        65       65      63      1       -       1  1:30\n"
        " S4  gpu        X failed        64       64      62      1       -       1  1:30\n"
        " S6  link       · done          64       64      63      -       -       1  1:30\n"
        " S9  rdma       X failed        96       96      90      3       -       3  1:30"
    )


def test_a_stage_that_has_not_begun_waits_and_one_that_runs_says_how_far(
    make_story: Callable[..., Any],
) -> None:
    story = make_story(nodes=4)
    story.begin()
    story.stage(Stage.REACH)
    story.stage(Stage.HOST, part=0.5)
    story.journal.close()
    view = read(story.folder)
    assert table(STAGE_COLUMNS, ready(stage_rows(view, view.state.at + 45, LOOK)), 125).split("\n")[1:4] == [
        " S1  reach      ? unknown        4        4       3      -       1       -    1:30 " + "█" * 40,
        " S2  host       ▸ running        2        5       2      -       -       -    0:45 "
        + "█" * 16
        + "░" * 24,
        " S4  gpu          waiting        -        -       -      -       -       -",
    ]


def test_what_is_said_about_one_stage(view: RunView, running: Any) -> None:
    assert lines(stage_lines(view, Stage.REACH, LOOK, 80)) == (
        " S1 reach · 100 % judged · planned for 2 min 00 s\n"
        " gate: 1 component left out of the later stages\n"
        "   gpu-045: connection refused on port 22 (reach.ssh)"
    )
    assert lines(stage_lines(read(running.folder), Stage.RDMA, LOOK, 80)) == (
        " S9 rdma · 61 % judged · round 2 of 3 · planned for 2 min 00 s\n gate: nothing was left out here"
    )


def test_the_results_of_a_stage(view: RunView) -> None:
    rows = result_rows(view, Stage.RDMA, LOOK)
    assert table(RESULT_COLUMNS, rows) == (
        "   check                target                     result\n"
        " X rdma.write-bw        gpu-009 ~ gpu-042 rail 3   write_bw 187.4 Gb/s, needs a…\n"
        " X rdma.write-bw        gpu-009 ~ gpu-043 rail 3   write_bw 187.4 Gb/s, needs a…\n"
        " X rdma.write-bw        gpu-009 ~ gpu-044 rail 3   write_bw 187.4 Gb/s, needs a…\n"
        " - rdma.write-bw        gpu-012 ~ gpu-045 rail 3   not run: no partner\n"
        " - rdma.write-bw        gpu-011 ~ gpu-045 rail 3   not run: no partner\n"
        " - rdma.write-bw        gpu-010 ~ gpu-045 rail 3   not run: no partner"
    )
    assert len(result_rows(view, Stage.RDMA, LOOK, trouble_only=False)) == 96
    assert len(result_rows(view, Stage.RDMA, LOOK, "gpu-[042-043] fail")) == 2
    assert len(result_rows(view, Stage.SOAK, LOOK)) == 0
    outcome = result_of(view, Stage.RDMA, rows.keys[0])
    assert outcome is not None
    assert lines(result_card(view, outcome, LOOK, 80)).endswith("   explained by D-7F3A on gpu-009")


def test_the_work_list_in_walking_order(view: RunView) -> None:
    assert table(DEFECT_COLUMNS, ready(defect_rows(view, LOOK))) == (
        "   who       where    node            part       what is wrong\n"
        " X hands-on  R02 U2   gpu-009         mlx5_3     write_bw 187.4 Gb/s\n"
        " X hands-on  R03 U18  gpu-021         GPU 5      Xid 79 at 09:33:12; 7 of 8 GPUs\n"
        " C config             gpu-[033-040]              driver 570.86\n"
        " ? unknown   R06 U18  gpu-045                    connection refused on port 22"
    )


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("", ["D-7F3A", "D-11C0", "D-5AA1", "D-90B2"]),
        ("rack:R03", ["D-11C0"]),
        ("code:RDMA*", ["D-7F3A"]),
        ("who:hands-on", ["D-7F3A", "D-11C0"]),
        ("!who:hands-on", ["D-5AA1", "D-90B2"]),
        ("gpu-[030-050]", ["D-5AA1", "D-90B2"]),
        ("gpu-[033]", ["D-5AA1"]),
        ("reseat optic", ["D-7F3A"]),
        ("nothing like this", []),
    ],
)
def test_the_work_list_is_filtered(view: RunView, written: str, found: list[str]) -> None:
    assert [d.id for d in listed(view, written)] == found


def test_the_work_list_in_other_orders(view: RunView) -> None:
    by_code = [d.code for d in listed(view, order="by code")]
    assert by_code == ["GPU-XID", "NODE-UNREACHABLE", "RDMA-BW", "VERSION-MINORITY"]
    assert [d.stage.value for d in listed(view, order="by stage")] == ["reach", "host", "gpu", "rdma"]


def test_the_page_of_a_defect(view: RunView) -> None:
    defect = find(view, "D-7F3A")
    assert defect is not None
    assert lines(defect_page(view, defect, LOOK, 80)) == (
        " X D-7F3A  hands-on  RDMA-BW   R02 U2\n"
        "   node       gpu-009\n"
        "   part       port mlx5_3, cable L04-9 to leaf-4 port 9\n"
        "   found      a port is slower than its link\n"
        "   measured   write_bw 187.4 Gb/s\n"
        "   expected   at least 370 Gb/s\n"
        "   do         clean and reseat the optic at gpu-009 mlx5_3; if it stays, swap\n"
        "              cables\n"
        "   until then keep it away from users\n"
        "   known by   node serial S00009\n"
        "   ruled out  the partners: each is fast with another node\n"
        "\n"
        " explains 3 results\n"
        "   rdma.write-bw  gpu-009 ~ gpu-042 rail 3\n"
        "      write_bw 187.4 Gb/s, needs at least 370 Gb/s\n"
        "   rdma.write-bw  gpu-009 ~ gpu-043 rail 3\n"
        "      write_bw 187.4 Gb/s, needs at least 370 Gb/s\n"
        "   rdma.write-bw  gpu-009 ~ gpu-044 rail 3\n"
        "      write_bw 187.4 Gb/s, needs at least 370 Gb/s"
    )
    assert ticket(view, defect, LOOK).startswith("run 0821-1002\n X D-7F3A  hands-on  RDMA-BW   R02 U2\n")


def test_the_first_defects_below_the_floor(view: RunView) -> None:
    assert lines(top_lines(view, LOOK, 3, 80)) == (
        " X R02 U2    gpu-009 mlx5_3  write_bw 187.4 Gb/s, needs at least 370 Gb/s\n"
        " X R03 U18   gpu-021 GPU 5   Xid 79 at 09:33:12; 7 of 8 GPUs, needs 8 GPUs\n"
        "   and 2 more, see 3"
    )
    assert len(top_lines(view, LOOK, 4, 80)) == 4
    assert top_lines(view, LOOK, 1, 80) == []


def test_nothing_important_stands_right_of_column_80(view: RunView) -> None:
    """What a wide terminal adds is only more of the same: every column of the narrow one is there unchanged."""
    for columns, rows in (
        (STAGE_COLUMNS, ready(stage_rows(view, 0.0, LOOK))),
        (DEFECT_COLUMNS, ready(defect_rows(view, LOOK))),
        (NODE_COLUMNS, ready([r.row for r in node_rows(view, "gpu-009", LOOK)])),
    ):
        narrow, wide = table(columns, rows, 80).split("\n"), table(columns, rows, 160).split("\n")
        assert all(len(line) <= 80 for line in narrow)
        assert [line[:60] for line in narrow[1:]] == [line[:60] for line in wide[1:]]


def test_ascii_mode_has_only_ascii_everywhere(view: RunView) -> None:
    look = Look(ascii=True)
    shown = [
        lines(header_lines(view, 0.0, look)),
        table(STAGE_COLUMNS, ready(stage_rows(view, 0.0, look)), 160, look),
        table(RESULT_COLUMNS, result_rows(view, Stage.RDMA, look, trouble_only=False), 80, look),
        table(DEFECT_COLUMNS, ready(defect_rows(view, look)), 80, look),
        *(lines(defect_page(view, d, look, 80)) for d in view.state.defects),
        *(lines(identity_lines(view, n, look, 80)) for n in view.marks),
        *(
            table(NODE_COLUMNS, ready([r.row for r in node_rows(view, n, look)]), 80, look)
            for n in view.marks
        ),
        *(lines(node_lines(view, n, look, 80)) for n in view.marks),
        lines(stage_lines(view, Stage.RDMA, look, 80)),
    ]
    assert [text for text in shown if not text.isascii()] == []
