"""Profiles: what they mean, how they are laid over each other, and what a person is told. All texts are invented."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bringup.context import Rules
from bringup.errors import NoLimit, ProfileError
from bringup.model import Limit
from bringup.profile import STOCK, Fact, Profile, available, load, load_all

ROOT = Path(__file__).parents[2]
Write = Callable[..., None]


def limit(name: str, op: str = '">="', value: str = "1", unit: str = '"MiB"') -> str:
    return f'[limits."{name}"]\nop = {op}\nvalue = {value}\nunit = {unit}\nwhy = "w"\nsource = "s"\n'


def fact(name: str, value: str) -> str:
    return f'[facts."{name}"]\nvalue = {value}\nwhy = "w"\nsource = "s"\n'


def problems(tmp_path: Path, *names: str) -> list[str]:
    """What is said, with the file's name instead of its path."""
    with pytest.raises(ProfileError) as error:
        load_all(names, [tmp_path])
    return [f"{Path(p.file).name} {p}" for p in error.value.problems]


def test_a_profile(write: Write, tmp_path: Path) -> None:
    write(
        "mine",
        """
[facts."gpu.count"]
value = 8
why = "eight
  GPUs"
source = "the board's manual"
""".replace("eight\n  GPUs", "eight GPUs")
        + fact("fabric.hcas", '["mlx5_0", "mlx5_3"]')
        + fact("nvlink.fabric_manager", "true")
        + """
[limits."gpu.memory.total"] # of one GPU
op = ">="
value = 80_000
unit = "MiB"
why = \"\"\"80 GB,
  less the driver's part\"\"\"
source = "Vendor/tool"
"""
        + limit("gpu.persistence", '"=="', '"Enabled"', '""')
        + limit("link.rate", '"<="', "0.5"),
    )
    found = load("mine", [tmp_path])
    assert isinstance(found, Profile)
    rules: Rules = found
    assert (found.name, found.description, found.lineage, found.path) == (
        "mine",
        "invented",
        (),
        tmp_path / "mine.toml",
    )
    assert found.limits == {
        "gpu.memory.total": Limit(
            "gpu.memory.total",
            ">=",
            80000,
            "MiB",
            "80 GB, less the driver's part [Vendor/tool]",
            "mine.toml:18",
        ),
        "gpu.persistence": Limit("gpu.persistence", "==", "Enabled", "", "w [s]", "mine.toml:25"),
        "link.rate": Limit("link.rate", "<=", 0.5, "MiB", "w [s]", "mine.toml:31"),
    }
    assert found.facts["gpu.count"] == Fact("gpu.count", 8, "eight GPUs", "the board's manual", "mine.toml:5")
    assert rules.limit("link.rate") is found.limits["link.rate"]
    assert rules.fact("gpu.count") == 8
    assert rules.fact("nvlink.fabric_manager") is True
    hcas = rules.fact("fabric.hcas")
    assert hcas == ["mlx5_0", "mlx5_3"]
    assert isinstance(hcas, list)
    hcas.append("x")
    assert rules.fact("fabric.hcas") == ["mlx5_0", "mlx5_3"]
    assert found.texts() == {"mine": (tmp_path / "mine.toml").read_text()}


def test_what_is_missing_says_what_to_add(write: Write, tmp_path: Path) -> None:
    write("mine")
    found = load("mine", [tmp_path])
    with pytest.raises(NoLimit) as error:
        found.limit("gpu.xid")
    assert str(error.value) == (
        'profile mine has no limit gpu.xid; add [limits."gpu.xid"] with op, value, unit, why and source to mine.toml'
    )
    with pytest.raises(NoLimit) as error:
        found.fact("gpu.count")
    assert str(error.value) == (
        'profile mine has no fact gpu.count; add [facts."gpu.count"] with value, why and source to mine.toml'
    )


def test_later_parents_beat_earlier_ones_and_the_child_beats_all(write: Write, tmp_path: Path) -> None:
    write("base", limit("a", value="1") + limit("b", value="1") + limit("c", value="1") + fact("f", "1"))
    write("left", limit("a", value="2") + limit("b", value="2"), '["base"]')
    write("right", limit("b", value="3") + limit("d", value="3"), '["base"]')
    write("child", limit("d", value="4") + fact("f", '"x"'), '["left", "right"]')
    found = load("child", [tmp_path])
    assert {k: (v.value, v.source.split(":")[0]) for k, v in found.limits.items()} == {
        "a": (2, "left.toml"),
        "b": (3, "right.toml"),
        "c": (1, "base.toml"),
        "d": (4, "child.toml"),
    }
    assert found.fact("f") == "x"
    assert found.lineage == ("base", "left", "right")
    assert list(found.texts()) == ["base", "left", "right", "child"]


def test_the_kept_texts_make_the_same_profile(write: Write, tmp_path: Path) -> None:
    write("base", limit("a"))
    write("child", limit("b") + fact("f", "1"), '["base"]')
    found = load("child", [tmp_path])
    (tmp_path / "run").mkdir()
    for name, text in found.texts().items():
        (tmp_path / "run" / f"{name}.toml").write_text(text)
    again = load("child", [tmp_path / "run"])
    assert (again.limits, again.facts, again.lineage) == (found.limits, found.facts, found.lineage)


def test_the_first_folder_wins(write: Write, tmp_path: Path) -> None:
    write("mine", fact("f", "1"), folder="one")
    write("mine", fact("f", "2"), folder="two")
    assert load("mine", [tmp_path / "one", tmp_path / "two"]).fact("f") == 1
    assert load("mine", [tmp_path / "none", tmp_path / "two"]).fact("f") == 2


def test_available(write: Write, tmp_path: Path) -> None:
    write("mine")
    (tmp_path / "odd name.toml").write_text("")
    (tmp_path / "notes.txt").write_text("")
    assert available([tmp_path]) == sorted({"mine", *available()})
    assert available() == sorted(p.stem for p in STOCK.glob("*.toml"))


def test_load_all_reads_several(write: Write, tmp_path: Path) -> None:
    write("a", fact("f", "1"))
    write("b", fact("f", "2"))
    assert {k: v.fact("f") for k, v in load_all(["b", "a", "b"], [tmp_path]).items()} == {"b": 2, "a": 1}
    assert load_all([], [tmp_path]) == {}


def test_all_mistakes_of_all_files_at_once(write: Write, tmp_path: Path) -> None:
    write("one", limit("a", op='"=>"') + limit("b", value="nan") + fact("f", "{}"))
    write(
        "two",
        'lmits = 1\n[limits."x"]\nop = ">="\nvalue = "many"\nunit = "MiB"\nwy = "w"\nsource = ""\n',
        '["one"]',
    )
    assert problems(tmp_path, "two", "one", "tow") == [
        'one.toml line 5  limits."a": op "=>" is unknown; known are >= <= > < == !=',
        'one.toml line 12  limits."b": value needs a number, text, true or false, got nan',
        'one.toml line 17  facts."f": value needs a number, text, true, false or a list of them, got a table',
        'two.toml line 4  unknown key "lmits"; did you mean limits?',
        'two.toml line 5  limits."x": why is missing',
        'two.toml line 7  limits."x": >= needs a number, got "many"',
        'two.toml line 9  limits."x": unknown key "wy"; did you mean why?',
        'two.toml line 10  limits."x": source is empty',
        'profiles file  no profile "tow"; did you mean two?',
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('[limits."a"]\nvalue = 1', ["line 4  limits.\"a\": op is missing", "line 4  limits.\"a\": unit is missing",
         "line 4  limits.\"a\": why is missing", "line 4  limits.\"a\": source is missing"]),
        ('[facts."a"]', ["line 4  facts.\"a\": value is missing", "line 4  facts.\"a\": why is missing",
         "line 4  facts.\"a\": source is missing"]),
        (limit("a", value="inf"), ['line 6  limits."a": value needs a number, text, true or false, got inf']),
        (limit("a", value="-nan"), ['line 6  limits."a": value needs a number, text, true or false, got nan']),
        (limit("a", value="1e999"), ['line 6  limits."a": value needs a number, text, true or false, got inf']),
        (limit("a", value="9007199254740993"), ['line 6  limits."a": value needs a number, text, true or false, got '
         "9007199254740993"]),
        (limit("a", value="[1]"), ['line 6  limits."a": value needs a number, text, true or false, got [1]']),
        (limit("a", value="2026-01-01"), ['line 6  limits."a": value needs a number, text, true or false, got '
         "2026-01-01"]),
        (limit("a", value="true"), ['line 6  limits."a": >= needs a number, got true']),
        (limit("a", unit='"\\u001b"'), ['line 7  limits."a": unit has a control character']),
        (limit("a", '"=="', '"\\u001b"'), ['line 6  limits."a": value needs a number, text, true or false, got "\\x1b"']),
        ('"\\u001b" = 1', ['line 4  unknown key "\\x1b"; known are name, description, extends, facts, limits']),
        (limit("a", unit="3"), ['line 7  limits."a": unit needs text, got 3']),
        (limit("a", op="7"), ['line 5  limits."a": op needs text, got 7']),
        (fact("a", "[1, nan]"), ['line 5  facts."a": value needs a number, text, true, false or a list of them, got '
         "[1, nan]"]),
        (fact("a", "[[1]]"), ['line 5  facts."a": value needs a number, text, true, false or a list of them, got [[1]]']),
        ("[limits.gpu.count]\nop = '>='", ['line 4  limits: put the whole name in quotes: [limits."gpu.count"]']),
        ('[limits]\n"gpu.count" = 8', ["line 5  limits.gpu.count: needs op, value, unit, why, source, got 8"]),
        ("limits = 3", ['line 4  limits: needs tables such as [limits."gpu.count"]']),
        ('[limits."a b"]\nop = "=="', ['line 4  limits: "a b" is no name; use letters, digits, dot, underscore and dash']),
    ],
)  # fmt: skip
def test_one_mistake(write: Write, tmp_path: Path, body: str, said: list[str]) -> None:
    write("x", body)
    assert problems(tmp_path, "x") == [f"x.toml {line}" for line in said]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ("x = [1,", "line 4"),
        ("\nx = 1\nx = 2", "line 6"),
        ("x = " + "[" * 5000, ""),
        ("x = " + "9" * 5000, ""),
    ],
)
def test_what_is_no_toml(write: Write, tmp_path: Path, body: str, where: str) -> None:
    """The words after the colon are those of Python's TOML reader and change with its version."""
    write("x", body)
    said = problems(tmp_path, "x")
    assert len(said) == 1
    assert said[0].startswith(f"x.toml {where}")
    assert "  is not valid TOML: " in said[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'description = "d"', ["line 1  name is missing"]),
        (b'name = "y"\ndescription = "d"', ['line 1  name: "y" must be the name of the file, "x"']),
        (b'name = "x"\ndescription = ""', ["line 2  description is empty"]),
        (b'name = "x"\n\xff', ["line 2  is not UTF-8 text"]),
        (b"#" * ((1 << 20) + 1), ["file  is larger than 1 MiB"]),
        (b'name = "x"\ndescription = "d"\nextends = "linux"', ["line 3  extends: needs a list of profile names, for "
         'example ["linux"], got "linux"']),
        (b'name = "x"\ndescription = "d"\nextends = ["../x"]', ["line 3  extends: needs a list of profile names, for "
         "example [\"linux\"], got ['../x']"]),
    ],
)  # fmt: skip
def test_a_mistake_of_the_whole_file(tmp_path: Path, text: bytes, said: list[str]) -> None:
    (tmp_path / "x.toml").write_bytes(text)
    assert problems(tmp_path, "x") == [f"x.toml {line}" for line in said]


def test_circles_and_unknown_parents(write: Write, tmp_path: Path) -> None:
    write("a", extends='["b"]')
    write("b", extends='["c", "bb"]')
    write("c", extends='["a"]')
    write("self", extends='["self", "self"]')
    assert problems(tmp_path, "a", "self") == [
        'b.toml line 3  extends: no profile "bb"; did you mean b?',
        "c.toml line 3  extends: a circle: a -> b -> c -> a",
        "self.toml line 3  extends: a profile appears twice",
        "self.toml line 3  extends: a circle: self -> self",
    ]


def test_endless_generations(write: Write, tmp_path: Path) -> None:
    for k in range(60):
        write(f"p{k}", extends=f'["p{k + 1}"]')
    assert problems(tmp_path, "p0") == ["p50.toml line 3  extends: more than 50 generations of parents"]


def test_a_child_cannot_change_the_unit(write: Write, tmp_path: Path) -> None:
    write("base", limit("m", value="80000"))
    write("child", limit("m", value="80", unit='"GiB"'), '["base"]')
    assert problems(tmp_path, "child") == [
        'child.toml line 4  limits."m": unit "GiB" differs from "MiB" in base.toml:4'
    ]


def test_the_example_of_the_documentation(write: Write, tmp_path: Path) -> None:
    block = re.search(
        r"```toml\n(.*?)```", (ROOT / "docs" / "profiles.md").read_text(encoding="utf-8"), re.DOTALL
    )
    assert block is not None
    (tmp_path / "hall-2.toml").write_text(block[1])
    write("hgx-h100", limit("link.rate", value="400", unit='"Gb/s"'))
    found = load("hall-2", [tmp_path])
    assert (found.limit("link.rate").value, found.limit("link.rate").source) == (200, "hall-2.toml:5")
    assert found.fact("fabric.hcas") == ["mlx5_0", "mlx5_3", "mlx5_4", "mlx5_5"]


@pytest.mark.parametrize("name", available())
def test_every_stock_profile_loads(name: str) -> None:
    found = load(name)
    assert found.description
    assert found.facts or found.limits
