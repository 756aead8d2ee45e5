"""The score added up, as a table, as a page, as JSON and as stored scenarios."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from bringup.campaign import store
from bringup.campaign.score import score
from bringup.campaign.show import headline, markdown, plain
from bringup.campaign.totals import total
from bringup.defects import Who
from bringup.errors import UsageError

AGAIN = "bringup campaign --replay {id}"


@pytest.fixture
def totals(planted: Any, defect: Any, scenario: Any, ended: Any) -> Any:
    rate = planted("port-rate", "gpu-001", ("LINK-RATE", "gpu-001/hca/mlx5_0/port/1"))
    ecc = planted("ecc", "gpu-002", ("GPU-ECC", "gpu-002/gpu/3"))
    late = planted("hbm-slow", "gpu-003", ("GPU-HBM", "gpu-003/gpu/1"), closes="issue 4")
    odd = planted("idle-pcie", "gpu-004")
    first = score(
        scenario(rate, ecc, late, name="pack-01"),
        ended(
            defect("LINK-RATE", "gpu-001/hca/mlx5_0/port/1", who=Who.SOFTWARE),
            defect("RDMA-LAT", "gpu-007/hca/mlx5_9/port/1"),
        ),
    )
    second = score(scenario(odd, name="odd-01", family="oddity"), ended(verdict="READY"))
    third = score(scenario(name="clean-1", family="clean"), ended(verdict="READY"))
    blocked = score(
        scenario(
            name="case-10", family="case", title="two shapes", closes="issue 4", blocked="one shape only"
        ),
        ended(verdict=""),
    )
    return total([first, second, third, blocked], {"xgmi-down": "fits no chosen shape"}, 30.0)


def test_the_rows_and_totals(totals: Any) -> None:
    rows = {r.kind: (r.planted, r.found, r.placed, r.right, r.alarms) for r in totals.rows}
    assert rows == {
        "port-rate": (1, 1, 1, 0, 0), "ecc": (1, 0, 0, 0, 0), "hbm-slow": (1, 0, 0, 0, 0), "idle-pcie": (1, 1, 1, 1, 0),
    }  # fmt: skip
    assert [r.kind for r in totals.due] == ["ecc", "port-rate"]
    assert [s.scenario.id for s in totals.failed] == ["pack-01"]
    assert [a.component for _, a in totals.alarms] == ["gpu-007/hca/mlx5_9/port/1"]


def test_the_headline_says_the_score(totals: Any) -> None:
    said = "\n".join(headline(totals))
    for line in (
        "recall           1 of 2 (50 %)", "right component  1 of 2 (50 %)", "right class      0 of 2 (0 %)",
        "false alarms     1", "oddities         1 of 1 (100 %)", "clean clusters   1 of 1 (100 %)",
        "cases            0 of 1 right, 1 wait for later work", "found early      0 of 1 (0 %)", "not played       1 kinds",
    ):  # fmt: skip
        assert line in said


def test_the_table_says_what_to_look_at_and_how_to_see_it_again(totals: Any) -> None:
    text = plain(totals, AGAIN)
    assert "bringup campaign --replay pack-01" in text
    assert "port-rate at gpu-001 was wrong class: wanted LINK-RATE" in text
    assert "ecc at gpu-002 was missed" in text
    assert "false alarm at clean nodes: RDMA-LAT (hands-on) gpu-007/hca/mlx5_9/port/1" in text
    assert "issue 4: hbm-slow" in text
    assert "xgmi-down: fits no chosen shape" in text
    assert max(map(len, text.split("To look at")[0].splitlines())) <= 130


def test_the_page_has_every_kind_and_no_markup_from_nodes(
    totals: Any, planted: Any, defect: Any, scenario: Any, ended: Any
) -> None:
    page = markdown(totals, "Fault campaign", AGAIN)
    assert "| ecc | 1 | 0 | 0 | 0 | 0 |" in page
    assert "| hbm-slow | 1 | 0 | 0 | 0 | issue 4 |" in page
    bad = score(scenario(planted("x", "n1", ("C", "n1"))), ended(defect("<b>[x](y)", "n2")))
    assert r"\<b>\[x\](y)" in markdown(total([bad]), "t", AGAIN)


def test_the_json_is_complete(totals: Any, tmp_path: Path) -> None:
    result, page = store.save(totals, tmp_path, "Fault campaign", AGAIN)
    data = msgspec.json.decode(result.read_bytes())
    assert data["totals"] == {
        "scenarios": 4, "failed": ["pack-01"], "due": 2, "found": 1, "right_component": 1, "right_class": 0,
        "false_alarms": 1, "later": 1, "later_right": 0,
    }  # fmt: skip
    assert {s["id"] for s in data["scenarios"]} == {"pack-01", "odd-01", "clean-1", "case-10"}
    assert page.read_text().startswith("# Fault campaign")


def test_a_scenario_is_stored_and_read_back(planted: Any, scenario: Any, tmp_path: Path) -> None:
    made = scenario(planted("ecc", "gpu-002", ("GPU-ECC", "gpu-002/gpu/3")), name="pack-01", text="name: x\n")
    store.save_scenario(made, tmp_path)
    assert store.load_scenario("pack-01", tmp_path) == made
    assert (tmp_path / "scenarios/pack-01.yaml").read_text() == "name: x\n"
    assert store.load_scenario("pack-02", tmp_path) is None


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "", "a b"])
def test_a_scenario_name_cannot_leave_the_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no scenario has the name"):
        store.load_scenario(name, tmp_path)


def test_a_damaged_scenario_is_said_in_one_breath(tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios/x.json").write_text('{"id": 3}')
    with pytest.raises(UsageError, match=r"x\.json: cannot be read"):
        store.load_scenario("x", tmp_path)
