"""host.leftovers and host.ipc: files, huge pages and shared memory that programs of tenants left."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.records import replace

from bringup.check import Outputs
from bringup.commands import Ended
from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.leftovers import FILES, MEMORY, File, parse_files, parse_memory

SHELLS = [s for s in ("dash", "bash", "busybox") if shutil.which(s)]
LIMITS = {
    "host.leftovers": ("<=", 0, "files"),
    "host.hugepages.used": ("<=", 0, "pages"),
    "host.ipc.orphans": ("<=", 0, "segments"),
}
HUGE = "HugePages_Total:    4096\nHugePages_Free:     {free}\nHugePages_Rsvd:        0\n"
MEMORY_GOOD = HUGE.format(free=4096) + "segments=read\nend\n"  # as MEMORY prints it


@pytest.fixture
def judge(load_check, node, make_context, make_outputs):
    def run(file: str, command, text: object, *, as_root: bool = True):
        made = make_outputs({command: text})
        rooted = Outputs({(o.node, o.command): replace(o, as_root=as_root) for o in made})
        return judged(load_check(f"host/{file}.py"), node, rooted, make_context(LIMITS))

    return run


def test_nothing_left(judge, values) -> None:
    outcome = judge("leftovers", FILES, "total 0 0\nend\n")
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert values(outcome) == [("files left", "gpu-001", 0, True)]


def test_files_are_counted_and_the_first_are_named(judge) -> None:
    rows = "".join(f"file 1001 1048576 /dev/shm/nccl-{n}\n" for n in range(7))
    outcome = judge("leftovers", FILES, f"folder 1002 0 /tmp/job\n{rows}total 8 7340032\nend\n")
    assert (outcome.verdict, outcome.measurements[0].value) == (Verdict.FAIL, 8)
    said = [f.message for f in outcome.findings]
    assert said[:2] == ["/tmp/job (user 1002, folder)", "/dev/shm/nccl-0 (user 1001, 1.0 MiB)"]
    assert said[-1] == "8 in all; the files alone are 0.01 GiB"


def test_without_root_nothing_is_proven_clean(judge) -> None:
    assert judge("leftovers", FILES, "total 0 0\nend\n", as_root=False).verdict is Verdict.ERROR


@pytest.mark.parametrize(
    "text", ["", "total 0 0\n", "end\n", "file 1 2 /a\ntotal 0 0\nend\n", "x\nend\n", "file a 2 /a\nend\n"]
)
def test_files_cut_off_or_unknown(judge, text) -> None:
    assert judge("leftovers", FILES, text).code == "OUTPUT-UNKNOWN"


def test_memory_at_rest(judge, values) -> None:
    outcome = judge("ipc", MEMORY, MEMORY_GOOD)
    assert outcome.verdict is Verdict.PASS
    assert values(outcome) == [
        ("huge pages", "gpu-001", 0, True),
        ("unused segments", "gpu-001", 0, True),
    ]


@pytest.mark.parametrize(
    ("text", "name", "code"),
    [
        (MEMORY_GOOD.replace("Free:     4096", "Free:     1024"), "huge pages", "HUGEPAGES-LEFT"),
        (MEMORY_GOOD.replace("end", "segment 7 1048576 1000\nend"), "unused segments", "SHARED-MEMORY-LEFT"),
    ],
)
def test_memory_that_is_left(judge, text, name, code) -> None:
    outcome = judge("ipc", MEMORY, text)
    assert outcome.verdict is Verdict.FAIL
    assert [(m.name, m.code) for m in outcome.measurements if not m.ok] == [(name, code)]


def test_a_kernel_that_does_not_tell(judge, values) -> None:
    outcome = judge("ipc", MEMORY, "segments=read\nend\n")
    assert (outcome.verdict, len(values(outcome))) == (Verdict.PASS, 1)
    assert judge("ipc", MEMORY, HUGE.format(free=4096) + "end\n").verdict is Verdict.ERROR


@pytest.mark.parametrize("text", ["", "segments=read\n", "nonsense\nend\n", "segment 1 2\nend\n"])
def test_memory_cut_off_or_unknown(judge, text) -> None:
    assert judge("ipc", MEMORY, text).code == "OUTPUT-UNKNOWN"


@pytest.mark.parametrize(("file", "command"), [("leftovers", FILES), ("ipc", MEMORY)])
def test_hanging(judge, answer, file, command) -> None:
    assert judge(file, command, answer(ended=Ended.TIMEOUT)).code == "COMMAND-HANGS"


def sh(shell: str, script: str, root: Path, **more: str) -> str:
    argv = [shutil.which(shell) or shell, *(["sh"] if shell == "busybox" else [])]
    done = subprocess.run(
        [*argv, "-u"],
        input=script,
        env={"ROOT": str(root), "PATH": "/usr/bin:/bin", "LC_ALL": "C", **more},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_the_commands_on_a_machine(tmp_path: Path, shell: str) -> None:
    for folder in ("dev/shm", "tmp/mine", "proc/sysvipc"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "dev/shm/nccl-Ab 1").write_text("x" * 10)
    (tmp_path / "dev/shm/empty").write_text("")
    (tmp_path / "dev/shm/bringup.123").write_text("own")
    (tmp_path / "tmp/own").write_text("x")
    (tmp_path / "proc/meminfo").write_text("MemTotal: 1 kB\n" + HUGE.format(free=96))
    (tmp_path / "proc/sysvipc/shm").write_text(
        "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid\n"
        "     32768      32775   600            1073741824 48213 48214      0  1000  1000  1000  1000\n"
        "     32769      32776   600                  4096 48213 48214      2  1000  1000  1000  1000\n"
    )
    me = os.getuid()
    seen = parse_files(sh(shell, FILES.script, tmp_path, SUDO_UID=str(me)))
    assert (seen.named, seen.total) == ((File(me, 10, "/dev/shm/nccl-Ab 1"),), 1)
    memory = parse_memory(sh(shell, MEMORY.script, tmp_path))
    assert memory.segments is not None
    assert (memory.huge_pages, [(s.id, s.size_bytes, s.uid) for s in memory.segments]) == (
        4000,
        [(32775, 1 << 30, 1000)],
    )
