"""What is wrong with a profile that can be read: every mistake with its line, at once. All files are invented."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bringup import battery
from bringup.battery.asked import asked, together
from bringup.profile import available
from bringup.profile.checking import check, is_stock
from bringup.profile.loading import STOCK

Write = Callable[..., None]


@dataclass(frozen=True)
class Names:
    """What invented checks ask for."""

    limits: dict[str, frozenset[str]] = field(
        default_factory=lambda: {
            "link.rate": frozenset({"Gb/s"}),
            "link.state": frozenset({""}),
            "rdma.write_bw": frozenset({"Gb/s"}),
            "rdma.write_lat": frozenset({"us"}),
            "gpu.xid": frozenset({"errors"}),
            "gpu.temperature": frozenset({"C"}),
            "host.disk.used": frozenset({"%"}),
            "host.memory.total": frozenset({"GiB"}),
            "site.speed": frozenset({"GB/s"}),
            "site.odd": frozenset(),
        }
    )
    facts: frozenset[str] = frozenset({"gpu.count", "fabric.hcas", "gpu.vendor", "nvlink.fabric_manager"})
    numbers: frozenset[str] = frozenset({"gpu.count"})


def limit(name: str, op: str, value: object, unit: str) -> str:
    said = f'"{value}"' if isinstance(value, str) else value
    return f'[limits."{name}"]\nop = "{op}"\nvalue = {said}\nunit = "{unit}"\nwhy = "w"\nsource = "s"\n'


def fact(name: str, value: str) -> str:
    return f'[facts."{name}"]\nvalue = {value}\nwhy = "w"\nsource = "s"\n'


def said(tmp_path: Path, name: str = "mine") -> list[str]:
    found = check(tmp_path / f"{name}.toml", [], Names())
    return [f"{Path(p.file).name}:{p.line} {p.what}" for p in found]


ASKS = together(asked(c) for c in battery.load())


@pytest.mark.parametrize("name", available())
def test_every_stock_profile_passes(name: str) -> None:
    assert check(name, [], ASKS) == []


def test_names_that_no_check_asks_for(write: Write, tmp_path: Path) -> None:
    write(
        "mine",
        limit("link.rat", "==", 400, "Gb/s")
        + limit("gpu.count", "==", 8, "GPUs")
        + fact("gpu.cout", "8")
        + fact("zzz", "8"),
    )
    assert said(tmp_path) == [
        'mine.toml:4 limits."link.rat": no check asks for this limit; did you mean link.rate?',
        'mine.toml:10 limits."gpu.count": no check asks for this limit; it is a fact',
        'mine.toml:16 facts."gpu.cout": no check asks for this fact; did you mean gpu.count?',
        'mine.toml:20 facts."zzz": no check asks for this fact; bringup checks docs lists the names',
    ]


MORE, LESS = (
    "more is better here, so it needs >= or > or ==",
    "less is better here, so it needs <= or < or ==",
)
ALWAYS = "every reading is at least that, so nothing is judged"
SHOWN = ", which is all that machines of today show"
BW, LAT, XID = "rdma.write_bw", "rdma.write_lat", "gpu.xid"
WRONG_LIMITS: list[tuple[str, str, object, str, int, str]] = [
    ("site.speed", ">=", 50, "Gb/s", 7, 'unit "Gb/s": the checks measure it in "GB/s"'),
    (BW, "<=", 380, "Gb/s", 5, f'op "<=": {MORE}'),
    (BW, "!=", 380, "Gb/s", 5, f'op "!=": {MORE}'),
    (BW, "==", 380, "Gb/s", 5, 'op "==": a measured number of Gb/s is hardly ever exactly this; it needs >='),
    (LAT, ">=", 3, "us", 5, f'op ">=": {LESS}'),
    (XID, ">=", 1, "errors", 5, f'op ">=": {LESS}'),
    ("link.rate", "<=", 400, "Gb/s", 5, 'op "<=": so many must be there, so it needs == or >= or >'),
    ("link.state", "==", 4, "", 6, "value 4: a word is compared here"),
    (XID, "==", "none", "errors", 6, 'value "none": a number is compared here'),
    (BW, ">=", 0, "Gb/s", 6, f"value 0: {ALWAYS}"),
    (BW, ">", -1, "Gb/s", 6, f"value -1: {ALWAYS}"),
    ("host.disk.used", "<=", 850, "%", 6, f"value 850: not within 0 to 100 %{SHOWN}"),
    (XID, "<=", -1, "errors", 6, f"value -1: not within 0 to 1e+15{SHOWN}"),
]
WRONG_FACTS = [
    ("gpu.count", "8.0", "value 8.0: a whole number from 0 on is needed"),
    ("gpu.count", "-8", "value -8: a whole number from 0 on is needed"),
    ("fabric.hcas", '"mlx5_0"', 'value "mlx5_0": a list is needed'),
    ("nvlink.fabric_manager", '"yes"', 'value "yes": true or false is needed'),
]


@pytest.mark.parametrize(("name", "op", "value", "unit", "line", "problem"), WRONG_LIMITS)
def test_one_wrong_limit(
    write: Write, tmp_path: Path, name: str, op: str, value: object, unit: str, line: int, problem: str
) -> None:
    write("mine", limit(name, op, value, unit))
    assert said(tmp_path) == [f'mine.toml:{line} limits."{name}": {problem}']


@pytest.mark.parametrize(("name", "value", "problem"), WRONG_FACTS)
def test_one_wrong_fact(write: Write, tmp_path: Path, name: str, value: str, problem: str) -> None:
    write("mine", fact(name, value))
    assert said(tmp_path) == [f'mine.toml:5 facts."{name}": {problem}']


def test_a_size_in_another_unit_than_was_meant(write: Write, tmp_path: Path) -> None:
    write("mine", limit("host.memory.total", ">=", 2_000_000, "GiB"))
    (problem,) = said(tmp_path)
    assert problem.startswith('mine.toml:6 limits."host.memory.total": value 2e+06: other profiles say ')
    assert problem.endswith(" GiB; is it meant in GiB?")


RIGHT = [
    limit("rdma.write_bw", ">=", 90, "Gb/s"),
    limit("rdma.write_lat", "<", 2.5, "us"),
    limit("link.rate", "==", 100, "Gb/s"),
    limit("link.rate", ">=", 100, "Gb/s"),
    limit("gpu.xid", "<=", 3, "errors"),
    limit("gpu.temperature", "<=", 60, "C"),
    limit("link.state", "!=", "DOWN", ""),
    limit("site.speed", ">=", 12.5, "GB/s"),
    limit("site.odd", "<=", 12.5, "whatever"),
    limit("site.odd", ">=", 12.5, ""),
    fact("gpu.count", "0"),
    fact("fabric.hcas", "[]"),
    fact("gpu.vendor", '"amd"'),
]


@pytest.mark.parametrize("body", RIGHT)
def test_nothing_wrong(write: Write, tmp_path: Path, body: str) -> None:
    write("mine", body)
    assert said(tmp_path) == []


def test_the_mistakes_of_reading_and_of_meaning_of_all_files_come_together(
    write: Write, tmp_path: Path
) -> None:
    write("base", limit("link.rat", "==", 400, "Gb/s"), '["mine"]')
    write(
        "mine",
        limit("rdma.write_bw", "<=", 380, "Gb/s").replace('why = "w"\n', "") + fact("gpu.cont", "1"),
        '["base", "nobody"]',
    )
    assert said(tmp_path) == [
        "base.toml:3 extends: a circle: mine -> base -> mine",
        'base.toml:4 limits."link.rat": no check asks for this limit; did you mean link.rate?',
        'mine.toml:3 extends: no profile "nobody"; there are '
        + ", ".join(sorted([*available(), "base", "mine"])),
        'mine.toml:4 limits."rdma.write_bw": why is missing',
        'mine.toml:5 limits."rdma.write_bw": op "<=": more is better here, so it needs >= or > or ==',
        'mine.toml:9 facts."gpu.cont": no check asks for this fact; did you mean gpu.count?',
    ]


@pytest.mark.parametrize("name", ["none.toml", "mine.yaml", "bad name.toml"])
def test_no_profile_at_all(write: Write, tmp_path: Path, name: str) -> None:
    write("mine")
    (tmp_path / "mine.yaml").touch()
    (tmp_path / "bad name.toml").touch()
    (problem,) = check(tmp_path / name, [], Names())
    assert (problem.file, problem.line) == (str(tmp_path / name), None)
    assert problem.what == "is no file of a profile; its name is NAME.toml"


def test_an_unknown_name_and_which_files_are_stock(tmp_path: Path) -> None:
    (problem,) = check("hgx-h10O", [tmp_path], Names())
    assert problem.what == 'no profile "hgx-h10O"; did you mean hgx-h100?'
    assert is_stock(STOCK / "linux.toml")
    assert not is_stock(tmp_path / "linux.toml")
