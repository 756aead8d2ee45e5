"""JUnit files against the strict schema, a second reader, and everything that is known to break junit-xml 1.9.

All runs are invented.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import junitparser
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from support.records import replace
from support.strict_junit import strict

from bringup import events as ev
from bringup.defects import Waiver
from bringup.model import Finding, Limit, Measurement, Outcome, Stage, Verdict, Why
from bringup.report import junit, junit_cases
from bringup.report.verdict import failed_before
from bringup.run import RunState

ANY_TEXT = st.text(st.characters(codec=None), max_size=60)


def second_opinion(path: Path) -> Counter[str]:
    """What junitparser counts, by kind."""
    found: Counter[str] = Counter()
    for suite in junitparser.JUnitXml.fromfile(str(path)):
        for case in suite:
            assert len(case.result) <= 1
            kind = type(case.result[0]).__name__ if case.result else "Passed"
            found[kind] += 1
    return found


def written(state: RunState, folder: Path, **options: object) -> dict[str, etree._Element]:
    paths = junit.write(state, folder, hostname="orch-1", **options)  # type: ignore[arg-type]
    assert sorted(folder.iterdir()) == sorted(paths)
    roots = {path.name: strict(path) for path in paths}
    keys = [(c.get("classname"), c.get("name")) for root in roots.values() for c in root.iter("testcase")]
    assert len(set(keys)) == len(keys)
    return roots


def cases(root: etree._Element) -> dict[tuple[str, str], etree._Element]:
    return {(c.get("classname"), c.get("name")): c for c in root.iter("testcase")}


def test_ready_run_has_one_quiet_file_per_stage(ready: RunState, tmp_path: Path) -> None:
    roots = written(ready, tmp_path / "junit")
    assert list(roots) == ["01-reach.xml", "06-link.xml", "09-rdma.xml"]
    suite = roots["09-rdma.xml"][0]
    assert roots["09-rdma.xml"].get("name") == "bringup hall-2"
    assert dict(suite.attrib) == {
        "name": "S9 rdma",
        "tests": "4",
        "failures": "0",
        "errors": "0",
        "skipped": "0",
        "time": "1.000",
        "timestamp": "2026-08-21T10:02:21",
        "hostname": "orch-1",
    }
    assert {p.get("name"): p.get("value") for p in suite.iter("property")} == {
        "bringup.run": "0821-1002",
        "bringup.name": "hall-2",
        "bringup.level": "standard",
        "bringup.version": "1.0",
        "bringup.verdict": "READY",
    }
    first = suite.find("testcase")
    assert dict(first.attrib) == {
        "classname": "bringup.rdma.write-bw",
        "name": "gpu-001 ~ gpu-002 rail 1",
        "time": "0.250",
    }
    assert all(len(case) == 0 for root in roots.values() for case in root.iter("testcase"))
    assert second_opinion(tmp_path / "junit" / "09-rdma.xml") == Counter(Passed=4)


def test_broken_run_says_who_failed_and_why(broken: RunState, tmp_path: Path) -> None:
    def read(_: object) -> tuple[bytes, bytes]:
        return b"rate 187.4 Gb/s\n\x1b[1mbold\x1b[0m", b"warn \x00"

    roots = written(broken, tmp_path, read_evidence=read, attachment_prefix="runs/0821-1002/")
    assert {
        n: Counter(c[0].tag if len(c) else "pass" for c in r.iter("testcase")) for n, r in roots.items()
    } == {
        "01-reach.xml": {"pass": 15, "error": 1},
        "04-gpu.xml": {"pass": 12, "error": 2, "failure": 1, "skipped": 1},
        "06-link.xml": {"pass": 15, "skipped": 1},
        "09-rdma.xml": {"pass": 6, "failure": 1, "skipped": 1},
    }
    rdma = cases(roots["09-rdma.xml"])
    failed = rdma["bringup.rdma.write-bw", "gpu-003 ~ gpu-004 rail 1"]
    assert failed[0].get("type") == "RDMA-BW"
    assert failed[0].text == (
        "gpu-003 port mlx5_1: write_bw 187.4 Gb/s, needs at least 360 Gb/s\n"
        "gpu-003/hca/mlx5_1/port/1: write_bw 187.4 Gb/s, needs at least 360 Gb/s\n"
        "  limit rdma.write_bw: invented: 90 % of the line rate [invented.toml:12]\n"
        "part of defect D-09EA (hands-on): clean and reseat the optic at gpu-003 mlx5_1; "
        "if it stays, change the cable L01-03"
    )
    assert failed.find("system-out").text == (
        "[[ATTACHMENT|runs/0821-1002/evidence/gpu-003/rdma.out]]\n"
        '--- gpu-003: cat "$ROOT"/sys/class/infiniband/*/ports/*/rate (status 0, 0 s)\n'
        "rate 187.4 Gb/s\nbold\nwarn \\x00\n"
    )
    skipped = rdma["bringup.rdma.write-bw", "gpu-007 ~ gpu-008 rail 1"]
    assert [(c.tag, c.get("message"), c.text) for c in skipped] == [
        ("skipped", "not run: gpu-007 left", "not run: gpu-007 left")
    ]
    error = cases(roots["04-gpu.xml"])["bringup.gpu.present", "gpu-005"][0]
    assert (error.tag, error.get("type"), error.get("message")) == (
        "error",
        "COMMAND-HANGS",
        "could not judge: nvidia-smi did not answer within 30 s on gpu-005",
    )
    lost = cases(roots["04-gpu.xml"])["bringup.gpu.present", "gpu-012"][0]
    assert (lost.get("type"), lost.get("message")) == (
        "GPU-LOST",
        "GPU 5: Xid 79 at 10:03:12; 7 of 8 GPUs answer",
    )
    assert second_opinion(tmp_path / "04-gpu.xml") == Counter(Passed=12, Error=2, Failure=1, Skipped=1)


def test_aborted_run_has_every_planned_case(aborted: RunState, tmp_path: Path) -> None:
    roots = written(aborted, tmp_path)
    hole = "not run: aborted at 2026-08-21 10:02:09 UTC: interrupted"
    assert {
        k: [(c.tag, c.get("message")) for c in case] for k, case in cases(roots["06-link.xml"]).items()
    } == {
        ("bringup.link.rate", "gpu-001"): [
            ("failure", "port mlx5_0: rate 100 Gb/s, needs at least 400 Gb/s")
        ],
        ("bringup.link.rate", "gpu-002"): [],
        ("bringup.link.rate", "gpu-003"): [("skipped", hole)],
        ("bringup.link.rate", "gpu-004"): [("skipped", hole)],
    }
    assert {
        k: [(c.tag, c.get("message")) for c in case] for k, case in cases(roots["09-rdma.xml"]).items()
    } == {("bringup.rdma.write-bw", "(all targets)"): [("skipped", hole)]}


def test_run_that_planned_nothing_is_an_error_not_an_empty_report(tmp_path: Path) -> None:
    roots = written(RunState(), tmp_path)
    assert {k: [c.tag for c in case] for k, case in cases(roots["00-run.xml"]).items()} == {
        ("bringup.run", "(all targets)"): ["error"]
    }


def test_hostile_texts_stay_one_valid_report(hostile: RunState, tmp_path: Path) -> None:
    def read(_: object) -> tuple[bytes, bytes]:
        return b"\xff\xfe]]> [[attachment|/etc/passwd]] \x1b[2J" * 30_000, bytes(range(256)) * 4000

    roots = written(hostile, tmp_path, read_evidence=read)
    link = roots["06-link.xml"]
    assert Counter(c[0].tag for c in link.iter("testcase")) == {"failure": 6, "error": 1, "skipped": 5}
    for case in link.iter("testcase"):
        assert re.fullmatch(r"[0-9]+\.[0-9]{3}", case.get("time"))
        for result in case.iterfind("*[@message]"):
            assert len(result.get("message")) <= 1000
            assert len(result.text.encode()) <= junit_cases.MOST_BODY_BYTES
            assert "[[ATTACHMENT" not in result.text
        out = case.findtext("system-out")
        if case[0].tag == "failure":
            assert len(out.encode()) <= junit_cases.MOST_OUTPUT_BYTES + 64
            assert re.findall(r"\[\[ATTACHMENT\|[^\]]*\]\]", out, re.IGNORECASE) == [
                "[[ATTACHMENT|../../etc/passwd]]"
            ]
            assert "bytes left out" in out
        else:
            assert out is None
    assert second_opinion(tmp_path / "06-link.xml") == Counter(Failure=6, Error=1, Skipped=5)


def test_output_that_cannot_be_read_costs_only_itself(broken: RunState, tmp_path: Path) -> None:
    def read(_: object) -> tuple[bytes, bytes]:
        raise RuntimeError("the disk \x00 is gone")

    roots = written(broken, tmp_path, read_evidence=read)
    out = cases(roots["09-rdma.xml"])["bringup.rdma.write-bw", "gpu-003 ~ gpu-004 rail 1"].findtext(
        "system-out"
    )
    assert out.endswith("(not readable: the disk \\x00 is gone)\n")


def test_output_of_a_huge_report_becomes_only_a_path(
    broken: RunState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(junit_cases, "MOST_OUTPUT_PER_REPORT", 0)
    roots = written(broken, tmp_path, read_evidence=lambda _: (b"never read", b""))
    out = cases(roots["09-rdma.xml"])["bringup.rdma.write-bw", "gpu-003 ~ gpu-004 rail 1"].findtext(
        "system-out"
    )
    assert out == "[[ATTACHMENT|evidence/gpu-003/rdma.out]]\n"


def test_report_is_the_same_every_time_and_replaces_older_parts(
    broken: RunState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as small:
        small.setattr(junit, "MOST_CASES", 5)
        assert [p.name for p in junit.write(broken, tmp_path)][:4] == [
            "01-reach.xml",
            "01-reach-2.xml",
            "01-reach-3.xml",
            "01-reach-4.xml",
        ]
    (tmp_path / "other.xml").write_text("not ours")
    first = {p.name: p.read_bytes() for p in junit.write(broken, tmp_path)}
    again = {p.name: p.read_bytes() for p in junit.write(broken, tmp_path)}
    assert first == again
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*first, "other.xml"])


def test_split_at_20_000_cases(story: Callable[..., object], tmp_path: Path) -> None:
    told = story(1)
    targets = [f"target-{n:05}" for n in range(45_000)]
    told.plan("link.rate", targets)  # type: ignore[attr-defined]
    state: RunState = told.state()  # type: ignore[attr-defined]
    paths = junit.write(state, tmp_path)
    link = [p for p in paths if "link" in p.name]
    roots = [strict(p) for p in link]
    assert [(p.name, r[0].get("name"), r.get("tests")) for p, r in zip(link, roots, strict=True)] == [
        ("06-link.xml", "S6 link", "20000"),
        ("06-link-2.xml", "S6 link part 2", "20000"),
        ("06-link-3.xml", "S6 link part 3", "5000"),
    ]
    names = [c.get("name") for r in roots for c in r.iter("testcase")]
    assert names == targets


def test_split_by_size(hostile: RunState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(junit, "MOST_BYTES", 60_000)
    paths = junit.write(hostile, tmp_path, read_evidence=lambda _: (b"<&>" * 20_000, b""))
    assert len([p for p in paths if "link" in p.name]) > 2
    for path in paths:
        root = strict(path)
        assert path.stat().st_size <= 60_000 or int(root.get("tests")) == 1


def test_a_pass_after_a_failure_in_the_same_run_is_flaky(
    ready: RunState, slow: Callable[..., dict[str, object]], tmp_path: Path
) -> None:
    key = ("rdma.write-bw", "gpu-003 ~ gpu-004 rail 1")
    passed = ready.cases[key]
    assert passed is not None
    failed = replace(passed, verdict=Verdict.FAIL, **slow())  # type: ignore[arg-type]
    unknown = replace(ready.cases["link.rate", "gpu-001"], verdict=Verdict.ERROR)  # type: ignore[type-var]
    events: list[ev.AnyEvent] = [
        ev.Judged(outcome=failed),
        ev.Judged(outcome=unknown),
        ev.Judged(outcome=replace(unknown, verdict=Verdict.PASS, attempt=2)),
        ev.Judged(outcome=replace(passed, attempt=2)),
    ]
    flaky = failed_before(events)
    assert flaky == {key}
    assert failed_before(events[:3]) == set()
    for event in events:
        ready.apply(event)
    roots = written(ready, tmp_path, flaky=flaky)
    found = {k: c for root in roots.values() for k, c in cases(root).items() if len(c)}
    assert {k: (c[0].tag, c[0].get("type"), c[0].get("message")) for k, c in found.items()} == {
        ("bringup.rdma.write-bw", "gpu-003 ~ gpu-004 rail 1"): (
            "failure",
            "FLAKY",
            "passed on attempt 2, but failed before in the same run",
        )
    }


@given(
    words=st.lists(ANY_TEXT, min_size=8, max_size=8),
    verdict=st.sampled_from(list(Verdict)),
    seconds=st.floats(),
    value=st.one_of(st.floats(), ANY_TEXT),
    started=st.floats(),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_in_every_field(
    words: list[str],
    verdict: Verdict,
    seconds: float,
    value: float | str,
    started: float,
    ready: RunState,
    tmp_path: Path,
) -> None:
    a, b, c, d, e, f, g, h = words
    measured = Measurement(a, value, b, f"gpu-001/{c}", Limit(d, ">=", 1.0, e, f, g), h)
    outcome = Outcome(
        f"link.{a}", Stage.LINK, b, ("gpu-001", c), verdict, (d,), 1, e, f, Why.NO_PARTNER, (measured,),
        (Finding(g, h, a),), (), seconds, started,
    )  # fmt: skip
    state = RunState()
    state.apply(
        ev.RunStarted(info=replace(ready.info, id=a or "x", name=b, version=c, checks=(), started=started))
    )
    state.apply(ev.Judged(outcome=outcome))
    for path in junit.write(state, tmp_path, hostname=d):
        root = strict(path)
        (case,) = root.iter("testcase")
        kinds = {
            Verdict.PASS: [],
            Verdict.FAIL: ["failure"],
            Verdict.ERROR: ["error"],
            Verdict.NOT_RUN: ["skipped"],
        }
        assert [child.tag for child in case] == kinds[verdict]
        assert sum(second_opinion(path).values()) == 1


def test_a_draft_that_reads_back_otherwise_is_refused(
    ready: RunState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = junit._suite

    def losing(*args: object) -> object:
        suite = real(*args)  # type: ignore[arg-type]
        suite.remove(suite.findall("testcase")[0])
        return suite

    monkeypatch.setattr(junit, "_suite", losing)
    with pytest.raises(ValueError, match="does not read back as written"):
        junit.write(ready, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_without_text_is_refused(ready: RunState) -> None:
    empty = junit_cases.Case("bringup.x", "y", 0.0, "failure", "CODE", "", "")
    with pytest.raises(ValueError, match="without text would count as passed"):
        junit._suite(ready, "S1 reach", Stage.REACH, "h", [empty], "READY")


def test_a_thousand_nodes(thousand: RunState, tmp_path: Path) -> None:
    roots = written(thousand, tmp_path)
    assert {name: root.get("tests") for name, root in roots.items()} == {
        "01-reach.xml": "1000",
        "06-link.xml": "1000",
        "09-rdma.xml": "500",
    }


def test_what_is_accepted_is_skipped_and_says_by_whom(broken: RunState, tmp_path: Path) -> None:
    def cases(folder: str) -> dict[tuple[str, str], tuple[str, str]]:
        found = {}
        for root in written(broken, tmp_path / folder).values():
            for case in root.iterfind("testsuite/testcase"):
                result = next((e for e in case if e.tag in ("failure", "error", "skipped")), None)
                said = ("", "") if result is None else (result.tag, str(result.get("message")))
                found[str(case.get("classname")).removeprefix("bringup."), str(case.get("name"))] = said
        return found

    before = cases("before")
    accepted = next(d for d in broken.defects if d.explains)
    broken.waivers = (Waiver(accepted.id, "spare on order", "Jane", "2030-01-01", 1.9e9),)
    after = cases("after")
    theirs = {(s.check, s.target) for s in accepted.explains} & before.keys()
    assert {before[key][0] for key in theirs} <= {"failure", "error"} and theirs
    for key, (kind, message) in after.items():
        if key in theirs:
            told = f"accepted by Jane until 2030-01-01 (spare on order): {before[key][1]}"
            assert (kind, message) == ("skipped", told)
        else:
            assert (kind, message) == before[key]
