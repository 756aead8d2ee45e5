"""NCCL's complaints in logs, and the reports of its RAS service."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.records import replace

from bringup.errors import ParseError
from bringup.parsers import nccl_errors, nccl_ras
from bringup.parsers.nccl_errors import Complaint, Completion, first_cause
from bringup.parsers.nccl_ras import Communicator, Rank, Report

Read = Callable[[str], str]

FUSE = Complaint(
    "Fusing NET devices from different NUMA domains is not supported.",
    place="graph/topo.cc:1566",
    function="ncclTopoGetVNicParent",
)
RETRY = Completion(
    status=12,
    peer="192.168.0.20",
    hca="mlx5_6",
    local_gid="fe80::92e3:17ff:fe1c:647c",
    remote_gid="fe80::92e3:17ff:fe20:8c8c",
    vendor_error=129,
    kind="Recv",
    opcode="0",
)
ROCE = Completion(
    status=12,
    peer="10.0.0.2",
    hca="mlx5_2",
    local_gid="::ffff:10.0.0.1",
    remote_gid="::ffff:10.0.0.2",
    vendor_error=129,
    kind="Recv",
    opcode="IBV_WC_SEND(0)",
)
LOGS: dict[str, tuple[Completion | Complaint, ...]] = {
    "01-warn-fuse-nics-different-numa.txt": (FUSE,),
    "07-warn-got-completion-status12-wrapped.txt": (RETRY,),
    "09-info-oob-then-completion-error-rocev2.txt": (ROCE, Completion(status=12, opcode="0")),
}
HEALTHY = Report(
    version="2.28.3",
    nodes=1,
    processes=8,
    gpus=8,
    communicators=(Communicator("group 0", (8, 8), "RUNNING", "OK", 0),),
)
REPORTS: dict[str, Report | None] = {
    "02-rccl-ras-healthy.txt": HEALTHY,
    "03-rccl-ras-incomplete-rank6.txt": replace(
        HEALTHY,
        communicators=(Communicator("group 0", (8, 8), "RUNNING", "INCOMPLETE", 1),),
        problems=(
            "INCOMPLETE",
            "Missing communicator data from 1 job process",
            "Process 3467978 on node 10.194.132.77 managing GPU 6",
            "#0-0 (3b2fe521bf43bc04) INCOMPLETE",
            "Missing communicator data from 1 rank",
            "Rank 6 -- GPU 6 managed by process 3467978 on node 10.194.132.77",
        ),
    ),
    "04-rccl-ras-connection-reset.txt": None,
    "05-rccl-ras-json-degraded.json": Report(
        version="2.28.9",
        nodes=None,
        processes=None,
        gpus=None,
        communicators=(
            Communicator("0x3b2fe521bf43bc04", (8, 8), missing=1, failing=(Rank(6, "node1", 6, 5, True),)),
        ),
    ),
}


def test_every_captured_file_has_an_expectation(captured: Callable[[str], dict[str, str]]) -> None:
    assert set(captured("nccl-errors")) <= {*LOGS, *REPORTS}


@pytest.mark.parametrize("name", LOGS)
def test_captured_logs(read: Read, name: str) -> None:
    found = nccl_errors.parse(read(f"nccl-errors/{name}"))
    assert found == LOGS[name]
    assert first_cause(found) == LOGS[name][0]


@pytest.mark.parametrize("name", REPORTS)
def test_captured_reports(read: Read, name: str) -> None:
    expected = REPORTS[name]
    if expected is None:
        with pytest.raises(ParseError):
            nccl_ras.parse(read(f"nccl-errors/{name}"))
        return
    report = nccl_ras.parse(read(f"nccl-errors/{name}"))
    assert report == expected
    assert report.communicators[0].whole is (name == "02-rccl-ras-healthy.txt")


def test_the_first_cause_is_no_consequence() -> None:
    # invented log in the layout of NCCL 2.2x under mpirun: flushes and a surviving node's words come first
    log = (
        "[1,3]<stdout>:gpu-002:77:91 [3] transport/net_ib.cc:2300 NCCL WARN NET/IB: Got completion from peer "
        "10.0.0.9<43210> with status=5 opcode=0 len=0 vendor err 244 (Recv) hca mlx5_3\n"
        "[1,8]<stderr>:gpu-001:12:20 [0] misc/socket.cc:58 NCCL WARN socketProgress: Connection closed by remote peer\n"
        "gpu-003:15:40 [7] transport/net_ib.cc:2300 NCCL WARN NET/IB: Got completion from peer 10.0.0.2<5> "
        "with status=IBV_WC_RETRY_EXC_ERR(12) opcode=IBV_WC_RDMA_WRITE(1) vendor_err=129 req_type=Send hca mlx5_7\n"
        "gpu-001:12:20 [0] NCCL INFO comm 0x7f rank 0 nranks 16\n"
    )
    found = nccl_errors.parse(log)
    assert [(type(c).__name__, c.host, c.consequence) for c in found] == [
        ("Completion", "gpu-002", True),
        ("Complaint", "gpu-001", True),
        ("Completion", "gpu-003", False),
    ]
    assert first_cause(found) == Completion(
        12, "gpu-003", "10.0.0.2", "mlx5_7", None, None, 129, "Send", "IBV_WC_RDMA_WRITE(1)"
    )
    assert [c.name for c in found if isinstance(c, Completion)] == ["WR_FLUSH_ERR", "RETRY_EXC_ERR"]
    assert first_cause(found[:2]) is None


def test_a_log_without_complaints() -> None:
    assert nccl_errors.parse("gpu-001:12:20 [0] NCCL INFO Init COMPLETE\n") == ()
    assert first_cause(()) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"nccl_version": "2.28.9", "communicators_count": 1, "communicators": []}',
        '{"nccl_version": "2.28.9", "communicators_count": 1, "communicators": [{}]}',
        "RCCL version 2.28.3 compiled with ROCm\n",
    ],
)
def test_reports_cut_or_unknown(text: str) -> None:
    with pytest.raises(ParseError):
        nccl_ras.parse(text)


@pytest.mark.parametrize("name", [n for n, report in REPORTS.items() if report])
def test_reports_cut_off(read: Read, name: str) -> None:
    text = read(f"nccl-errors/{name}").rstrip()
    end = text.rindex("Warnings") if "Warnings" in text else len(text)
    for place in range(0, end, 11):
        with pytest.raises(ParseError):
            nccl_ras.parse(text[:place])


@given(st.text())
def test_any_text_gives_rows_or_a_parse_error(text: str) -> None:
    for tried in (
        text,
        f"x:1:2 [0] a.cc:1 NCCL WARN Got completion with error 12 {text}",
        f"NCCL WARN {text}",
    ):
        assert isinstance(nccl_errors.parse(tried), tuple)
    for tried in (text, f"RCCL version 2.28.3 x\nJob summary\n====\n{text}\n====\n{text}"):
        try:
            assert isinstance(nccl_ras.parse(tried), Report)
        except ParseError:
            pass
