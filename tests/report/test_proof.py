"""The line that decided a defect, with its file: from outputs kept as a run keeps them. The outputs are from real tools,
the run around them is invented."""

from __future__ import annotations

from support.invented_run import events_of, port, single
from support.records import replace

from bringup.commands import Command, Ended, Evidence
from bringup.errors import RunFolderError
from bringup.report import html, jsonreport
from bringup.report.proof import MOST_DEFECTS, Proof, Proofs
from bringup.run import RunState, fold

RATES = "\n".join(
    f"/sys/class/infiniband/mlx5_{k}/ports/1/rate:{100 if k == 0 else 400} Gb/sec (4X EDR)" for k in range(4)
)
NOTHING = "nothing that tells"
HERE = Evidence(
    "n1", "evidence/n1/link.out", Command("grep -H . rate"), Ended.EXITED, 0, 0.1, 1.0, 40, len(RATES), 7
)
ELSEWHERE = replace(HERE, file="evidence/n1/other.out", command=Command("lspci"), offset=0)
STORE = {HERE.file: (RATES.encode(), b"warning"), ELSEWHERE.file: (NOTHING.encode(), b"")}


def read(evidence: Evidence) -> tuple[bytes, bytes]:
    return STORE[evidence.file]


def run(*evidence: Evidence) -> RunState:
    slow = replace(single("link.rate", "n1", good=False, at=port("n1")), evidence=evidence)
    return fold(events_of("r1", [slow]))


def test_the_line_its_file_and_where_it_begins() -> None:
    state = run(ELSEWHERE, HERE)
    (defect,) = state.defects
    found = Proofs(state, read).of(defect)
    assert found == Proof(
        "link.rate", "n1", "grep -H . rate", "stdout", HERE.file, 40, 1, RATES.split("\n")[0]
    )
    said = html.page(state, proofs=Proofs(state, read))
    assert f"<code>{RATES.splitlines()[0]}</code><br>evidence/n1/link.out, line 1 of: grep -H . rate" in said
    (row,) = jsonreport.document(state, proofs=Proofs(state, read))["defects"]  # type: ignore[misc]
    assert (row["decided_by"]["line"], row["decided_by"]["offset"]) == (1, 40)  # type: ignore[index,call-overload]


def test_standard_error_counts_too() -> None:
    STORE["evidence/n1/err.out"] = (NOTHING.encode(), b"first\nmlx5_0 port 1: rate 100 Gb/s is too low")
    piece = replace(HERE, file="evidence/n1/err.out", offset=3, stdout_bytes=len(NOTHING))
    found = Proofs(state := run(piece), read).of(state.defects[0])
    assert found is not None
    assert (found.stream, found.line, found.offset) == ("stderr", 2, 3 + len(NOTHING))


def test_where_nothing_stands_out_or_can_be_read_nobody_guesses() -> None:
    def damaged(evidence: Evidence) -> tuple[bytes, bytes]:
        raise RunFolderError("the file is gone")

    for state, reader in ((run(ELSEWHERE), read), (run(HERE), damaged), (run(HERE), None), (run(), read)):
        proofs = Proofs(state, reader)
        assert proofs.of(state.defects[0]) is None
        (row,) = jsonreport.document(state, proofs=proofs)["defects"]  # type: ignore[misc]
        assert row["decided_by"] is None  # type: ignore[index,call-overload]


def test_only_so_many_are_looked_up() -> None:
    asked: list[str] = []

    def counted(evidence: Evidence) -> tuple[bytes, bytes]:
        asked.append(evidence.file)
        return read(evidence)

    state = run(HERE)
    proofs = Proofs(state, counted)
    many = [replace(state.defects[0], id=f"D-{k}") for k in range(MOST_DEFECTS + 50)]
    found = [proofs.of(defect) for defect in many + many]
    assert len(asked) == MOST_DEFECTS
    assert sum(proof is not None for proof in found) == 2 * MOST_DEFECTS


def test_of_many_nodes_only_the_own_output_speaks() -> None:
    pieces = []
    for n in range(1, 4):
        STORE[f"evidence/n{n}/all.out"] = (RATES.encode(), b"")
        pieces.append(replace(HERE, node=f"n{n}", file=f"evidence/n{n}/all.out"))
    state = run(*pieces)
    (slow,) = (o for o in state.outcomes if o.check == "link.rate")
    state.cases["link.rate", "n1"] = replace(slow, nodes=("n1", "n2", "n3"))
    found = Proofs(state, read).of(state.defects[0])
    assert found is not None and found.node == "n1"
    state.cases["link.rate", "n1"] = replace(slow, nodes=("n1", "n2", "n3"), evidence=tuple(pieces[1:]))
    assert Proofs(state, read).of(state.defects[0]) is None
