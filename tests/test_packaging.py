"""The installed package works from any folder: a wheel carries the battery, and no global module `checks` appears."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (built,) = out.glob("*.whl")
    return built


def test_a_wheel_holds_the_battery_and_the_inventories_below_bringup(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {n.split("/")[0] for n in names if not n.startswith("bringup-")} == {"bringup"}
    assert "bringup/battery/stock/reach/connect.py" in names
    assert "bringup/inventory/examples/mock.yaml" in names
    assert "bringup/profile/stock/hgx-h100.toml" in names


def test_an_installed_wheel_works_from_any_folder(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    code = (
        "import sys, bringup; from bringup import battery; from bringup.cli.common import default_inventory;"
        "print(bringup.__file__); print(battery.stock_folder()); print(len(battery.load()));"
        "print(default_inventory());"
        "import importlib.util; print(importlib.util.find_spec('checks'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    package, stock, count, inventory, spec = done.stdout.splitlines()
    assert package.startswith(str(site))
    assert stock == str(site / "bringup/battery/stock")
    assert int(count) >= 25
    assert Path(inventory).is_file()
    assert inventory.startswith(str(site))
    assert (
        str(site) not in spec
    )  # the checkout's own folder may be seen by an editable install, never the wheel's


def test_the_checkout_is_used_as_it_is(tmp_path: Path) -> None:
    code = "from bringup import battery; print(battery.stock_folder())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(ROOT / "checks")


@pytest.mark.parametrize("arguments", [["--help"], ["checks", "list"], ["plan", "--no-commands"]])
def test_what_needs_no_screen_imports_no_textual(arguments: list[str], tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv[1:] = " + repr(arguments) + "\n"
        "from bringup.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "bad = [m for m in sys.modules if m.split('.')[0] == 'textual']\n"
        "assert not bad, bad\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_nothing_that_a_test_or_tool_left_behind_is_part_of_the_project() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("NOT A CHECKOUT: what belongs to the project cannot be listed")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {name.split("/")[0] for name in listed.splitlines()} == {
        ".ci", ".gitignore", "Makefile", "README.md", "benchmarks", "bringup", "checks", "docs", "inventories",
        "pyproject.toml", "tests",
    }  # fmt: skip
