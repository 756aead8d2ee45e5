"""Pseudonyms: nothing that names a machine, a part or an address is left, and the same thing has the same name everywhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import big_run
from support.records import replace

from bringup import events as ev
from bringup.commands import Command, Ended, Evidence
from bringup.defects import Defect, Severity, Symptom, Who
from bringup.model import Finding, Measurement, Node, Outcome, Port, RunInfo, RunVerdict, Stage, Verdict
from bringup.report import html, jsonreport, junit, markdown, prometheus, summary, table
from bringup.report.pseudonyms import Pseudonyms
from bringup.report.sanitise import sanitised
from bringup.run import RunState, fold

ALNUM = "abcdefghijklmnopqrstuvwxyz0123456789"
HEX = st.text("0123456789abcdef", min_size=16, max_size=16)
NAMES = st.from_regex(r"[a-z]{2,6}[.-][a-z]{1,4}[0-9]{2,5}", fullmatch=True)
SERIALS = st.from_regex(r"[A-Z]{2}[0-9]{6,10}", fullmatch=True)


def every_format(state: RunState) -> str:
    """All formats of one run in one text."""
    full = json.dumps(jsonreport.document(state, full=True), ensure_ascii=False)
    return "\n".join((
        full, html.page(state), markdown.markdown(state), summary.Summary(state).plain(200), table.defects_csv(state),
        table.measurements_csv(state), table.links_csv(state), prometheus.textfile(state),
    ))  # fmt: skip


def told(
    name: str, other: str, serial: str, gpu_serial: str, guid: str, address: str, leaf: str
) -> list[ev.AnyEvent]:
    """A run that says all of these wherever a run can say something."""
    dotted = ":".join(guid[i : i + 4] for i in range(0, 16, 4))
    mac = ":".join(guid[i : i + 2] for i in range(0, 12, 2))
    at = f"{name}/hca/mlx5_0/port/1"
    message = (
        f"{name}: GPU 3 (serial {gpu_serial}) of {serial} at {address}, guid 0x{guid}, {dotted}, mac {mac}; "
    )
    message += f"see {other}.example.com"
    command = Command(f"ssh {name} ping {address}")
    proof = Evidence(
        name, f"evidence/{name}/link.out", command, Ended.EXITED, 0, 0.1, 1.0, 0, 10, 0, detail=message
    )
    read = (
        Measurement("guid", dotted, "", at), Measurement("serial number", serial, "", name),
        Measurement("link.optic.serial", f"M{gpu_serial}", "", at), Measurement("hostname", f"{name}.example.com", "", name),
    )  # fmt: skip
    symptom = Symptom("link.state", name, "LINK-DOWN", at, message)
    defect = Defect("D-1234", "LINK-DOWN", Who.HANDS_ON, Severity.ISOLATE, at, (name, other), message, message, "R01 U1",
                    f"{leaf} port 3", "L1", message, message, Stage.LINK, (symptom,), (at,), (message,))  # fmt: skip
    nodes = (
        Node(name, address=address, serial=serial, rack="R01", ports=(Port(0, "mlx5_0", leaf, "3"),), user="admin",
             key_file="/home/jo/k"),
        Node(other, address=f"{other}.example.com", rack="R02"),
    )  # fmt: skip
    outcome = Outcome("link.state", Stage.LINK, name, (name,), Verdict.FAIL, (at,), reason=message, measurements=read,
                      findings=(Finding("LINK-DOWN", message, at),), evidence=(proof,))  # fmt: skip
    pair = Outcome(
        "rdma.write-bw", Stage.RDMA, f"{name} ~ {other}", (name, other), Verdict.ERROR, reason=message
    )
    return [
        ev.RunStarted(info=RunInfo("1120-0931", f"hall of {name}", selection=f"nodes {name}", started=1.0)),
        *(ev.NodeListed(node=node) for node in nodes),
        ev.Planned(stage=Stage.LINK, check="link.state", targets=[name, other]),
        ev.Judged(outcome=outcome), ev.Judged(outcome=pair),
        ev.Quarantined(component=at, stage=Stage.LINK, check="link.state", reason=message),
        ev.DefectsFound(defects=[defect]), ev.Note(text=message), ev.RunEnded(verdict=RunVerdict.NOT_READY, aborted=message),
    ]  # fmt: skip


@settings(max_examples=12)
@given(
    NAMES,
    NAMES,
    SERIALS,
    SERIALS,
    HEX,
    st.ip_addresses(v=4),
    st.from_regex(r"leaf-[a-z]{2}[0-9]{2}", fullmatch=True),
)
def test_nothing_original_is_left_in_any_format(
    name: str, other: str, serial: str, gpu: str, guid: str, address: object, leaf: str
) -> None:
    if (
        set(guid) == {"0"}
        or name.startswith(other)
        or other.startswith(name)
        or str(address).startswith(("0.", "127.", "255."))
    ):
        return
    events = told(name, other, serial, gpu, guid, str(address), leaf)
    before = every_format(fold(events)).lower()
    assert all(word.lower() in before for word in (name, other, serial, gpu, guid, str(address), leaf))
    after, _ = sanitised(events)
    said = every_format(fold(after)).lower()
    mac = ":".join(guid[i : i + 2] for i in range(0, 12, 2))
    dotted = ":".join(guid[i : i + 4] for i in range(0, 16, 4))
    for word in (name, other, serial, gpu, guid, mac, dotted, str(address), leaf, "example.com", "/home/jo"):
        assert re.search(rf"(?<![a-z0-9]){re.escape(word.lower())}(?![a-z0-9])", said) is None, word


def test_same_thing_has_the_same_name_everywhere() -> None:
    events = told(
        "dc1-gpu07", "dc1-gpu08", "AB1234567", "CD7654321", "a088c20300001234", "10.20.30.40", "leaf-xy01"
    )
    after = fold(sanitised(events)[0])
    assert list(after.nodes) == ["node-0001", "node-0002"]
    defect = after.defects[0]
    assert defect.nodes == ("node-0001", "node-0002") and defect.component == "node-0001/hca/mlx5_0/port/1"
    assert defect.far_end == "switch-0001 port 3" and (defect.id, defect.code) == ("D-1234", "LINK-DOWN")
    assert defect.title == (
        "node-0001: GPU 3 (serial serial-0003) of serial-0001 at address-0001, guid guid-0001, guid-0001, mac mac-0001; "
        "see node-0002"
    )
    assert after.nodes["node-0001"].serial == "serial-0001" and after.nodes["node-0001"].user == ""
    assert (after.info.name, after.info.id) == ("cluster", "1120-0931")
    outcome = after.cases["link.state", "node-0001"]
    assert outcome is not None and [m.value for m in outcome.measurements] == [
        "guid-0001",
        "serial-0001",
        "serial-0002",
        "node-0001",
    ]
    assert outcome.check == "link.state" and outcome.evidence[0].file == "evidence/node-0001/link.out"


def test_verdicts_and_numbers_stay() -> None:
    before = fold(big_run.events(16))
    after = fold(sanitised(big_run.events(16))[0])
    assert after.judge_run() is before.judge_run() and len(after.cases) == len(before.cases)
    assert [o.verdict for o in after.outcomes] == [o.verdict for o in before.outcomes]
    assert [m.value for o in after.outcomes for m in o.measurements] == [
        m.value for o in before.outcomes for m in o.measurements
    ]
    said = every_format(after)
    assert not re.search(r"gpu-00[0-9]{2}|SN0000|leaf-00|10\.1\.0\.|165392", said)
    assert "node-[0001" in said and "serial-" in said


def test_quoted_output_has_the_same_names() -> None:
    events = told(
        "dc1-gpu07", "dc1-gpu08", "AB1234567", "CD7654321", "a088c20300001234", "10.20.30.40", "leaf-xy01"
    )
    output = b"Linux dc1-gpu07 5.15\n<serial>9988776655</serial>\n\xff board 9988776655\n"
    output += b"GPU-12345678-1234-1234-1234-123456789abc\n"
    asked: list[str] = []

    def read(evidence: Evidence) -> tuple[bytes, bytes]:
        asked.append(evidence.file)
        return output, b"peer dc1-gpu08.example.com"

    after, reader = sanitised(events, read)
    outcome = fold(after).cases["link.state", "node-0001"]
    assert outcome is not None and reader is not None
    stdout, stderr = reader(outcome.evidence[0])
    serial = re.search(rb"<serial>(serial-[0-9]{4})</serial>", stdout)
    assert serial is not None
    assert stdout == b"Linux node-0001 5.15\n<serial>%s</serial>\n\xff board %s\nuuid-0001\n" % (
        serial[1],
        serial[1],
    )
    assert stderr == b"peer node-0002"
    assert set(asked) == {"evidence/dc1-gpu07/link.out"}  # the original file, under the original name


def test_junit_has_no_original_name(tmp_path: Path) -> None:
    events = told(
        "dc1-gpu07", "dc1-gpu08", "AB1234567", "CD7654321", "a088c20300001234", "10.20.30.40", "leaf-xy01"
    )
    after, reader = sanitised(events, lambda _: (b"serial: AB1234567 on dc1-gpu07", b""))
    paths = junit.write(fold(after), tmp_path, read_evidence=reader, hostname="orchestrator")
    said = "".join(path.read_text(encoding="utf-8") for path in paths)
    assert "serial: serial-0001 on node-0001" in said
    assert not re.search("dc1|AB1234567|CD7654321|a088|10\\.20|leaf-xy|example", said)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("driver 570.86 on dc1-gpu[01-03], 580 on 12", "driver 570.86 on node-[0001-0003], 580 on 12"),
        ("dc1-gpu01-ib0 and dc1-gpu010", "node-0001-ib0 and dc1-gpu010"),
        ("DC1-GPU02 is dc1-gpu02", "node-0002 is node-0002"),
        (
            "at 10:02:09 UTC, bus 0000:c3:00.0, version 28.41.1000",
            "at 10:02:09 UTC, bus 0000:c3:00.0, version 28.41.1000",
        ),
        ("fe80::1 and fe80::1/64", "address-0001 and address-0001/64"),
        ("key SHA256:ot3Op9cLUhR93yPv3T1DzaIkjZF901buvpeZK11MI+k", "key key-0001"),
        ("127.0.0.1 and 300.1.2.3", "127.0.0.1 and 300.1.2.3"),
    ],
)
def test_texts(said: str, wanted: str) -> None:
    names = Pseudonyms()
    for number in range(1, 4):
        names.node(f"dc1-gpu{number:02}")
    names.settle()
    assert names.text(said) == wanted
    assert names.text(wanted) == wanted


def test_pseudonyms_never_look_like_an_original() -> None:
    names = Pseudonyms()
    for name in ("node-0002", "node-0001", "serial"):
        names.node(name)
    names.settle()
    assert names.text("node-0001 node-0002 serial") == "nodex-0002 nodex-0001 nodex-0003"


def test_words_of_bringup_stay_even_if_a_node_is_called_so() -> None:
    story = [msgspec.structs.replace(e) for e in big_run.events(2)]
    node = next(e for e in story if isinstance(e, ev.NodeListed))
    story.insert(2, ev.NodeListed(node=replace(node.node, name="gpu")))
    checks = {o.check for o in fold(sanitised(story)[0]).outcomes}
    assert "gpu.count" in checks and "rdma.write-bw" in checks
