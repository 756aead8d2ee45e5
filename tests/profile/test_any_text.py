"""Lines of a TOML text, and that no text does harm."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bringup.errors import ProfileError
from bringup.profile import load
from bringup.profile.lines import Lines


def test_lines_of_every_way_to_write_a_key() -> None:
    lines = Lines(
        "\n".join(
            [
                'name = "x"  # = y',
                'why = """',
                "[facts]",
                'a = 1"""',
                "[limits]",
                '"a.b" = {op = "=="}',
                'c.op = "x"',
                '[facts."d.e"] # [x]',
                "value = [",
                '  "f",',
                "]",
                "'g=h' = 1",
            ]
        )
    )
    assert [
        lines.of("name"),
        lines.of("limits"),
        lines.of("limits", "a.b"),
        lines.of("limits", "a.b", "op"),
        lines.of("limits", "c"),
        lines.of("limits", "c", "op"),
        lines.of("facts", "d.e"),
        lines.of("facts", "d.e", "value"),
        lines.of("facts", "d.e", "g=h"),
        lines.of("nothing"),
    ] == [1, 5, 6, 6, 7, 7, 8, 9, 12, 1]


TOML = st.lists(
    st.sampled_from(
        ["name", "limits", "facts", "extends", "op", "value", "unit", "why", "source", " = ", '"x"', '">="', "1", "nan",
         "inf", "[", "]", "{", "}", ",", ".", "\n", '"""', "'", "#", '[limits."a"]\n', '[facts."a"]\n', "true", "é", "\x00",
         "1979-05-27", "0x1f", "[[", "]]", '["x"]', "\\"]
    ),
    max_size=40,
).map("".join)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TOML | st.text(max_size=60))
def test_any_text_is_a_profile_or_a_list_of_problems(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        found = load("x", [tmp_path])
    except ProfileError as error:
        assert error.problems
        assert all(p.file == str(tmp_path / "x.toml") and p.what for p in error.problems)
    else:
        assert found.name == "x"


@given(TOML | st.text(max_size=60))
def test_lines_of_any_text(text: str) -> None:
    assert 1 <= Lines(text).of("limits", "a", "op") <= max(1, len(text.splitlines()))
