"""What is said about one node, in two lines and on its own page, from an invented run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tui.reading import LOOK, lines, read, table

from bringup.tui.feed import RunView
from bringup.tui.node_facts import node_facts
from bringup.tui.node_rows import NODE_COLUMNS, identity_lines, node_rows
from bringup.tui.summary import node_lines
from bringup.tui.table import ready


@pytest.fixture
def view(finished: Any) -> RunView:
    return read(finished.folder)


def test_one_node_in_two_lines(view: RunView) -> None:
    assert lines(node_lines(view, "gpu-009", LOOK, 80)) == (
        " gpu-009  R02 U2  X defect  5 of 8 results in order  hgx-h100\n"
        " X RDMA-BW mlx5_3: write_bw 187.4 Gb/s, needs at least 370 Gb/s; to leaf-4 por…"
    )
    assert lines(node_lines(view, "gpu-045", LOOK, 80)) == (
        " gpu-045  R06 U18  ? unknown  1 of 8 results in order  hgx-h100\n"
        " ? NODE-UNREACHABLE: connection refused on port 22"
    )
    assert lines(node_lines(view, "gpu-001", LOOK, 80)).endswith("\n nothing is wrong")
    assert node_lines(view, "nobody", LOOK, 80) == ((), ())


def test_a_partner_is_told_who_is_to_blame(view: RunView) -> None:
    """It was fast with others, so the failed result is not held against it; but it is not hidden either."""
    assert lines(node_lines(view, "gpu-042", LOOK, 200)) == (
        " gpu-042  R06 U6  · pass  7 of 8 results in order  hgx-h100\n"
        " · rdma.write-bw with gpu-009: write_bw 187.4 Gb/s, needs at least 370 Gb/s"
        " (explained by D-7F3A on gpu-009)"
    )
    rows = node_rows(view, "gpu-042", LOOK, frozenset({"gpu-042/hca/mlx5_3/port/1"}))
    port = [r.row.cells for r in rows if r.path == "gpu-042/hca/mlx5_3/port/1" and not r.component]
    assert [[text.strip() for text, _ in cells[:2]] for cells in port] == [
        ["· link.rate", "400 Gb/s"],
        ["· rdma.write-bw gpu-007", "391.2 Gb/s"],
        ["· rdma.write-bw gpu-008", "391.2 Gb/s"],
        ["· rdma.write-bw gpu-009 (D-7F3A)", "187.4 Gb/s"],
    ]


def test_a_node_can_be_filtered_by_what_is_wrong_with_it(view: RunView) -> None:
    facts = node_facts(view, "gpu-021")
    assert (facts.fields["rack"], facts.fields["code"]) == (("R03",), ["GPU-XID"])


def test_the_page_of_a_node(view: RunView) -> None:
    assert lines(identity_lines(view, "gpu-021", LOOK, 80)) == (
        " gpu-021   R03 U18   X defect   10.2.0.21   hgx-h100   serial S00021\n"
        " X D-11C0 GPU-XID GPU 5 Xid 79 at 09:33:12; 7 of 8 GPUs, needs 8 GPUs\n"
        "   do: drain the power and reseat the baseboard; if it returns, replace the GPU\n"
        "       tray"
    )
    rows = node_rows(view, "gpu-021", LOOK)
    assert table(NODE_COLUMNS, ready([r.row for r in rows])) == (
        " component / reading                   value limit\n"
        " X + gpu-021                    2 of 23 not in order\n"
        "   X gpu.inventory count                   7 8                   [████████░┃░░]\n"
        "   · + GPU 0                    1 reading\n"
        "   · + GPU 1                    1 reading\n"
        "   · + GPU 2                    1 reading\n"
        "   · + GPU 3                    1 reading\n"
        "   · + GPU 4                    1 reading\n"
        "   X + GPU 5                    1 of 2 not in order\n"
        "     X gpu.inventory            Xid 79 at 09:33:12: GPU has fallen off the bus\n"
        "   · + GPU 6                    1 reading\n"
        "   · + mlx5_0                   1 reading, to leaf-1 port 21, cable L01-21\n"
        "   · + mlx5_1                   1 reading, to leaf-2 port 21, cable L02-21\n"
        "   · + mlx5_2                   1 reading, to leaf-3 port 21, cable L03-21\n"
        "   · + mlx5_3                   4 readings, to leaf-4 port 21, cable L04-21\n"
        "   · + mlx5_4                   1 reading, to leaf-5 port 21, cable L05-21\n"
        "   · + mlx5_5                   1 reading, to leaf-6 port 21, cable L06-21\n"
        "   · + mlx5_6                   1 reading, to leaf-7 port 21, cable L07-21\n"
        "   · + mlx5_7                   1 reading, to leaf-8 port 21, cable L08-21"
    )
    every = node_rows(view, "gpu-021", LOOK, frozenset({"gpu-021", "gpu-021/gpu/5"}))
    assert table(NODE_COLUMNS, ready([r.row for r in every[:6]])) == (
        " component / reading                   value limit\n"
        " X   gpu-021                    2 of 23 not in order\n"
        "   · reach.ssh login                  0.21 s at most 5 s         [░░░░░░░░░░┃░]\n"
        "   · host.memory total               995 GiB at least 980 GiB    [████████┃█░░]\n"
        "   · host.versions (D-5AA1)     nothing against this node\n"
        "   X gpu.inventory count                   7 8                   [████████░┃░░]\n"
        "   · + GPU 0                    1 reading"
    )
    bad = node_rows(view, "gpu-021", LOOK, trouble_only=True)
    assert [r.path for r in bad] == ["gpu-021", "gpu-021", "gpu-021/gpu/5", "gpu-021/gpu/5"]
    assert [e.command.script for e in rows[0].evidence()] == ["nvidia-smi -q -x"]


def test_a_row_is_told_in_full_below_the_tree(view: RunView) -> None:
    rows = node_rows(view, "gpu-009", LOOK, frozenset({"gpu-009"}))
    says = [r.says for r in rows]
    assert (
        says[2]
        == "host.memory total: 995 GiB, needs at least 980 GiB (the data sheet: 1 TiB; hgx-h100.toml:14)"
    )
    assert "mlx5_3: 3 of 4 not in order, to leaf-4 port 9, cable L04-9" in says
    assert says[3] == "host.versions (D-5AA1): nothing against this node"


def test_what_was_not_run_for_one_reason_is_one_row(make_story: Callable[..., Any]) -> None:
    story = make_story("aborted", nodes=4)
    story.whole()
    lost = node_rows(read(story.folder), "gpu-004", LOOK)
    assert [(r.mark.value, r.says) for r in lost if r.mark.value == "not run"] == [
        ("not run", "not run: quarantined in reach: host.memory, gpu.inventory, link.rate"),
        ("not run", "not run: no partner: rdma.write-bw"),
    ]


def test_the_page_of_a_node_that_was_left_out(view: RunView) -> None:
    assert lines(identity_lines(view, "gpu-045", LOOK, 80)) == (
        " gpu-045   R06 U18   ? unknown   10.2.0.45   hgx-h100   serial S00045\n"
        " left out since reach: connection refused on port 22 (reach.ssh)\n"
        " ? D-90B2 NODE-UNREACHABLE connection refused on port 22\n"
        "   do: look at its BMC, then at its management cable"
    )
    assert "no node elsewhere in this run" in lines(identity_lines(view, "elsewhere", LOOK, 80))
