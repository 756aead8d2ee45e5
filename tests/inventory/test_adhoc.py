"""An inventory from nothing but names."""

from __future__ import annotations

from pathlib import Path

import pytest

from bringup.errors import InventoryError
from bringup.inventory import from_names, parse
from bringup.model import Node


def test_a_range() -> None:
    found = from_names("gpu-[001-003] login")
    assert found.name == "ad-hoc"
    assert found.nodes == tuple(Node(n, address=n) for n in ("gpu-001", "gpu-002", "gpu-003", "login"))


def test_a_host_list_with_comments_and_slots() -> None:
    """As piped in, or as an MPI host file."""
    found = from_names("# rack 5\ngpu-001 slots=8 max_slots=8\n\ngpu-[003-004]  # new\n")
    assert [n.name for n in found.nodes] == ["gpu-001", "gpu-003", "gpu-004"]


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "hall 2.txt"
    path.write_text("b\na\n")
    found = from_names(f"@{path}")
    assert (found.name, found.path) == ("hall-2", path)
    assert [n.name for n in found.nodes] == ["b", "a"]


def test_the_text_that_is_kept_says_the_same() -> None:
    found = from_names("gpu-[001-003]\nlogin\nr[1-2]n[1-2]")
    again = parse(found.text.encode(), Path("x.yaml"))
    assert (again.name, again.nodes) == (found.name, found.nodes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["file  no names in it; give for example gpu-[001-016]"]),
        ("# only a comment\n", ["file  no names in it; give for example gpu-[001-016]"]),
        ("gpu[1-", ['line 1  "gpu[1-" has no closing bracket']),
        ("gpu-001 gpu-001", ["line 1  gpu-001 appears twice (in this line)"]),
        ("a\nb\na\n-x\n", ["line 3  a appears twice (also line 1)",
         'line 4  "-x" begins with "-"; a name begins with a letter or digit']),
        ("a\nslots=3\n", ['line 2  "slots=3" has no name']),
        ("n[1-200001]", ['line 1  "n[1-200001]" stands for more than 200,000 names']),
    ],
)  # fmt: skip
def test_mistakes(text: str, said: list[str]) -> None:
    with pytest.raises(InventoryError) as error:
        from_names(text)
    assert [str(p) for p in error.value.problems] == said


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InventoryError) as error:
        from_names(f"@{tmp_path}/no.txt")
    assert str(error.value) == (
        f"{tmp_path}/no.txt: 1 problem, nothing was run\n  file  cannot be read: No such file or directory"
    )


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_bytes(b"a\n\xff\n")
    with pytest.raises(InventoryError) as error:
        from_names(f"@{path}")
    assert [str(p) for p in error.value.problems] == ["line 2  is not UTF-8 text"]
