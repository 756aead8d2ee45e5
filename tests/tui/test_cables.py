"""The screen of cables: plan against what was seen. All names are invented."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tui.driving import SIZES, app_on, page_of, press, read_all, screen_lines
from tui.reading import LOOK, lines, read, table

from bringup import events as ev
from bringup.defects import Defect, Severity, Symptom, Who
from bringup.model import Finding, Measurement, Outcome, Stage, Verdict, Weight
from bringup.tui.actions import Place
from bringup.tui.cable_rows import CABLE_COLUMNS, Fate, cable_lines, cable_rows, counted, survey
from bringup.tui.widgets.bigtable import BigTable

A, B = "gpu-001/hca/mlx5_0/port/1", "gpu-002/hca/mlx5_0/port/1"
DOWN, WRONG, BLIND = "gpu-003/hca/mlx5_1/port/1", "gpu-003/hca/mlx5_2/port/1", "gpu-004/hca/mlx5_7/port/1"
ODD = "gpu-004/hca/mlx5_9/port/1"
SWAP_SAID = "gpu-001 mlx5_0 ends at leaf-1 port 2\nat leaf-1 exchange the plugs of ports 1 and 2"


def defect(code: str, at: str, todo: str, who: Who = Who.HANDS_ON, **more: str) -> Defect:
    ends = tuple(at.split(" ~ "))
    nodes = tuple(dict.fromkeys(end.partition("/")[0] for end in ends))
    return Defect(
        f"D-{code[-4:]}", code, who, Severity.ISOLATE, at, nodes, "title", todo, stage=Stage.CABLING, components=ends,
        explains=(Symptom("cabling.plan", "fleet", code, at, "said"),), **more,
    )  # fmt: skip


def cabled(make_story: Callable[..., Any], *, judged: bool = True) -> Any:
    """Four nodes: a swap, a wrong port, a dead link, a cable that nobody saw, and one that is in no plan."""
    story = make_story(nodes=4)
    story.begin()
    names = [n.name for n in story.hall.nodes]
    story.write(ev.Planned(stage=Stage.CABLING, check="cabling.plan", targets=["fleet"]))
    story.write(ev.StageStarted(stage=Stage.CABLING))
    if not judged:
        return story
    ends = {
        f"{n.name}/hca/{p.hca}/port/1": f"{p.leaf} port {p.leaf_port}"
        for n in story.hall.nodes
        for p in n.ports
    }
    ends |= {A: "leaf-1 port 2", B: "leaf-1 port 1", WRONG: "leaf-3 port 63", ODD: "leaf-1 port 62"}
    del ends[DOWN], ends[BLIND]
    found = (
        Finding("CABLE-SWAP", SWAP_SAID, f"{A} ~ {B}"),
        Finding("CABLE-WRONG", "gpu-003 mlx5_2 ends at leaf-3 port 63\nmove the plug to port 3", WRONG),
        Finding("CABLE-EXTRA", "gpu-004 mlx5_9 is plugged into leaf-1 port 62\ntake it out", ODD),
        Finding("CABLE-WRONG", "2 of 32 planned cables were not seen", "fleet", Weight.NOTE),
    )
    story.write(
        ev.Judged(
            outcome=Outcome(
                "cabling.plan", Stage.CABLING, "fleet", tuple(names), Verdict.FAIL, findings=found,
                measurements=tuple(Measurement("cable", end, "", at) for at, end in ends.items()),
            )
        ),
        ev.StageEnded(stage=Stage.CABLING),
        ev.DefectsFound(
            defects=[
                defect("CABLE-SWAP", f"{A} ~ {B}", "at leaf-1 exchange the plugs of ports 1 and 2"),
                defect("CABLE-WRONG", WRONG, "move the plug to port 3"),
                defect("CABLE-EXTRA", ODD, "take it out", Who.PLAN),
                defect("LINK-DOWN", DOWN, "reseat it", measured="state DOWN", expected="ACTIVE"),
            ]
        ),
    )  # fmt: skip
    story.end()
    return story


def test_what_lies_wrong_comes_first_and_a_swap_is_one_line(make_story: Callable[..., Any]) -> None:
    cables = survey(read(cabled(make_story).folder))
    rows, cable = cable_rows(cables, LOOK)
    assert len(rows) == 32, "32 planned and one extra, of which two are one line"
    assert table(CABLE_COLUMNS, rows, 100).split("\n")[:8] == [
        "   state    where    port               planned           label          seen",
        " X swap     R01 U2   gpu-001 mlx5_0 <-> gpu-002 mlx5_0, seen at leaf-1 port 2, leaf-1 port 1",
        " X no link  R01 U10  gpu-003 mlx5_1     leaf-2 port 3     L02-3          state DOWN, needs ACTIVE",
        " X wrong    R01 U10  gpu-003 mlx5_2     leaf-3 port 3     L03-3          leaf-3 port 63",
        " C extra    R01 U14  gpu-004 mlx5_9     (not in the plan)                leaf-1 port 62",
        " ? not seen R01 U14  gpu-004 mlx5_7     leaf-8 port 4     L08-4          -",
        " · ok       R01 U2   gpu-001 mlx5_1     leaf-2 port 1     L02-1          leaf-2 port 1",
        " · ok       R01 U2   gpu-001 mlx5_2     leaf-3 port 1     L03-1          leaf-3 port 1",
    ]
    assert counted(cables) == "2 swap, 1 wrong, 1 no link, 1 extra, 1 not seen, 27 ok"
    assert lines(cable_lines(cable(0), LOOK, 80)).split("\n") == [
        " R01 U2 gpu-001 mlx5_0 to leaf-1 port 1 · cable L01-1 · seen at leaf-1 port 2",
        " R01 U6 gpu-002 mlx5_0 to leaf-1 port 2 · cable L01-2 · seen at leaf-1 port 1",
        "   D-SWAP CABLE-SWAP: at leaf-1 exchange the plugs of ports 1 and 2",
    ]


def test_order_filter_and_faults_only_choose_among_the_cables(make_story: Callable[..., Any]) -> None:
    cables = survey(read(cabled(make_story).folder))

    def fates(written: str = "", *, only: bool = False) -> list[Fate]:
        rows, cable = cable_rows(cables, LOOK, written, trouble_only=only)
        return [cable(k).fate for k in range(len(rows))]

    assert fates(only=True) == [Fate.SWAP, Fate.NO_LINK, Fate.WRONG, Fate.EXTRA, Fate.UNSEEN]
    assert fates("state:swap") == [Fate.SWAP]
    assert fates("state:no-link") == [Fate.NO_LINK]
    assert fates("code:cable-*") == [Fate.SWAP, Fate.WRONG, Fate.EXTRA]
    assert fates("label:L03-3") == [Fate.WRONG]
    assert fates("gpu-[003-004] !state:ok") == [Fate.NO_LINK, Fate.WRONG, Fate.EXTRA, Fate.UNSEEN]
    assert fates("leaf:leaf-8") == [Fate.UNSEEN, Fate.OK, Fate.OK, Fate.OK]
    rows, cable = cable_rows(cables, LOOK, "", "by leaf")
    assert [cable(k).ports[0].port.leaf for k in range(5, len(rows))] == sorted(
        cable(k).ports[0].port.leaf for k in range(5, len(rows))
    )


def test_before_the_cabling_stage_nothing_is_said_about_any_cable(make_story: Callable[..., Any]) -> None:
    story = cabled(make_story, judged=False)
    cables = survey(read(story.folder))
    assert (cables.odd, counted(cables)) == ((), "32 waiting")
    story.journal.close()


def test_a_run_that_never_looked_at_cables_has_seen_none(finished: Any) -> None:
    cables = survey(read(finished.folder))
    assert counted(cables) == "1 degraded, 511 not seen"
    rows, cable = cable_rows(cables, LOOK)
    assert cable(0).fate is Fate.DEGRADED and cable(0).defect is not None
    assert cable(len(rows) - 1).mark.value == "unknown", "not seen is never a pass"


@SIZES
async def test_the_screen_of_cables(size: Any, make_story: Callable[..., Any]) -> None:
    app = app_on(cabled(make_story))
    async with app.run_test(size=size) as pilot:
        await read_all(pilot, app)
        await press(pilot, "5")
        table = page_of(app).query_one(BigTable)
        assert page_of(app).place is Place.CABLES and table.says == "1 of 32"
        assert any("2 swap, 1 wrong, 1 no link" in line for line in screen_lines(app))
        await press(pilot, "n")
        assert table.key == DOWN
        await press(pilot, "N", "N")
        assert table.key == BLIND
        await press(pilot, "z")
        assert len(table.rows) == 5 and table.key == BLIND
        await press(pilot, "o", "slash", *"state:swap", "enter")
        assert table.key == f"{A} ~ {B}"
        await press(pilot, "enter")
        assert page_of(app).place is Place.DEFECT
        await press(pilot, "escape", "escape", "z", "end", "enter")
        assert page_of(app).place is Place.NODE
