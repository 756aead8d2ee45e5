"""The handbook says what the battery is, and the files in docs/ are what it says now."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bringup import battery
from bringup.battery.asked import asked
from bringup.commands import Command
from bringup.diagnosis import GENERAL
from bringup.report.handbook import checks_page, faults_page
from bringup.report.handbook_commands import short

DOCS = Path(__file__).parents[2] / "docs"
CHECKS = battery.load()
PAGES = {"checks.md": checks_page(CHECKS), "faults.md": faults_page(CHECKS)}


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_files_are_up_to_date(name: str) -> None:
    there = (DOCS / name).read_text(encoding="utf-8")
    assert there == PAGES[name], f"docs/{name} is not what the checks say: run `make docs`"


def test_every_check_has_its_row_and_paragraph_with_its_limits_and_defects() -> None:
    page = PAGES["checks.md"]
    parts = dict(re.findall(r"^### (\S+)\n(.*?)(?=^##|\Z)", page, re.S | re.M))
    assert list(parts) == [c.id for c in CHECKS]
    for check in CHECKS:
        assert f"| [{check.id}](#" in page
        for name in (*asked(check).limits, *asked(check).facts):
            assert f"`{name}`" in parts[check.id]
        for fault in check.faults:
            assert f"| [{fault.code}](faults.md#" in parts[check.id]


def test_every_code_is_told_with_who_and_what_to_do() -> None:
    page = PAGES["faults.md"]
    codes = {f.code for c in CHECKS for f in c.faults} | set(GENERAL)
    headings = re.findall(r"^### (\S+)$", page, re.M)
    assert headings == sorted(codes)
    assert (
        page.count("\n- *who*: ") == page.count("\n- *do*: ") == page.count("\n- *told by*: ") == len(codes)
    )


@pytest.mark.parametrize("name", sorted(PAGES))
def test_links_lead_somewhere_and_tables_are_whole(name: str) -> None:
    anchors = {
        page: {
            re.sub(r"[^a-z0-9 _-]", "", h.lower()).replace(" ", "-")
            for h in re.findall(r"^#+ (.+)$", text, re.M)
        }
        for page, text in PAGES.items()
    }
    for page, anchor in re.findall(r"\]\(([\w.-]*)#([^)]+)\)", PAGES[name]):
        assert anchor in anchors[page or name], anchor
    columns = 0
    for line in PAGES[name].splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        assert not columns or not cells or cells == columns, line
        columns = cells


def test_no_place_holder_is_left() -> None:
    assert not re.search(r"\{(at|node|place|cable|leaf|leaf_port)\}", "".join(PAGES.values()))


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (Command('cat "$ROOT"/proc/meminfo\n'), "`cat /proc/meminfo`"),
        (Command("dmesg", root=True), "`dmesg` (as root)"),
        (
            Command('cd "$ROOT"/sys/class/net\nls "$ROOT"/sys/class/net/*', needs=("ls",)),
            "`ls`; reads `/sys/class/net`, `/sys/class/net/*`",
        ),
        (Command("a\nb"), "a few lines of shell"),
    ],
)
def test_a_command_in_short(command: Command, text: str) -> None:
    assert short(command) == text
