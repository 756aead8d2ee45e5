"""Where tests run: the script in a container is the same script, whatever stands in image, options and variables."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from bringup.errors import ParseError
from bringup.parsers import inside
from bringup.parsers.inside import HERE, Place, Section

EVIL = "x'; touch /tmp/evil; echo '$(touch /tmp/evil)\n`touch /tmp/evil`"
SHELLS = [s for s in ("dash", "bash", "busybox") if shutil.which(s)]
FAKE = """#!/bin/sh
[ "$1" = rm ] && { echo "removed $3" >>"$LOG"; exit 0; }
for word in "$@"; do printf '%s\\n\\n' "$word" >>"$LOG"; done
while [ $# -gt 2 ]; do shift; done
exec sh "$@"
"""


def run(shell: str, script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    call = [shell, "sh", "-c", script] if shell == "busybox" else [shell, "-c", script]
    env = {"PATH": f"{folder}:/usr/bin:/bin", "LOG": str(folder / "log"), "TMP": str(folder)}
    return subprocess.run(call, capture_output=True, text=True, env=env, timeout=30, check=False)


@pytest.fixture
def runners(tmp_path: Path) -> Path:
    """Fake runners that note their words and run what they are given."""
    for name in inside.RUNNERS:
        (tmp_path / name).write_text(FAKE)
        (tmp_path / name).chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("runner", inside.RUNNERS)
def test_image_options_and_variables_reach_the_runner_as_they_are(
    shell: str, runner: str, runners: Path
) -> None:
    place = Place(runner, EVIL, (f"--label={EVIL}",), "nvidia")
    inner = inside.section("any", "printf '%s' \"it's $((40 + 2))\"; echo; false")
    ended = run(shell, place.script(inner, (("NAME", EVIL),)), runners)
    assert inside.parse(ended.stdout).parts == (Section("any", "it's 42", 1),), ended.stderr
    words = (runners / "log").read_text().split("\n\n")
    assert EVIL in words and f"--label={EVIL}" in words
    if runner in ("docker", "podman"):
        assert f"NAME={EVIL}" in words
        assert {"--pull", "never", "--rm", "--entrypoint"} <= set(words)
    assert not Path("/tmp/evil").exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_stopped_test_takes_its_container_along(shell: str, runners: Path) -> None:
    script = Place("docker", "image", (), "nvidia").script("sleep 60\n")
    call = [shell, "sh", "-c", script] if shell == "busybox" else [shell, "-c", script]
    env = {"PATH": f"{runners}:/usr/bin:/bin", "LOG": str(runners / "log")}
    with subprocess.Popen(call, env=env) as process:
        while "--name" not in ((runners / "log").read_text() if (runners / "log").exists() else ""):
            assert process.poll() is None
        process.terminate()
        assert process.wait(10) == 143
    assert f"removed bringup-{process.pid}" in (runners / "log").read_text()
    subprocess.run(
        ["sh", "-c", "kill $(ps -eo pid,args | awk '/[s]leep 60/{print $1}') 2>/dev/null; true"], check=True
    )


@pytest.mark.parametrize(
    ("place", "begins"),
    [
        (Place("apptainer", "a.sif", (), "nvidia"), "apptainer exec --nv  a.sif sh -c "),
        (
            Place("apptainer", "a.sif", ("--bind=/opt",), "amd"),
            "apptainer exec --rocm --bind=/opt a.sif sh -c ",
        ),
        (Place("enroot", "a", (), "nvidia"), "enroot start   a sh -c "),
    ],
)
def test_each_runner_gets_the_gpus_in_its_own_way(place: Place, begins: str) -> None:
    assert place.script("true\n").startswith(begins)
    assert "/dev/kfd" in Place("docker", "a", (), "amd").script("true\n")
    assert "--device nvidia.com/gpu=all" in Place("podman", "a", (), "nvidia").script("true\n")


def test_without_a_runner_the_script_stays_as_it_is() -> None:
    assert HERE.script("true\n") == "true\n"
    assert (HERE.needs, HERE.root) == ((), False)
    assert (Place("docker", "a").needs, Place("docker", "a").root) == (("docker",), True)
    assert not Place("apptainer", "a").root


@pytest.mark.parametrize("shell", SHELLS)
def test_a_missing_program_is_named_or_another_way_is_taken(shell: str, tmp_path: Path) -> None:
    named = run(shell, inside.lookup("no-such-program", "false"), tmp_path)
    assert inside.parse(named.stdout).missing == ("no-such-program",)
    there = run(shell, inside.lookup("cat", inside.section("a", "echo yes")), tmp_path)
    assert inside.parse(there.stdout).one("a") == Section("a", "yes", 0)
    other = inside.lookup("no-such-program", "false", otherwise=inside.section("b", "echo other"))
    assert inside.parse(run(shell, other, tmp_path).stdout).one("b") == Section("b", "other", 0)


def test_what_stands_outside_of_the_parts_is_left_out() -> None:
    text = "== PyTorch ==\n\n@bringup begin a\n1\n2\n@bringup end a 0\nbye\n@bringup begin a\n3\n"
    found = inside.parse(text)
    assert found.all("a") == (Section("a", "1\n2", 0), Section("a", "3", None))
    assert found.one("b") is None and found.missing == ()


@pytest.mark.parametrize(
    "line", ["@bringup", "@bringup end a 0", "@bringup end b x", "@bringup missing", "@bringup begin a b"]
)
def test_an_unknown_mark_is_no_part(line: str) -> None:
    with pytest.raises(ParseError, match="no part of a test's output"):
        inside.parse(f"@bringup begin b\n{line}\n")
