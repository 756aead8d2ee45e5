"""How far defects are, as the screens show it. The run and the people are invented."""

from __future__ import annotations

from typing import Any

from tui.driving import app_on, page_of, press, read_all, text, until
from tui.reading import LOOK, lines, read

from bringup.life import entries as en
from bringup.life import ledger
from bringup.tui.defect_rows import defect_lines, find, listed
from bringup.tui.widgets.bigtable import BigTable


def taken(view: Any) -> list[en.AnyEntry]:
    name = view.state.info.name
    seen: list[en.AnyEntry] = [en.RunTaken(cluster=name, run="1", seen=[d.id for d in view.state.defects])]
    return seen + [
        en.Seen(
            cluster=name, run="1", id=d.id, code=d.code, who=d.who, component=d.component, components=[d.component],
            nodes=list(d.nodes),
        )
        for d in view.state.defects
    ]  # fmt: skip


def test_a_claim_is_shown_and_can_be_asked_for(finished: Any) -> None:
    view = read(finished.folder)
    path = ledger.path_of(finished.folder.parent)
    assert [d.id for d in listed(view, "state:claimed")] == []
    ledger.append(path, [*taken(view), en.Claimed(cluster="hall-2", id="D-7F3A", owner="ann")])
    assert view.ledger.look("hall-2") and not view.ledger.look("hall-2"), "only what has changed is read"
    assert [d.id for d in listed(view, "state:claimed")] == ["D-7F3A"]
    assert len(listed(view, "state:open")) == 3
    defect = find(view, "D-7F3A")
    assert defect is not None and "   stands     claimed by ann" in lines(
        defect_lines(view, defect, LOOK, 80)
    )


def test_a_ledger_that_is_no_ledger_hides_nothing_of_the_run(finished: Any) -> None:
    ledger.path_of(finished.folder.parent).mkdir()
    view = read(finished.folder)
    assert [view.standing(d) for d in view.state.defects] == ["open"] * 4


async def test_the_work_list_follows_the_ledger(finished: Any) -> None:
    app = app_on(finished)
    async with app.run_test(size=(160, 48)) as pilot:
        await read_all(pilot, app)
        await press(pilot, "3", "slash", *"state:claimed", "enter")
        table = page_of(app).query_one(BigTable)
        assert len(table.rows) == 0
        entries = [*taken(app.desk.view), en.Claimed(cluster="hall-2", id="D-11C0", owner="ann")]
        ledger.append(ledger.path_of(finished.folder.parent), entries)
        await until(pilot, lambda: list(table.rows.keys) == ["D-11C0"])
        assert "claimed by ann" in text(app)
