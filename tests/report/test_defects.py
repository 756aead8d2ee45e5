"""`bringup defects`: table, rows, filters. All runs are invented."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.cells import cell_len

from bringup.defects import Who
from bringup.report import defects
from bringup.run import RunState

GOLDEN = Path(__file__).with_name("golden")


@pytest.mark.parametrize("width", [80, 160])
def test_table_golden(width: int, broken: RunState) -> None:
    said = defects.table(broken, defects.select(broken), width=width)
    assert said == (GOLDEN / f"defects-{width}.txt").read_text(encoding="utf-8")
    assert max(cell_len(line) for line in said.splitlines()) <= width


@pytest.mark.parametrize(
    ("wanted", "codes"),
    [
        ({"who": [Who.HANDS_ON]}, ["RDMA-BW", "GPU-LOST"]),
        ({"who": [Who.PLAN, Who.SOFTWARE]}, ["FM-DOWN", "CABLE-PLAN"]),
        ({"nodes": ["gpu-010", "gpu-016", "gpu-001"]}, ["VERSION-MINORITY", "CABLE-PLAN"]),
        ({"code": "rdma*"}, ["RDMA-BW"]),
        ({"code": "FM-DOWN", "nodes": ["gpu-014"]}, ["FM-DOWN"]),
        ({"code": "FM-DOWN", "nodes": ["gpu-001"]}, []),
    ],
)
def test_filters(wanted: dict[str, object], codes: list[str], broken: RunState) -> None:
    assert [d.code for d in defects.select(broken, **wanted)] == codes  # type: ignore[arg-type]


def test_nothing_to_show_is_said(ready: RunState, broken: RunState) -> None:
    assert defects.table(ready, []) == "no defects\n"
    assert defects.table(broken, []) == "no defect matches\n"


def test_rows_for_programs(broken: RunState) -> None:
    said = json.loads(defects.as_json(broken, defects.select(broken, code="RDMA-BW")))
    assert said == {
        "schema": "bringup.defects/1",
        "run": "0821-1002",
        "defects": [
            {
                "id": "D-09EA",
                "code": "RDMA-BW",
                "who": "hands-on",
                "severity": "isolate",
                "stage": "reach",
                "nodes": ["gpu-003"],
                "component": "gpu-003/hca/mlx5_1/port/1",
                "components": ["gpu-003/hca/mlx5_1/port/1"],
                "waived": False,
                "place": "R01 U8",
                "cable": "L01-03",
                "far_end": "leaf-01 port 3",
                "title": "the port moves less data than it must",
                "measured": "187.4 Gb/s",
                "expected": "at least 360 Gb/s",
                "action": "clean and reseat the optic at gpu-003 mlx5_1; if it stays, change the cable L01-03",
                "ruled_out": ["gpu-004 is fine with other partners"],
                "explains": [
                    {
                        "check": "rdma.write-bw",
                        "target": "gpu-003 ~ gpu-004 rail 1",
                        "code": "RDMA-BW",
                        "at": "gpu-003/hca/mlx5_1/port/1",
                        "text": "187.4 Gb/s",
                    },
                    {
                        "check": "link.symbol-errors",
                        "target": "gpu-003",
                        "code": "LINK-ERRORS",
                        "at": "gpu-003/hca/mlx5_1/port/1",
                        "text": "412/min",
                    },
                ],
                "serials": [{"what": "node serial", "value": "SN00003", "at": "gpu-003"}],
                "decided_by": None,
            }
        ],
    }


def test_hostile_texts_are_clean_everywhere(hostile: RunState) -> None:
    found = defects.select(hostile)
    for said in (defects.table(hostile, found), defects.as_json(hostile, found)):
        said.encode("utf-8")
        assert "\x1b" not in said
        assert "\x00" not in said
        assert "\u202e" not in said
