"""JUnit XML that every reader accepts: one file per stage, built with junit-xml.

junit-xml drops characters silently, writes attributes that the strict schema refuses, and counts a failure
without text as passed. So it only builds the cases: text is cleaned before, attributes are corrected after,
and each file is read back before it takes its name.
"""

from __future__ import annotations

import re
import socket
import xml.etree.ElementTree as ET
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import junit_xml

from bringup.model import Stage
from bringup.orchestrator.kept import ReadEvidence
from bringup.report import text
from bringup.report import verdict as judge
from bringup.report.junit_cases import Case, Output, suites
from bringup.run import RunState

MOST_CASES = 20_000
MOST_BYTES = 20_000_000
_DECLARATION = b"<?xml version='1.0' encoding='utf-8'?>\n"
"""ElementTree writes it, too, but encodes every name and text by itself then: twice the time."""
_OWN_FILE = re.compile(r"[0-9]{2}-[a-z]+(-[0-9]+)?\.xml")


def write(
    state: RunState,
    folder: Path,
    *,
    read_evidence: ReadEvidence | None = None,
    attachment_prefix: str = "",
    flaky: Collection[tuple[str, str]] = (),
    hostname: str = "",
) -> list[Path]:
    """Write one file per stage (several if it is large) into `folder`; returns them in order.

    `attachment_prefix` is put before the evidence files' paths, so that a CI server finds them from its
    working folder. `flaky` are the (check, target) that passed only after failing (see
    verdict.failed_before): they are failures, because every reader shows its own kind of retry as green.
    Files of an earlier report are replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    host = text.line(hostname or socket.gethostname(), 100)
    verdict = judge.verdict(state).value
    written: list[Path] = []
    for suite in suites(state, Output(read_evidence, attachment_prefix), flaky):
        for part, chunk in enumerate(_chunks(suite.cases), start=1):
            words_part, file_part = ("", "") if part == 1 else (f" part {part}", f"-{part}")
            name = f"S{suite.number} {suite.name}{words_part}"
            path = folder / f"{suite.number:02}-{suite.name}{file_part}.xml"
            _save(_document(state, _suite(state, name, suite.stage, host, chunk, verdict)), path, chunk)
            written.append(path)
    for stale in folder.iterdir():
        if _OWN_FILE.fullmatch(stale.name) and stale not in written:
            stale.unlink()
    return written


def _chunks(cases: Iterable[Case]) -> Iterator[list[Case]]:
    chunk: list[Case] = []
    size = 0
    for case in cases:
        more = case.size
        if chunk and (len(chunk) >= MOST_CASES or size + more > MOST_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(case)
        size += more
    if chunk:
        yield chunk


def _suite(
    state: RunState, name: str, stage: Stage | None, host: str, cases: list[Case], verdict: str
) -> ET.Element:
    """The suite as junit-xml builds it, with the attributes that it gets wrong rewritten."""
    built = []
    for case in cases:
        one = junit_xml.TestCase(case.name, case.classname, stdout=case.output or None)
        if case.kind and not (case.message and case.body):
            raise ValueError(
                f"{case.classname} {case.name}: a {case.kind} without text would count as passed"
            )
        if case.kind == "failure":
            one.add_failure_info(case.message, case.body, case.type)
        elif case.kind == "error":
            one.add_error_info(case.message, case.body, case.type)
        elif case.kind == "skipped":
            one.add_skipped_info(case.message, case.body)
        built.append(one)
    properties = {
        "bringup.run": text.line(state.info.id, 200),
        "bringup.name": text.line(state.info.name, 200),
        "bringup.level": state.info.level.value,
        "bringup.version": text.line(state.info.version, 100),
        "bringup.verdict": verdict,
    }
    suite: ET.Element = junit_xml.TestSuite(
        name, built, hostname=host, timestamp=_timestamp(state, stage), properties=properties
    ).build_xml_doc()
    suite.attrib.pop("disabled", None)
    for element, case in zip(suite.iter("testcase"), cases, strict=True):
        element.set("time", f"{case.seconds:.3f}")
    suite.set("time", f"{sum(round(case.seconds, 3) for case in cases):.3f}")
    return suite


def _timestamp(state: RunState, stage: Stage | None) -> str | None:
    """When the stage (else the run) began: UTC without offset, which all readers accept; None if unknown."""
    its = state.stages.get(stage) if stage else None
    began = (its.started if its else None) or state.info.started
    return judge.utc(began) or None


def _document(state: RunState, suite: ET.Element) -> ET.Element:
    root = ET.Element("testsuites", {"name": f"bringup {text.line(state.info.name or state.info.id, 200)}"})
    for key in ("tests", "failures", "errors", "time"):
        root.set(key, suite.get(key, "0"))
    root.append(suite)
    ET.indent(root)
    return root


def _save(root: ET.Element, path: Path, cases: list[Case]) -> None:
    """Write beside, read back, rename. Raises ValueError if it does not read back as written."""
    draft = path.with_name(f".{path.name}.tmp")
    try:
        draft.write_bytes(
            _DECLARATION + ET.tostring(root, encoding="unicode").encode("utf-8", "xmlcharrefreplace")
        )
        kinds = {"failure": 0, "error": 0, "skipped": 0, "testcase": 0}
        for element in ET.fromstring(draft.read_bytes()).iter():
            if element.tag in kinds:
                kinds[element.tag] += 1
        wanted = {
            kind: sum(1 for case in cases if case.kind == kind) for kind in ("failure", "error", "skipped")
        }
        if kinds != {**wanted, "testcase": len(cases)}:
            raise ValueError(f"{path.name} does not read back as written: {kinds} instead of {wanted}")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
