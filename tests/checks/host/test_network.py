"""host.endpoints and host.interfaces: servers and networks around the fabric, where the profile names them."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bringup.commands import Ended
from bringup.errors import NoLimit, NotApplicable
from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers import endpoints, interfaces, lldp

SHELLS = [s for s in ("dash", "bash", "busybox") if shutil.which(s)]
NAMED = ("store:2049", "[fd00::1]:6817")


@pytest.fixture
def reach(load_check, node, make_context, make_outputs):
    def run(text: object, named: object = NAMED):
        check = load_check("host/endpoints.py")
        ctx = make_context(facts={"network.endpoints": list(named) if isinstance(named, tuple) else named})
        check.plan(node, ctx)
        return judged(check, node, make_outputs({endpoints.reach(NAMED): text}), ctx)

    return run


def test_all_servers_answer(reach, values) -> None:
    outcome = reach("means=nc\nanswer 0 store:2049 \nanswer 0 fd00::1:6817 \nend\n")
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert values(outcome) == [
        ("server store:2049", "gpu-001", "connected", True),
        ("server [fd00::1]:6817", "gpu-001", "connected", True),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("answer 1 store:2049 store: line 1: /dev/tcp/store/2049: Connection refused", "Connection refused"),
        ("answer 1 store:2049 ", "no connection"),
        ("silent store:2049", "no answer within 5 s"),
    ],
)
def test_a_server_that_is_not_reached(reach, line, said) -> None:
    outcome = reach(f"means=bash\n{line}\nanswer 0 fd00::1:6817 \nend\n")
    assert outcome.verdict is Verdict.FAIL
    assert [m.value for m in outcome.measurements] == [said, "connected"]


def test_a_node_that_can_connect_with_nothing(reach) -> None:
    assert reach("means=none\nend\n").code == "TOOL-MISSING"


@pytest.mark.parametrize("text", ["", "means=nc\nend\n", "means=nc\nanswer 0 store:2049 \n", "x\ny\nend\n"])
def test_servers_cut_off_or_unknown(reach, text) -> None:
    assert reach(text).code == "OUTPUT-UNKNOWN"


def test_hanging(reach, answer) -> None:
    assert reach(answer(ended=Ended.TIMEOUT)).code == "COMMAND-HANGS"


def test_a_profile_without_servers_or_with_nonsense(reach) -> None:
    with pytest.raises(NotApplicable):
        reach("", None)
    for wrong in ("store", "store:0", "store:99999", "a b:1", "$(reboot):1", "-x:1"):
        with pytest.raises(NoLimit, match="no host:port"):
            reach("", (wrong,))
        with pytest.raises(ValueError, match="no host:port"):
            endpoints.reach((wrong,))


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("means", ["nc", "bash", "python3"])
def test_the_command_on_a_machine(tmp_path: Path, shell: str, means: str) -> None:
    """One server listens, one does not; with each of the programs that a node may have."""
    tools, scratch = tmp_path / "bin", tmp_path / "tmp"
    tools.mkdir()
    scratch.mkdir()
    for name in ("sleep", "cat", "tail", "tr", "cut", "sh", *(["bash"] if means == "bash" else [])):
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"{name} is not installed")
        (tools / name).symlink_to(Path(found).resolve())
    own = {
        "nc": "#!/bin/sh\n[ $1 = -h ] && { echo '-z zero'; exit 1; }\n[ $4 = localhost ]\n",
        "python3": f'#!/bin/sh\nexec {sys.executable} "$@"\n',
    }
    if means in own:
        (tools / means).write_text(own[means])
        (tools / means).chmod(0o755)
    if means == "python3":  # an nc that cannot only connect is of no use
        (tools / "nc").write_text("#!/bin/sh\necho 'usage: nc [-l] [-p PORT] HOST'; exit 1\n")
        (tools / "nc").chmod(0o755)
    argv = [shutil.which(shell) or shell, *(["sh"] if shell == "busybox" else [])]
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        named = (f"localhost:{server.getsockname()[1]}", f"127.0.0.1:{closed.getsockname()[1]}")
        done = subprocess.run(
            [*argv, "-u"],
            input=endpoints.reach(named).script,
            env={"TMP": str(scratch), "PATH": str(tools)},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    seen = endpoints.parse(done.stdout, named)
    assert seen.means == means
    assert [bool(said) for said in seen.answers.values()] == [False, True]


# ------------------------------------------------------------------------------------------------ interfaces

GOOD = "bond0 up 9000 200000\neno1 up 1500 25000\nlo unknown 65536 -\nend\n"  # as INTERFACES prints it
HEARD = """{"lldp": [{"interface": [{"name": "bond0",
 "chassis": [{"id": [{"type": "mac", "value": "de:69:ec:60:7d:3d"}], "name": [{"value": "leaf-1"}]}],
 "port": [{"id": [{"type": "ifname", "value": "swp2"}]}]}]}]}"""  # what lldpcli -f json0 of 1.0.16 holds, cut down


@pytest.fixture
def look(load_check, node, make_context, make_outputs, answer):
    def run(text: object, *named: str, heard: object = None):
        check = load_check("host/interfaces.py")
        ctx = make_context(facts={"network.interfaces": list(named)} if named else {})
        check.plan(node, ctx)
        silent = answer(ended=Ended.MISSING, detail="lldpcli")
        answers = {interfaces.INTERFACES: text, lldp.NEIGHBOURS: silent if heard is None else heard}
        return judged(check, node, make_outputs(answers), ctx)

    return run


def test_interfaces_as_planned(look, values) -> None:
    outcome = look(GOOD, "bond0 mtu 9000 speed 200000", "eno1")
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert values(outcome) == [
        ("interface bond0", "gpu-001", "up", True),
        ("MTU of bond0", "gpu-001", 9000, True),
        ("speed of bond0", "gpu-001", 200000, True),
        ("interface eno1", "gpu-001", "up", True),
    ]


@pytest.mark.parametrize(
    ("old", "new", "code", "value"),
    [
        ("bond0 up 9000", "bond0 up 1500", "INTERFACE-MTU", 1500),
        ("9000 200000", "9000 100000", "INTERFACE-SPEED", 100000),
        ("bond0 up", "bond0 down", "INTERFACE-DOWN", "down"),
        ("bond0 up 9000 200000\n", "", "INTERFACE-DOWN", "missing"),
    ],
)
def test_an_interface_that_is_not(look, old, new, code, value) -> None:
    outcome = look(GOOD.replace(old, new), "bond0 mtu 9000 speed 200000")
    assert outcome.verdict is Verdict.FAIL
    assert [(m.code, m.value) for m in outcome.measurements if not m.ok] == [(code, value)]


def test_a_wrong_interface_is_told_with_its_switch_port(look, values) -> None:
    outcome = look(GOOD.replace("bond0 up 9000", "bond0 up 1500"), "bond0 mtu 9000", "eno1", heard=HEARD)
    assert values(outcome) == [
        ("interface bond0", "gpu-001", "up", True),
        ("MTU of bond0, which hears leaf-1 port swp2", "gpu-001", 1500, False),
        ("interface eno1", "gpu-001", "up", True),
    ]


@pytest.mark.parametrize(
    "heard", ["", "{}", HEARD[:-3], HEARD.replace('"name": [{"value": "leaf-1"}]', '"x": 1')]
)
def test_neighbours_that_say_nothing_change_nothing(look, values, heard) -> None:
    outcome = look(GOOD.replace("bond0 up 9000", "bond0 up 1500"), "bond0 mtu 9000", heard=heard)
    assert values(outcome) == [
        ("interface bond0", "gpu-001", "up", True),
        ("MTU of bond0", "gpu-001", 1500, False),
    ]


def test_a_speed_that_is_not_told_is_no_pass(look) -> None:
    outcome = look(GOOD.replace("200000", "-1"), "bond0 speed 200000")
    assert (outcome.verdict, outcome.reason) == (
        Verdict.ERROR,
        "the kernel does not tell the speed of bond0",
    )


@pytest.mark.parametrize("text", ["", GOOD[:-4], "bond0\nend\n"])
def test_interfaces_cut_off_or_unknown(look, text) -> None:
    assert look(text, "bond0").code == "OUTPUT-UNKNOWN"


def test_a_profile_without_interfaces_or_with_nonsense(look) -> None:
    with pytest.raises(NotApplicable):
        look(GOOD)
    for wrong in ("bond0 9000", "bond0 mtu many", "a b c"):
        with pytest.raises(NoLimit, match="is not NAME"):
            look(GOOD, wrong)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_interfaces_of_a_machine(tmp_path: Path, shell: str) -> None:
    for name, speed in (("eno1", "25000"), ("lo", None)):
        folder = tmp_path / "sys/class/net" / name
        folder.mkdir(parents=True)
        (folder / "operstate").write_text("up\n")
        (folder / "mtu").write_text("1500\n")
        if speed:
            (folder / "speed").write_text(f"{speed}\n")
    argv = [shutil.which(shell) or shell, *(["sh"] if shell == "busybox" else [])]
    done = subprocess.run(
        [*argv, "-u"], input=interfaces.INTERFACES.script, env={"ROOT": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert interfaces.parse(done.stdout) == {
        "eno1": interfaces.Interface("up", 1500, 25000),
        "lo": interfaces.Interface("up", 1500, None),
    }
