"""The pictures of the HTML page: drawn by matplotlib, in the page's colours, and safe whatever a node says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import matplotlib
import pytest
from defusedxml.ElementTree import fromstring
from support import big_run

from bringup.report import html, text
from bringup.report.html import canvas, svg
from bringup.report.html.markup import Markup
from bringup.report.html.style import SHEET
from bringup.report.html.svg import Cell
from bringup.run import RunState, fold

HOSTILE = [
    "$x^2$",
    r"$\frac{a}{$",
    '<b onclick="x">&amp;</b>',
    "]]></text></svg><script>alert(1)</script>",
    "\x1b[31m\x00\x07\n\r\u202egnp\u2066",
    "\u8282\u70b9 \u0639\u0642\u062f\u0629 \U0001f525\U000e0041",
    "\ud800",
    "",
    "a" * 5_000,
    "%s {0} \\n #1 url(x)",
]


def _grid(name: str) -> Markup:
    cells = {(0, 0): Cell("bad0", name, name, "#d1"), (0, 1): Cell("ok1", name)}
    return svg.grid([name], [name, "1"], cells, label=name)


def _slanted(name: str) -> Markup:
    return svg.grid([name], [name], {(0, 0): Cell("ok3", name)}, label=name, upright=False, titled=False)


def _column(name: str) -> Markup:
    return svg.column(name, [(name, name, Cell("s-hands", name, name, "#d1"))], label=name, units=4)


def _histogram(name: str) -> Markup:
    return svg.histogram([1.0, 2.0, 2.5], [(">=", 1.5)], label=name)


def _bar(name: str) -> Markup:
    return svg.bar([("pass", 9), ("fail", 1)], label=name)


KINDS = [_grid, _slanted, _column, _histogram, _bar]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("draw", KINDS)
def test_hostile_words_are_only_words(draw: Callable[[str], Markup], name: str) -> None:
    picture = fromstring(draw(name))
    assert {element.tag for element in picture.iter()} <= {"svg", "a", "path", "text", "title"}
    clean = text.clean(name)
    assert picture.get("aria-label") == clean.replace("\n", " ")  # as XML reads it
    told = [said for element in picture.iter() if element.tag in ("text", "title") and (said := element.text)]
    if name and draw not in (_histogram, _bar):
        assert clean in told and "x" not in told


@pytest.mark.parametrize("draw", KINDS)
def test_pictures_have_the_colours_of_the_page_and_nothing_of_their_own(
    draw: Callable[[str], Markup],
) -> None:
    drawn = draw("gpu-001")
    attributes = {name for element in fromstring(drawn).iter() for name in element.attrib}
    assert attributes <= {
        "role", "aria-label", "viewBox", "width", "height", "class", "d", "x", "y", "text-anchor", "transform", "href",
    }  # fmt: skip
    classes = set(re.findall(r'class="([^"]+)"', drawn))
    assert classes <= set(re.findall(r"\.([a-z][a-z0-9-]*)", SHEET))
    assert "#" not in drawn.replace("#d1", "") and "url(" not in drawn and "xmlns" not in drawn
    assert not re.search(r"\.\d{3}", re.sub("<title>.*?</title>", "", drawn)), "coordinates are not rounded"


def test_cell_is_a_shape_with_its_title_glyph_and_name_in_one_link() -> None:
    cells = [
        ("U2", "gpu-002", Cell("s-hands", "gpu-002: hands on", "X", "#d1")),
        ("U1", "gpu-001", Cell("s-conf", "gpu-001: software", "S", "#d1")),
    ]
    drawn = fromstring(svg.column("R01", cells, label="rack R01: 2 nodes", units=2, scale=2.0))
    assert (drawn.get("role"), drawn.get("aria-label")) == ("img", "rack R01: 2 nodes")
    size = [float(n) for n in drawn.get("viewBox").split()[2:]]
    assert [float(drawn.get("width")), float(drawn.get("height"))] == [2 * n for n in size]
    first, second = drawn.findall("a")
    assert [e.tag for e in first] == ["path", "text", "text"] and first.get("href") == "#d1"
    assert [e.get("class") for e in first] == ["s-hands", "glyph", "on-s-hands"]
    assert first[0].findtext("title") == "gpu-002: hands on"
    assert [e.text for e in second][1:] == ["S", "gpu-001"]
    assert [e.text for e in drawn.findall("text")] == ["R01", "U2", "U1"]


def test_cells_that_say_nothing_are_one_shape_of_each_shade() -> None:
    cells = {(row, column): Cell("ok3", "x") for row in range(20) for column in range(8)}
    cells[3, 3] = Cell("bad1", "slow")
    drawn = svg.grid([""] * 20, [""] * 8, cells, label="x", titled=False)
    assert drawn.count('class="ok3"') == 1 and drawn.count("h13v13h-13z") == 159
    assert drawn.count("<title>") == 1 and len(drawn) < 12_000


def test_names_stand_where_they_belong() -> None:
    upright = svg.grid(["gpu-001"], ["0", "1"], {(0, 0): Cell("ok0", "")}, label="x")
    assert re.search(r'<text x="[\d.]+" y="10" text-anchor="middle">0</text>', upright)
    assert re.search(r'<text x="[\d.]+" y="24" text-anchor="end">gpu-001</text>', upright)
    slanted = svg.grid(["a"], ["leaf-01"], {(0, 0): Cell("ok0", "")}, label="x", upright=False)
    assert re.search(r'y="[\d.]+" transform="rotate\(-50 [\d.]+ [\d.]+\)">leaf-01<', slanted)


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ((381.2, 390.0, 399.7), ["385", "390", "395"]),
        ((7.0, 8.0, 8.0), ["7", "8"]),
        ((1e-15, 3e-13), ["1e-13", "2e-13", "3e-13"]),
        ((-100_000.0, 100_000.0), ["-100000", "-50000", "0", "50000", "100000"]),
        ((1.0, 1.0000000000000002), ["0.999999999", "1.000000001"]),
        ((5.0, 5.0), ["4.999999995", "5.000000005"]),
        ((0.0, 5e-324), ["-1", "-0.5", "0", "0.5", "1"]),
        ((-1.7e308, 1.7e308), ["-1e+300", "-5e+299", "0", "5e+299", "1e+300"]),
    ],
)
def test_histogram_has_round_numbers_below_it(values: tuple[float, ...], ticks: list[str]) -> None:
    drawn = svg.histogram(values, [], label="x")
    found = re.findall(r'<text x="([\d.]+)" y="[\d.]+"(?: text-anchor="(\w+)")?>([^<]+)</text>', drawn)
    assert [words for _, _, words in found] == ticks
    for x, anchor, words in found:
        begins = float(x) - {"": 0.0, "middle": 0.5, "end": 1.0}[anchor] * len(words) * 6.1
        assert begins > -1 and begins + len(words) * 6.1 < 302


def test_histogram_tells_range_and_count_of_each_bin() -> None:
    drawn = svg.histogram([10.0, 10.1, 50.0], [(">=", 20.0)], label="x")
    assert re.findall(r'<path class="(\w+)" d="[^"]+"><title>([^<]+)</title>', drawn) == [
        ("bad1", "10 to 11: 2"), ("ok2", "49 to 50: 1"),
    ]  # fmt: skip
    assert drawn.count('class="limit"') == 1


def test_same_run_makes_the_same_page_and_no_setting_is_left_behind(
    broken: RunState, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dict(matplotlib.rcParams.copy())
    page = html.page(broken)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    assert html.page(broken) == page
    assert dict(matplotlib.rcParams.copy()) == before


def test_threads_draw_the_same() -> None:
    state = fold(big_run.events(8))
    page, start = html.page(state), threading.Barrier(4)

    def draw(_: int) -> str:
        start.wait()
        return html.page(state)

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(draw, range(4))) == {page}
    assert matplotlib.rcParams["svg.fonttype"] == matplotlib.rcParamsDefault["svg.fonttype"]


DRAW = """
import sys
from bringup.cli import main
assert not [m for m in sys.modules if m.split(".")[0] in ("matplotlib", "numpy")]
from bringup.report import html
from bringup.run import RunState
from bringup.report.html import canvas, svg
print(svg.histogram([1.0, 2.0], [], label="x") + html.page(RunState()))
assert "matplotlib" in sys.modules and "matplotlib.pyplot" not in sys.modules
"""


def test_needs_no_home_no_display_and_nobodys_settings(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text(
        "text.usetex: True\nfigure.autolayout: True\npath.sketch: 1, 100, 2\nno.such.key: 1\nbackend: qtagg\n"
        "xtick.labelrotation: 45\nfont.family: No Such Font\nsvg.fonttype: path\nsavefig.bbox: tight\n"
    )
    unset = (
        "HOME",
        "DISPLAY",
        "MPLCONFIGDIR",
        "MPLBACKEND",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "MATPLOTLIBRC",
    )
    kept = {key: value for key, value in os.environ.items() if key not in unset}
    homes = {"HOME": str(tmp_path)}, {"HOME": "/dev/null/nowhere"}, {}
    said = set()
    for folder, home in zip((tmp_path.parent, tmp_path, tmp_path), homes, strict=True):
        done = subprocess.run(
            [sys.executable, "-c", DRAW], cwd=folder, env={**kept, **home}, capture_output=True, text=True, check=False
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        said.add(done.stdout)
    assert len(said) == 1 and "<svg" in said.pop()


def test_a_page_without_matplotlib_says_so_and_has_all_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    def drawing() -> None:
        raise OSError("no folder for <fonts>")

    state = fold(big_run.events(8))
    whole = html.page(state)
    monkeypatch.setattr(canvas, "drawing", drawing)
    page = html.page(state)
    assert "matplotlib cannot be used here (no folder for &lt;fonts&gt;)." in page
    assert "<svg" not in page and "<svg" in whole
    kept = [name for name in ("work", "links", "versions", "open") if f'id="{name}"' in whole]
    assert kept and all(f'id="{name}"' in page for name in kept)
