"""What mpiexec.hydra and its proxies say: real words of MPICH 3.4.3, 4.0.2, 4.3.2 and 5.0.2, and such as nobody should say."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.model import Node
from bringup.parsers import hydra
from bringup.parsers.hydra import BadEnd, Launch
from bringup.parsers.mpirun import NoProgram
from bringup.transport.bundle import Bundle

_BEGIN = "/usr/bin/hydra_pmi_proxy --control-port 192.0.2.1:18700 --rmk user --launcher manual --demux poll --pgid 0"
WAITS = {
    "4.0.2": f"{_BEGIN} --retries 10 --usize -2 --pmi-port 0 --gpus-per-proc -2 --proxy-id ",
    "5.0.2": f"{_BEGIN} --retries 10 --usize -1 --pmi-port 0 --gpus-per-proc -2 --gpu-subdevs-per-proc -2 --proxy-id ",
    "4.0.2 with HYDRA_IFACE": _BEGIN.replace("--pgid", "--iface eth0 --pgid")
    + " --retries 10 --usize -2 --pmi-port 0 --gpus-per-proc -2 --proxy-id ",
}
BOX = """\

===================================================================================
=   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES
=   PID 13337 RUNNING AT 192.0.2.2
=   EXIT CODE: 9
=   CLEANING UP REMAINING PROCESSES
=   YOU CAN IGNORE THE BELOW CLEANUP MESSAGES
===================================================================================
"""
KILLED = f"""{BOX}YOUR APPLICATION TERMINATED WITH THE EXIT STRING: Killed (signal 9)
This typically refers to a problem with your application.
Please see the FAQ page for debugging suggestions
"""
NO_INTERFACE = """\
[mpiexec@gpu-001] HYDU_sock_get_iface_ip (utils/sock/sock.c:451): unable to find interface eth7
[mpiexec@gpu-001] HYDU_sock_create_and_listen_portstr (utils/sock/sock.c:496): unable to get network interface IP
"""
NO_MANUAL = """\
[mpiexec@a] HYD_bstrap_setup (../../src/pm/i_hydra/libhydra/bstrap/src/intel/i_hydra_bstrap.c:993): unrecognized launcher manual
[mpiexec@gpu-001] Error setting up the bootstrap proxies
"""
NO_PROGRAM = """\
[proxy:0:1@gpu-002] HYDU_create_process (utils/launch/launch.c:73): execvp error on file /opt/none (No such file or directory)
"""
REFUSED = """\
[proxy:0:1@b] HYDU_sock_connect (utils/sock/sock.c:141): unable to connect from "b" to "192.0.2.1" (Connection refused)
[proxy:0:1@gpu-002] main (pm/pmiserv/pmip.c:149): unable to connect to server 192.0.2.1 at port 18700 (check for firewalls!)
"""
NO_NAME = """\
[proxy:0:1@gpu-002] HYDU_sock_connect (utils/sock/sock.c:111): unable to get host address for gpu-001.example
"""


def waits(line: str, count: int = 2, *, end: bool = True) -> str:
    lines = "".join(f"HYDRA_LAUNCH: {line}{n} \n" for n in range(count))
    return lines + "HYDRA_LAUNCH_END\n" * end


@pytest.mark.parametrize("line", WAITS.values(), ids=WAITS)
def test_what_it_waits_for(line: str) -> None:
    both = (Launch("192.0.2.1", 18700, 0), Launch("192.0.2.1", 18700, 1))
    assert hydra.parse(waits(line) + "# nThread 1\n") == both
    assert hydra.parse(waits(line, end=False)) == (), "it did not come so far"
    assert hydra.without_lines(waits(line) + "# nThread 1\n") == "# nThread 1\n"


HOSTILE = [
    "/bin/sh -c reboot",
    "/usr/bin/hydra_pmi_proxy; reboot",
    "/usr/bin/hydra_pmi_proxy $(reboot)",
    "/usr/bin/hydra_pmi_proxy --control-port 192.0.2.1:1;reboot --proxy-id 0",
    "/usr/bin/hydra_pmi_proxy --control-port `reboot`:1 --proxy-id 0",
    "/usr/bin/hydra_pmi_proxy --control-port 192.0.2.1:99999 --proxy-id 0",
    "/usr/bin/hydra_pmi_proxy --control-port 192.0.2.1:0 --proxy-id 0",
    "/usr/bin/hydra_pmi_proxy --control-port 192.0.2.1:1 --control-port 192.0.2.9:1 --proxy-id 0",
    "/usr/bin/hydra_pmi_proxy --control-port 192.0.2.1:1",
    "/usr/bin/hydra_pmi_proxy --control-port 192.0.2.1:1 --proxy-id 0 --launcher-exec /tmp/evil",
    "/usr/bin/hydra_pmi_proxy --control-port 192.0.2.1:1 --proxy-id 0 --launcher manual;x",
    "/usr/bin/hydra_pmi_proxy --control-port 192.0.2.1:1 --proxy-id \N{ARABIC-INDIC DIGIT ONE}",
    "/usr/bin/hydra_pmi_proxy --proxy-id 0",
    "",
]


@pytest.mark.parametrize("line", HOSTILE)
def test_a_line_with_anything_unknown_is_refused(line: str) -> None:
    with pytest.raises(ParseError, match=r"mpiexec\.hydra: "):
        hydra.parse(f"HYDRA_LAUNCH: {line}\nHYDRA_LAUNCH_END\n")


def test_words_of_its_own() -> None:
    assert hydra.complaint(NO_INTERFACE) == "unable to find interface eth7"
    assert hydra.complaint(NO_MANUAL) == "unrecognized launcher manual"
    assert hydra.complaint(REFUSED) == ""
    assert hydra.no_program(NO_PROGRAM) == (1, NoProgram("", "/opt/none"))
    assert hydra.no_program(NO_PROGRAM.replace("proxy:0:1", "proxy:1")) == (1, NoProgram("", "/opt/none"))
    assert hydra.no_program(REFUSED) is None
    assert hydra.unreached(REFUSED) == "Connection refused"
    assert hydra.unreached(NO_NAME) == "unable to get host address for gpu-001.example"
    late = "no connection to 192.0.2.1:18700 within 30 s"
    assert hydra.unreached(f"bringup: {late}\nKilled\n") == late
    assert hydra.unreached(NO_PROGRAM) == ""
    assert hydra.lacking("bringup: 1 of 2 proxies came within 45 s\n") == "1 of 2 proxies came within 45 s"
    assert hydra.lacking("bringup: 1 of 2 proxies are left\nKilled\n") == "1 of 2 proxies are left"
    assert hydra.lacking(REFUSED) == ""
    assert hydra.bad_end(KILLED) == BadEnd("192.0.2.2", "killed: Killed (signal 9)")
    assert hydra.bad_end(BOX) == BadEnd("192.0.2.2", "ended with status 9")
    assert hydra.bad_end(REFUSED) is None


_LINES = st.lists(
    st.one_of(
        st.text(),
        st.sampled_from([*HOSTILE, *WAITS.values()]).map(lambda line: f"HYDRA_LAUNCH: {line}"),
        st.sampled_from(
            [*KILLED.splitlines(), *REFUSED.splitlines(), NO_PROGRAM.strip(), "HYDRA_LAUNCH_END"]
        ),
    )
).map("\n".join)


@given(_LINES)
def test_any_text(text: str) -> None:
    try:
        rows = hydra.parse(text)
    except ParseError:
        rows = ()
    assert all(0 < row.port < 1 << 16 and row.proxy >= 0 for row in rows)
    assert isinstance(hydra.complaint(text) + hydra.unreached(text), str)
    hydra.no_program(text)
    hydra.bad_end(text)
    hydra.lacking(text)
    hydra.without_lines(text)


def commands(mpiexec: str = "mpiexec.hydra", hosts: tuple[str, ...] = ("192.0.2.1", "192.0.2.2", "gpu-003")):  # type: ignore[no-untyped-def]
    return hydra.job(
        mpiexec, hosts, 8, 18700, ("NCCL_IB_HCA==mlx5_0,mlx5_3",), ("all_reduce_perf", "-b", "8G"),
        timeout_s=300, max_bytes=1 << 20, estimate_s=1,
    )  # fmt: skip


def test_the_commands() -> None:
    first, *others = commands()
    assert (first.listens, first.needs) == (18700, ("mpiexec.hydra", "hydra_pmi_proxy", "all_reduce_perf"))
    assert [c.needs for c in others] == [("hydra_pmi_proxy", "all_reduce_perf")] * 2
    assert (
        "-ppn 8 -n 24 -wdir / -genvnone -genv NCCL_IB_HCA =mlx5_0,mlx5_3 all_reduce_perf -b 8G &"
        in first.script
    )
    assert [("proxy 1 &" in c.script, "proxy 2 &" in c.script) for c in others] == [
        (True, False),
        (False, True),
    ]
    assert all("--control-port 192.0.2.1:18700 " in c.script for c in (first, *others))
    assert all(c.timeout_s > first.timeout_s for c in others), "the first tells what hangs"
    (first, *others) = commands("/opt/mpich/bin/mpiexec.hydra")
    assert all("/opt/mpich/bin/hydra_pmi_proxy" in c.needs for c in (first, *others))


def test_what_the_inventory_says_reaches_the_shell_only_as_data() -> None:
    evil = "a'; reboot; '$(reboot)"
    for command in commands(hosts=(evil, evil)):
        assert evil not in command.script and shlex.quote(evil)[1:-1] in command.script
        Bundle(Node("any"), (command,)).script()


def test_where_the_words_about_the_end_begin_and_whether_it_was_told_to_end() -> None:
    for box, by_term in (
        (KILLED, False),
        (BOX, False),
        (KILLED.replace("Killed (signal 9)", "Terminated (signal 15)"), True),
    ):
        found = hydra.bad_end(f"of the ranks\n{box}")
        assert found is not None
        assert (f"of the ranks\n{box}"[: found.at].split(), found.by_term) == (
            ["of", "the", "ranks"],
            by_term,
        )
