"""Why a perftest has no result: every captured failure with its cause, every captured success with none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.parsers import perftest_failure
from bringup.parsers.perftest_failure import Cause, Failure, failure

Session = Callable[[str], tuple[str, int | None, str]]
RXE = "rxe-outputs/bookworm-perftest-4.5"

SESSIONS = {
    "err-bad-gid.client.txt": Failure(Cause.QUEUE_PAIR, "Failed to modify QP 37 to RTR"),
    "err-bad-gid.server.txt": Failure(Cause.QUEUE_PAIR, "Failed to modify QP 37 to RTR"),
    "err-no-device.client.txt": Failure(Cause.NO_DEVICE, "IB device mlx5_0 not found"),
    "err-no-server.client.txt": Failure(Cause.CONNECT, "Couldn't connect to node1-r0:18515"),
    "err-port-busy.server.txt": Failure(Cause.LISTEN, "Couldn't listen to port 18515"),
    "err-test-mismatch.client.txt": Failure(Cause.COMPLETION, "Failed status 9: wr_id 0 syndrom 0x0"),
    "err-test-mismatch.server.txt": Failure(
        Cause.EXCHANGE, "ethernet_read_keys: Couldn't read remote address"
    ),
    "fault-netdev-down.client.txt": Failure(Cause.PORT_DOWN, "Port number 1 state is Down"),
    "fault-switchport-down-mgmt-exchange.client.txt": Failure(
        Cause.QUEUE_PAIR, "Failed to modify QP 46 to RTR"
    ),
    "fault-switchport-down-mgmt-exchange.server.txt": Failure(
        Cause.EXCHANGE, "ethernet_read_keys: Couldn't read remote address"
    ),
    "fault-cut-midrun2.server.txt": Failure(Cause.NO_DATA, "the result has zero iterations"),
    "fault-cut-midrun.client.txt": None,
    "fault-loss5pct-200it.client.txt": None,
    "write_bw-duration.client.txt": None,
    "write_lat.client.txt": None,
    "write_lat-duration.client.txt": None,
    "recovered.client.txt": None,
}


@pytest.mark.parametrize("file", SESSIONS)
def test_sessions(session: Session, file: str) -> None:
    text, status, _ = session(f"{RXE}/{file}")
    assert failure(text, status) == SESSIONS[file]


def test_every_session_with_another_status_has_a_cause(sessions: Path, session: Session) -> None:
    failed = {}
    for file in sorted((sessions / RXE).glob("*.client.txt")):
        text, status, _ = session(str(file.relative_to(sessions)))
        if status == 1:
            said = failure(text, status)
            assert said is not None, file.name
            failed[file.name] = said.cause
    assert {name: cause for name, cause in failed.items() if cause is Cause.OTHER} == {
        "limit_bw-miss.client.txt": Cause.OTHER
    }
    assert len(failed) >= 7


CORPUS = {
    "16-err-port-state-down.txt": (1, Failure(Cause.PORT_DOWN, "Port number 1 state is Down")),
    "24-err-allocate-mr-memlock.txt": (1, Failure(Cause.MEMORY, "Couldn't allocate MR")),
    "22-version-rc1.txt": (1, Failure(Cause.OTHER, "status 1, Version: 6.06")),
}


@pytest.mark.parametrize("name", CORPUS)
def test_corpus_failures(read: Callable[[str], str], name: str) -> None:
    status, wanted = CORPUS[name]
    assert failure(read(f"perftest/{name}"), status) == wanted


def test_every_captured_table_is_a_success(corpus: Path, read: Callable[[str], str]) -> None:
    for file in sorted((corpus / "perftest").iterdir()):
        if file.name not in CORPUS and "err" not in file.name:
            assert failure(read(f"perftest/{file.name}"), 0) is None, file.name


RETRY = " Completion with error at client\n Failed status 12: wr_id 0 syndrom 0x81\nscnt=128, ccnt=0\n"
RETRY_NEW = " Completion with error at client\n Failed status-transport retry counter exceeded (12): wr_id 0 syndrom 0x81\n"
FLUSH = " Failed status 5: wr_id 0 syndrom 0xf9\n"


@pytest.mark.parametrize("text", [RETRY, RETRY_NEW, FLUSH + RETRY])  # invented from the tool's source
def test_retries_exceeded_is_the_path(text: str) -> None:
    said = failure(text, 1)
    assert said is not None
    assert (said.cause, said.cause.fabric) == (Cause.RETRY, True)


def test_only_some_causes_speak_against_the_fabric() -> None:
    assert {c for c in Cause if c.fabric} == {Cause.PORT_DOWN, Cause.QUEUE_PAIR, Cause.RETRY, Cause.NO_DATA}


def test_nothing_printed_is_a_failure() -> None:
    assert failure("", 0) == Failure(Cause.OTHER, "status 0, no text")
    assert failure("", None) == Failure(Cause.OTHER, "status None, no text")


@given(st.text(), st.sampled_from((0, 1, 124, None)))
def test_any_text_gives_a_cause_or_a_row(text: str, status: int | None) -> None:
    said = failure(text, status)
    assert said is not None
    assert len(str(said)) < 300
    assert isinstance(said.cause, perftest_failure.Cause)
