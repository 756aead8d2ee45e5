"""host.ssh-keys: fingerprints only, approved ones where the profile names them, and no pass without root."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from support.records import replace

from bringup.check import Outputs
from bringup.commands import Ended, Output
from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.login_keys import KEYS, MOST, parse

A, B = f"SHA256:{'a' * 43}", f"SHA256:{'b' * 43}"
TEXT = (
    f"file root 2 /root/.ssh/authorized_keys\nkey root {A} (ED25519)\nkey root {B} (RSA)\nend\n"  # invented
)


@pytest.fixture
def judge(load_check, node, make_context, make_outputs):
    def run(text: object, approved: tuple[str, ...] = (), *, as_root: bool = True):
        made = make_outputs({KEYS: text})
        rooted: dict[tuple[str, object], Output] = {}
        for out in made:
            rooted[out.node, out.command] = replace(out, as_root=as_root)
        ctx = make_context(facts={"access.keys": list(approved)} if approved else {})
        return judged(load_check("host/ssh_keys.py"), node, Outputs(rooted), ctx)

    return run


def test_without_a_wish_the_keys_are_a_reading(judge, values) -> None:
    outcome = judge(TEXT)
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert values(outcome) == [("login keys", "gpu-001", f"root:{A} root:{B}", True)]


def test_a_key_that_nobody_has_approved(judge, found) -> None:
    outcome = judge(TEXT, (A,))
    assert outcome.verdict is Verdict.FAIL
    assert found(outcome) == [("fail", "SSH-KEY-FOREIGN", "gpu-001")]
    assert outcome.findings[0].message == f"RSA key {B} may log in as root"
    assert judge(TEXT, (A, B)).verdict is Verdict.PASS


def test_only_root_sees_them_all(judge) -> None:
    outcome = judge(TEXT, as_root=False)
    assert (outcome.verdict, outcome.reason) == (Verdict.ERROR, "only root may read the keys of all users")


def test_a_line_without_fingerprint_is_no_pass(judge) -> None:
    outcome = judge(TEXT.replace("file root 2", "file root 3"), (A, B))
    assert outcome.verdict is Verdict.ERROR


def test_without_the_tool(judge) -> None:
    assert judge("tool=none\nfile root 2 /root/.ssh/authorized_keys\nend\n").code == "TOOL-MISSING"
    assert judge("tool=none\nend\n").verdict is Verdict.PASS


@pytest.mark.parametrize("text", ["", TEXT[:-4], "key root nonsense (RSA)\nend\n", "ssh-rsa AAAA\nend\n"])
def test_cut_off_or_unknown(judge, text) -> None:
    assert judge(text).code == "OUTPUT-UNKNOWN"


def test_hanging(judge, answer) -> None:
    assert judge(answer(ended=Ended.TIMEOUT)).code == "COMMAND-HANGS"


def test_many_keys_are_one_number() -> None:
    rows = "".join(f"key root SHA256:{n:043d} (RSA)\n" for n in range(MOST + 1))
    word = parse(f"file root {MOST + 1} /f\n{rows}end\n").word
    assert word.startswith(f"{MOST + 1} keys, ") and len(word) < 30
    assert parse("end\n").word == "none"


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
def test_the_command_on_a_machine(tmp_path: Path) -> None:
    """A real key of one user, a file without keys of another: fingerprints are told, keys never."""
    root, scratch = tmp_path / "root", tmp_path / "tmp"
    for folder in (root / "etc", root / "root/.ssh", root / "home/a/.ssh", scratch):
        folder.mkdir(parents=True)
    (root / "etc/passwd").write_text(
        "root:x:0:0::/root:/bin/sh\na:x:1000:1000::/home/a:/bin/sh\nb:x:1:1::/nonexistent:/x\n"
    )
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "some one", "-f", str(tmp_path / "key")],
        check=True,
    )
    public = (tmp_path / "key.pub").read_text()
    (root / "root/.ssh/authorized_keys").write_text(f'# mine\n\nfrom="10.0.0.*" {public}')
    (root / "home/a/.ssh/authorized_keys").write_text("# nobody\n")
    done = subprocess.run(
        ["/bin/sh", "-u"],
        input=KEYS.script,
        env={"ROOT": str(root), "TMP": str(scratch), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert public.split()[1] not in done.stdout
    seen = parse(done.stdout)
    assert [(key.user, key.kind) for key in seen.keys] == [("root", "ED25519")]
    assert (seen.lines, seen.unread, seen.tool) == (1, 0, True)
