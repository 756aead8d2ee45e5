"""Cable plans in CSV: read by their headings, joined with the nodes, and every mistake with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bringup.errors import InventoryError
from bringup.inventory import Cable, Inventory, load
from bringup.model import Port

INVENTORY = """name: hall
nodes:
  - {names: "gpu-[001-004]", rails: [mlx5_0]}
cables: CABLES
"""


def inventory(folder: Path, rows: str, cables: str = "plan.csv") -> Inventory:
    (folder / "plan.csv").write_bytes(rows.encode())
    (folder / "hall.yaml").write_text(INVENTORY.replace("CABLES", cables))
    return load(folder / "hall.yaml")


def problems(folder: Path, rows: str, cables: str = "plan.csv") -> list[str]:
    with pytest.raises(InventoryError) as caught:
        inventory(folder, rows, cables)
    return [f"{Path(p.file).name}:{p.line} {p.what}" for p in caught.value.problems]


def test_a_plan_as_people_keep_it(tmp_path: Path) -> None:
    rows = (
        "\ufeffA host,A port,B switch,B port,Label,Length (m),Part number,Remark\r\n"
        "gpu-001,mlx5_0,leaf-01,1,L01-01,10,MCP7Y00-N002,\r\n"
        "# second rack,,,,,,,\r\n"
        ",,,,,,,\r\n"
        'leaf-01,2,gpu-002,mlx5_0,"L01-02, blue","10,5 m",,exchanged on 3 May\r\n'
        "gpu-003,mlx5_0,leaf-01,9/1\r\n"
    )
    found = inventory(tmp_path, rows)
    assert found.cables == (
        Cable("gpu-001", "mlx5_0", "leaf-01", "1", "L01-01", 10.0, 2, "MCP7Y00-N002"),
        Cable("gpu-002", "mlx5_0", "leaf-01", "2", "L01-02, blue", 10.5, 5),
        Cable("gpu-003", "mlx5_0", "leaf-01", "9/1", "", None, 6),
    )
    assert [node.ports for node in found.nodes] == [
        (Port(0, "mlx5_0", "leaf-01", "1", "L01-01"),),
        (Port(0, "mlx5_0", "leaf-01", "2", "L01-02, blue"),),
        (Port(0, "mlx5_0", "leaf-01", "9/1"),),
        (Port(0, "mlx5_0"),),
    ]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_any_separator_and_other_headings(tmp_path: Path, mark: str) -> None:
    rows = "\n".join(
        mark.join(row)
        for row in (("Host", "HCA", "Leaf", "Leaf port"), ("gpu-001", "mlx5_0", "leaf-01", "1"))
    )
    assert inventory(tmp_path, rows).cables == (Cable("gpu-001", "mlx5_0", "leaf-01", "1", line=2),)


def test_every_mistake_with_its_file_and_line(tmp_path: Path) -> None:
    rows = (
        "A host,A port,B switch,B port,Length\n"
        "gpu-001,mlx5_0,leaf-01,1,10\n"
        "gpu-01O,mlx5_0,leaf-01,2,10\n"
        "gpu-002,,leaf-01,3,10\n"
        "gpu-002,mlx5_0,leaf-01,3,ten\n"
        "gpu-003,mlx5_7,leaf-01,4,10\n"
        "gpu-004,mlx5_0,leaf-01,1,10\n"
        "gpu-004,mlx5_0,leaf 01,1,10\n"
    )
    assert problems(tmp_path, rows, '["plan.csv", {a: "gpu-001:mlx5_0", b: "leaf-09:1"}, no.csv]') == [
        'hall.yaml:4 cables: "no.csv" cannot be read: no such file or directory',
        "hall.yaml:4 cables: gpu-001 port mlx5_0 appears twice (also line 2 of plan.csv)",
        'plan.csv:3 no node "gpu-01O"; did you mean gpu-001?; rows of other machines need others: ignore',
        "plan.csv:4 has no A port",
        'plan.csv:5 length "ten" is no number of metres',
        'plan.csv:6 cables: gpu-003 has no rail "mlx5_7"; its rails are mlx5_0',
        "plan.csv:7 cables: leaf-01 port 1 appears twice (also line 2)",
        'plan.csv:8 "leaf 01" has the character " "; names are made of letters, digits, dot, underscore and dash',
    ]


def test_rows_of_other_machines(tmp_path: Path) -> None:
    rows = "A host,A port,B switch,B port\nstorage-1,p1,leaf-01,40\ngpu-001,mlx5_0,leaf-01,1\n"
    assert len(problems(tmp_path, rows)) == 1
    found = inventory(tmp_path, rows, "{file: plan.csv, others: ignore}")
    assert [cable.a_node for cable in found.cables] == ["gpu-001"]
    assert problems(tmp_path, rows, "{file: plan.csv, others: drop}")[0] == (
        'hall.yaml:4 cables.others: knows only ignore, got "drop"'
    )


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ("", "plan.csv:1 the first row has no column A host, A port, B switch, B port"),
        ("A host,B switch\n", "plan.csv:1 the first row has no column A port, B port"),
        ('A host,A port,B switch,B port\n"gpu-001,mlx5_0,leaf-01,1\n', "plan.csv:2 is no CSV from here on"),
    ],
)
def test_what_is_no_plan(tmp_path: Path, rows: str, why: str) -> None:
    assert problems(tmp_path, rows)[0].startswith(why)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "plan.csv").write_bytes(b"PK\x03\x04\xff\xfe")
    (tmp_path / "hall.yaml").write_text(INVENTORY.replace("CABLES", "plan.csv"))
    with pytest.raises(InventoryError, match="is no UTF-8 text"):
        load(tmp_path / "hall.yaml")
