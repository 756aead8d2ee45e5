"""The HTML page: reads without network and scripts, shows who must walk where, and is safe whatever a node says."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from support import big_run
from support.records import replace
from support.work import calls

from bringup import events as ev
from bringup.model import Limit, Measurement, Stage
from bringup.report import html
from bringup.report.html import markup, svg
from bringup.report.html.page import policy
from bringup.report.readings import distributions, links, racks, speeds, versions
from bringup.run import RunState, fold

VOID = {"meta", "br"}
HARMLESS = {
    "html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section", "nav", "div", "p", "span", "b",
    "small", "code", "br", "h1", "h2", "h3", "ul", "li", "details", "summary", "a", "table", "thead", "tbody", "tr", "th", "td",
    "svg", "path", "text",
}  # fmt: skip


class Reader(HTMLParser):
    """Elements, attributes and text of a page; raises where an element is not closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def hall() -> RunState:
    return fold(big_run.events(64))


@pytest.fixture(params=["ready", "broken", "aborted", "hostile"])
def any_run(request: pytest.FixtureRequest) -> RunState:
    state: RunState = request.getfixturevalue(request.param)
    return state


def test_page_has_nothing_but_harmless_elements_of_its_own(any_run: RunState) -> None:
    read = Reader(html.page(any_run))
    assert {tag for tag, _ in read.elements} <= HARMLESS
    for tag, attributes in read.elements:
        assert not {
            name for name in attributes if name.startswith("on") or name in ("style", "src", "srcset")
        }, tag
        assert re.fullmatch(r"#[a-z0-9]+", attributes.get("href") or "#x")
    first = next(attributes for tag, attributes in read.elements if attributes.get("http-equiv"))
    assert first == {"http-equiv": "Content-Security-Policy", "content": policy()}
    assert policy().startswith("default-src 'none'; style-src 'sha256-")


def test_page_loads_nothing(any_run: RunState) -> None:
    page = html.page(any_run)
    sheet = page.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in sheet and "@import" not in sheet
    assert "://" not in page.replace("https://evil", "")


def test_every_inner_link_leads_somewhere(any_run: RunState) -> None:
    read = Reader(html.page(any_run))
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {str(attributes["href"])[1:] for _, attributes in read.elements if "href" in attributes}
    assert targets <= set(ids)


def test_hostile_names_are_only_text(hostile: RunState) -> None:
    evil = "</style></title><script>alert(1)</script><img src=x onerror=alert(2)>\"'><a href=javascript:x>"  # invented
    node = replace(
        next(iter(hostile.nodes.values())), name=evil, rack=evil, unit=evil, serial=evil, profile=evil
    )
    hostile.apply(ev.NodeListed(node=node))
    hostile.defects = [replace(d, nodes=(evil,), place=evil, title=evil, cable=evil) for d in hostile.defects]
    hostile.info = replace(hostile.info, name=evil, id=evil, version=evil, selection=evil)
    read = Reader(html.page(hostile))
    assert {tag for tag, _ in read.elements} <= HARMLESS
    assert "<script>alert(1)</script>" in read.text
    assert "\x1b" not in read.text and "\u202e" not in read.text


def test_punch_list_says_who_walks_where(broken: RunState) -> None:
    said = Reader(html.page(broken)).text
    order = [
        "NOT READY", "Punch list", "Hands on", "Rack R01", "R01 U8", "gpu-003", "L01-03", "Rack R02", "R02 U10", "gpu-012",
        "Configuration", "gpu-[009-011]", "Software", "gpu-014", "Plan", "Floor", "Not judged, and exceptions", "gpu-007",
    ]  # fmt: skip
    at = 0
    for words in order:
        at = said.index(words, at)
    assert "clean and reseat the optic at gpu-003 mlx5_1" in said
    assert "187.4 Gb/s" in said and "at least 360 Gb/s" in said
    assert "Ruled out: gpu-004 is fine with other partners" in said
    assert "bringup show 0821-1002 'gpu-003 ~ gpu-004 rail 1' rdma.write-bw" in said
    assert "evidence/gpu-003/rdma.out" in said


def test_every_defect_is_there_once_and_floor_leads_to_it(broken: RunState) -> None:
    read = Reader(html.page(broken))
    for defect in broken.defects:
        assert read.text.count(defect.id) - read.text.count(f"--defect {defect.id}") == 1
    marks = [
        attributes.get("href")
        for tag, attributes in read.elements
        if tag == "a" and attributes.get("href", "").startswith("#d")
    ]
    proven = [d for d in broken.defects if d.who.value != "could-not-judge"]
    assert set(marks) == {f"#d{number}" for number in range(1, len(proven) + 1)}


def test_run_without_anything_wrong_says_so(ready: RunState) -> None:
    said = Reader(html.page(ready)).text
    assert said.index("READY") < said.index("8 of 8 nodes ready")
    assert "No defect was proven." in said and "Everything that was planned was judged." in said


def test_cut_run_is_never_ready_and_tells_why(aborted: RunState) -> None:
    said = Reader(html.page(aborted, exit_code=130)).text
    assert "The run ended early: interrupted" in said and "exit code 130" in said
    assert "No defect was proven." in said and "Failed, not diagnosed" in said


def test_empty_state_makes_a_page() -> None:
    said = Reader(html.page(RunState())).text
    assert "INCOMPLETE" in said and "nothing was planned" in said


def test_light_dark_and_paper() -> None:
    from bringup.report.html.style import SHEET

    assert "prefers-color-scheme:dark" in SHEET and "@media print" in SHEET
    light, dark = (
        set(re.findall(r"(--[a-z0-9]+):", part))
        for part in SHEET.split("@media (prefers-color-scheme:dark)")[:2]
    )
    assert set(re.findall(r"(--[a-z0-9]+):", SHEET.partition("}")[0])) - dark == set()
    assert {"--ok0", "--bad0", "--none"} <= light
    classes = set(re.findall(r"\.([a-z][a-z0-9-]*)", SHEET))
    assert {
        "ok0",
        "ok1",
        "ok2",
        "ok3",
        "bad0",
        "bad1",
        "bad2",
        "none",
        "s-ready",
        "s-hands",
        "v-not-applicable",
    } <= classes


def test_bandwidth_is_the_ports_best(hall: RunState) -> None:
    measured = speeds(hall)
    slow = [key for key, speed in measured.ports.items() if max(speed.values) < 380]
    assert ("gpu-0002", "mlx5_3") in slow and all(hca == "mlx5_3" for _, hca in slow)
    assert ("leaf-001", "leaf-001") in measured.leaves and all(a == b for a, b in measured.leaves)
    said = html.page(hall)
    assert re.search(
        r"gpu-0002 mlx5_3 rail 3: best [0-9.]+ Gb/s of 1 pair, 1 under the limit, needs 380", said
    )
    assert "gpu-0008 mlx5_0 rail 0: not measured" in said


def test_distributions_have_their_limits_and_worst_places(hall: RunState) -> None:
    found = {d.name: d for d in distributions(hall)}
    assert next(iter(found)) == "write_bw" and set(found) == {"write_bw", "busbw", "GEMM bf16"}
    bandwidth = found["write_bw"]
    assert bandwidth.limits == ((">=", 380.0),) and bandwidth.broken >= 1 and bandwidth.worst
    assert min(bandwidth.values) < 380 < bandwidth.middle


def test_links_are_all_planned_ports_in_walking_order(hall: RunState) -> None:
    rows = links(hall, speeds(hall))
    assert len(rows) == 64 * 8 and [r.node.rack for r in rows] == sorted(r.node.rack for r in rows)
    first = rows[0]
    assert first.read == {"rate": "400 Gb/s", "state": "ACTIVE"} and not first.odd
    defect = next(r for r in rows if r.node.name == "gpu-0002" and r.port.rail == 3)
    assert defect.odd and defect.defect == "D-S0002"
    unread = [r for r in rows if r.node.name == "gpu-0008"]
    assert all(r.odd and not r.read and r.best is None for r in unread)


def test_versions_show_the_minority(hall: RunState) -> None:
    driver = next(v for v in versions(hall) if v.name == "driver")
    assert driver.group == "hgx-h100" and [value for value, _ in driver.values] == ["580.95.05", "570.86.15"]
    assert "gpu-0006" in driver.values[1][1]


def test_racks_stand_as_one_sees_them(hall: RunState) -> None:
    found = racks(hall.nodes.values())
    assert list(found)[:2] == ["R001", "R002"]
    assert [n.unit for n in found["R001"]] == ["37", "32", "27", "22", "17", "12", "7", "2"]


def test_shades() -> None:
    assert [svg.shade(v, 400.0, 0, 440) for v in (100, 300, 399, 400, 411, 425, 440)] == [
        "bad0", "bad1", "bad2", "ok0", "ok1", "ok2", "ok3",
    ]  # fmt: skip
    assert svg.shade(5.0, None, 5.0, 5.0) == "ok3" and svg.shade(-1.0, 0.0, -1.0, 0.0) == "bad0"


@pytest.mark.parametrize(
    ("values", "limit", "bad"),
    [
        ((17.0, 18.0, 18.0), ("==", 18.0), 1),
        ((1.0, 2.0, 9.0), ("<=", 5.0), 1),
        ((1.0, 2.0, 3.0), (">=", 0.5), 0),
    ],
)
def test_histogram_colours_what_is_out_of_the_limit(
    values: tuple[float, ...], limit: tuple[str, float], bad: int
) -> None:
    drawn = svg.histogram(values, [limit], label="x")
    assert drawn.count('class="bad1"') == bad and drawn.count('class="limit"') == 1


def test_markup_escapes_all_but_itself() -> None:
    assert (
        markup.tag("p", "<b>", markup.tag("b", "&"), 3, None, class_='"x"')
        == '<p class="&quot;x&quot;">&lt;b&gt;<b>&amp;</b>3</p>'
    )
    with pytest.raises(ValueError, match="attribute"):
        markup.tag("p", **{"a b": "x"})


def test_odd_numbers_do_not_break_a_picture(hall: RunState) -> None:
    limit = Limit("x", ">=", float("nan"), "Gb/s")
    odd = [
        Measurement("write_bw", v, "Gb/s", "gpu-0001/hca/mlx5_0/port/1", limit)
        for v in (float("nan"), float("inf"), -5.0, 1e300)
    ]
    outcome = next(o for o in hall.outcomes if o.stage is Stage.RDMA)
    state = fold(
        [*big_run.events(2), ev.Judged(outcome=replace(outcome, target="odd", measurements=tuple(odd)))]
    )
    assert "nan" not in re.sub(r"<style>.*?</style>", "", html.page(state)).lower().replace("finance", "")


def test_big_fleet_is_small_and_costs_no_more_for_each_node(tmp_path: Path) -> None:
    state = fold(big_run.events(1024))
    few = calls(lambda: html.write(fold(big_run.events(128)), tmp_path / "report.html"))
    assert calls(lambda: html.write(state, tmp_path / "report.html")) < 1.3 * 8 * few
    assert (tmp_path / "report.html").stat().st_size < 5_000_000
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    read = Reader((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert sum("rack R" in str(attributes.get("aria-label")) for _, attributes in read.elements) == 2 * 128
    assert "with every link in order" in read.text
