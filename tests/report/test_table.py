"""CSV for spreadsheets and the text file for Prometheus, read back with other people's rules."""

from __future__ import annotations

import csv
import io
import re

import pytest
from support import big_run
from support.records import replace

from bringup.report import prometheus, table
from bringup.run import RunState, fold

SERIES = re.compile(r'bringup_[a-z_]+\{(?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)+\} (-?[0-9.e+-]+)')


def rows(said: str) -> list[dict[str, str]]:
    read = csv.DictReader(io.StringIO(said, newline=""))
    found = list(read)
    assert all(None not in row and None not in row.values() for row in found)
    return found


def test_defects(broken: RunState) -> None:
    found = rows(table.defects_csv(broken))
    assert [row["code"] for row in found] == [
        "RDMA-BW", "GPU-LOST", "VERSION-MINORITY", "FM-DOWN", "CABLE-PLAN", "NODE-UNREACHABLE",
    ]  # fmt: skip
    first = found[0]
    assert (first["who"], first["place"], first["nodes"], first["cable"], first["results"]) == (
        "hands-on", "R01 U8", "gpu-003", "L01-03", "2",
    )  # fmt: skip
    assert found[2]["nodes"] == "gpu-[009-011]"


def test_measurements_are_all_there(broken: RunState) -> None:
    found = rows(table.measurements_csv(broken))
    assert len(found) == sum(len(o.measurements) for o in broken.outcomes) == 1
    assert found[0] == {
        "stage": "rdma", "check": "rdma.write-bw", "target": "gpu-003 ~ gpu-004 rail 1", "verdict": "fail",
        "at": "gpu-003/hca/mlx5_1/port/1", "name": "write_bw", "value": "187.4", "unit": "Gb/s", "limit": "at least 360 Gb/s",
        "limit_from": "invented.toml:12", "ok": "no",
    }  # fmt: skip


def test_links() -> None:
    found = rows(table.links_csv(fold(big_run.events(16))))
    assert len(found) == 16 * 8
    slow = next(row for row in found if row["node"] == "gpu-0002" and row["rail"] == "3")
    assert slow["defect"] == "D-S0002" and float(slow["best_gbps"]) < 380
    assert (slow["rack"], slow["planned_switch"], slow["rate"]) == ("R001", "leaf-004", "400 Gb/s")


def test_no_cell_is_a_formula(hostile: RunState) -> None:
    for start in ("=1+1", "+1", "-1", "@x", "\t=1", "=cmd|' /C calc'!A0"):  # invented
        hostile.defects.append(replace(hostile.defects[0], title=start, action=start))
    for said in (table.defects_csv(hostile), table.measurements_csv(hostile)):
        assert "\x1b" not in said and "\x00" not in said
        for row in rows(said):
            assert not any(
                cell.startswith(("=", "+", "@", "-", "\t")) for cell in row.values() if not _number(cell)
            )


def _number(cell: str) -> bool:
    return re.fullmatch(r"-?[0-9.]+(e[+-]?[0-9]+)?", cell) is not None


@pytest.mark.parametrize("name", ["ready", "broken", "aborted", "hostile"])
def test_textfile_is_well_formed(name: str, request: pytest.FixtureRequest) -> None:
    said = prometheus.textfile(request.getfixturevalue(name), exit_code=1)
    typed: list[str] = []
    seen: set[str] = set()
    for line in said.splitlines():
        if line.startswith("# HELP "):
            continue
        if line.startswith("# TYPE "):
            typed.append(line.split()[2])
            continue
        assert SERIES.fullmatch(line), line
        series = line.rpartition(" ")[0]
        assert series not in seen and series.startswith(f"{typed[-1]}{{")
        seen.add(series)
    assert len(typed) == len(set(typed)) and said.endswith("\n")


def test_textfile_says_what_an_alert_needs(broken: RunState) -> None:
    lines = prometheus.textfile(broken, exit_code=1).splitlines()
    for wanted in (
        'bringup_run_verdict{inventory="hall-2",verdict="NOT READY"} 1.0',
        'bringup_run_verdict{inventory="hall-2",verdict="READY"} 0.0',
        'bringup_run_exit_code{inventory="hall-2"} 1.0',
        'bringup_nodes{inventory="hall-2"} 16.0',
        'bringup_node_ready{inventory="hall-2",node="gpu-003",rack="R01"} 0.0',
        'bringup_defects{inventory="hall-2",who="hands-on",code="RDMA-BW"} 1.0',
        'bringup_measurement{inventory="hall-2",check="rdma.write-bw",name="write_bw",unit="Gb/s",stat="min"} 187.4',
        'bringup_measurements_out_of_limit{inventory="hall-2",check="rdma.write-bw",name="write_bw"} 1.0',
    ):
        assert wanted in lines
