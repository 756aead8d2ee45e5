"""host.mounts: network file systems that are missing, that do not answer, and places of the plan."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from bringup.commands import Ended
from bringup.errors import NoLimit
from bringup.judging import judged
from bringup.model import Verdict, Why
from bringup.parsers import mounts

SHELLS = [s for s in ("dash", "bash", "busybox") if shutil.which(s)]
# invented, as the command prints it
HOME = "network /home 10.0.0.9:/export/home nfs4\n"
ROOT = "mounted / /dev/sda1 ext4\n"
GOOD = f"answer 0 /home \nfstab /home\n{HOME}{ROOT}count 1\nend\n"


@pytest.fixture
def judge(load_check, node, make_context, make_outputs):
    def run(text: object, planned: tuple[str, ...] = ()):
        check = load_check("host/mounts.py")
        ctx = make_context(facts={"storage.mounts": list(planned)} if planned else {})
        check.plan(node, ctx)
        return judged(check, node, make_outputs({mounts.ask(planned): text}), ctx)

    return run


def test_all_is_well(judge, values) -> None:
    outcome = judge(GOOD)
    assert (outcome.verdict, outcome.reason, outcome.findings) == (Verdict.PASS, "", ())
    assert values(outcome) == [
        ("mount /home", "gpu-001", "mounted", True),
        ("mount /home", "gpu-001", "answers", True),
    ]


def test_what_fstab_names_and_is_not_there(judge) -> None:
    outcome = judge(GOOD.replace(HOME, ""))
    assert outcome.verdict is Verdict.FAIL
    assert [(m.value, m.code) for m in outcome.measurements] == [("missing", "MOUNT-MISSING")]


def test_what_the_profile_names_and_is_not_there(judge) -> None:
    outcome = judge(
        f"answer 2 /data ls: cannot access\nanswer 0 /home \n{HOME}{ROOT}count 2\nend\n", ("/data",)
    )
    assert outcome.verdict is Verdict.FAIL
    assert [(m.name, m.value, m.ok) for m in outcome.measurements] == [
        ("mount /data", "missing", False),
        ("mount /home", "answers", True),
    ]


def test_a_place_of_the_profile_may_be_a_local_disk(judge, values) -> None:
    outcome = judge(f"answer 0 /data \nmounted /data /dev/sdb1 xfs\n{ROOT}count 1\nend\n", ("/data",))
    assert (outcome.verdict, len(values(outcome))) == (Verdict.PASS, 2)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("silent /home", "no answer within 10 s"),
        ("answer 2 /home ls: cannot access '/home/.': Stale file handle", "ls: cannot access '/home/.': Stale file handle"),
        ("answer 1 /home ", "status 1"),
    ],
)  # fmt: skip
def test_a_mount_that_does_not_answer(judge, line, said) -> None:
    outcome = judge(GOOD.replace("answer 0 /home ", line))
    assert outcome.verdict is Verdict.FAIL
    assert [(m.value, m.code) for m in outcome.measurements if not m.ok] == [(said, "MOUNT-STALE")]
    assert [f.message for f in outcome.findings] == ["/home is 10.0.0.9:/export/home (nfs4)"]


def test_too_many_to_ask_is_no_pass(judge) -> None:
    outcome = judge(GOOD.replace("count 1", "count 2").replace("end\n", "network /b s:/b nfs\nend\n"))
    assert (outcome.verdict, outcome.reason.split(":")[0]) == (
        Verdict.ERROR,
        "too many mounts to ask them all",
    )


def test_a_node_without_any(judge) -> None:
    outcome = judge(f"{ROOT}count 0\nend\n")
    assert (outcome.verdict, outcome.why) == (Verdict.NOT_RUN, Why.NOT_APPLICABLE)


@pytest.mark.parametrize("text", ["", GOOD[:-4], GOOD.replace("count 1\n", ""), "nonsense\nend\n"])
def test_cut_off_or_unknown(judge, text) -> None:
    assert judge(text).code == "OUTPUT-UNKNOWN"


def test_hanging_altogether(judge, answer) -> None:
    assert judge(answer(ended=Ended.TIMEOUT)).code == "COMMAND-HANGS"


@pytest.mark.parametrize("place", ["data", "/a b", "/$(reboot)", "/a\\040b"])
def test_a_place_never_reaches_the_shell_unchecked(judge, place) -> None:
    with pytest.raises(NoLimit, match="no absolute path"):
        judge(GOOD, (place,))
    with pytest.raises(ValueError, match="no place of a mount"):
        mounts.ask((place,))


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_on_a_machine(tmp_path: Path, shell: str) -> None:
    """One place answers, one is gone, one hangs: the command ends by itself and says which is which."""
    root, tools, scratch = tmp_path / "root", tmp_path / "bin", tmp_path / "tmp"
    for folder in (root / "proc", root / "etc", root / "good", root / "hung", tools, scratch):
        folder.mkdir(parents=True)
    (root / "proc/mounts").write_text(
        "/dev/sda1 / ext4 rw 0 0\ns:/good /good nfs rw 0 0\ns:/hung /hung nfs4 rw 0 0\ns:/gone /gone nfs rw 0 0\n"
    )
    (root / "etc/fstab").write_text("# x\ns:/good /good nfs rw 0 0\ns:/late /late nfs noauto 0 0\n")
    df = tools / "df"
    df.write_text("#!/bin/sh\ncase $* in *hung) sleep 5;; esac\necho ok\n")
    df.chmod(0o755)
    argv = [shutil.which(shell) or shell, *(["sh"] if shell == "busybox" else [])]
    script = mounts.ask(("/planned",)).script.replace(f"-lt {10 * mounts.DEADLINE_S} ]", "-lt 5 ]")
    done = subprocess.run(
        [*argv, "-u"],
        input=script,
        env={"ROOT": str(root), "TMP": str(scratch), "PATH": f"{tools}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = mounts.parse(done.stdout)
    assert [m.at for m in seen.network] == ["/good", "/hung", "/gone"]
    assert (seen.in_fstab, seen.unasked) == (("/good",), 0)
    assert {at: bool(said) for at, said in seen.answers.items()} == {
        "/gone": True,
        "/good": False,
        "/hung": True,
        "/planned": True,
    }
    assert seen.answers["/hung"] == "no answer within 10 s"
