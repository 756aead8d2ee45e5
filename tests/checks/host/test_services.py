"""host.services: watched ones must not have failed, required ones must run."""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.errors import NoLimit, NotApplicable
from bringup.judging import judged
from bringup.model import Verdict, Why
from bringup.parsers.systemd import several

FACTS: dict[str, object] = {
    "tools.required": ["systemctl"],
    "services.required": ["slurmd"],
    "services.watched": ["nvidia-persistenced", "sshd", "ssh"],
}
ASKED = several(("slurmd", "nvidia-persistenced", "sshd", "ssh"))


def block(id_: str, active: str = "active", load: str = "loaded") -> str:
    return f"Id={id_}.service\nLoadState={load}\nActiveState={active}\nSubState=x\nResult=success\n"


# invented, as systemctl prints several units
GOOD = (block("slurmd"), block("nvidia-persistenced", "inactive"), block("ssh"), block("ssh"))


@pytest.fixture
def judge(load_check, node, make_context, make_outputs):
    def run(text: object, facts=FACTS, command=ASKED):
        out = make_outputs({command: text})
        return judged(load_check("host/services.py"), node, out, make_context(facts=facts))

    return run


def test_all_is_well(judge, values) -> None:
    outcome = judge("\n".join(GOOD))
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert values(outcome) == [
        ("service slurmd", "gpu-001", "active", True),
        ("service nvidia-persistenced", "gpu-001", "inactive", True),
        ("service sshd", "gpu-001", "active", True),
    ]


@pytest.mark.parametrize(
    ("place", "text", "name", "state"),
    [
        (1, block("nvidia-persistenced", "failed"), "service nvidia-persistenced", "failed"),
        (0, block("slurmd", "inactive"), "service slurmd", "inactive"),
        (0, block("slurmd", "inactive", "not-found"), "service slurmd", "not-found"),
    ],
)
def test_a_service_that_does_not_run(judge, place, text, name, state) -> None:
    outcome = judge("\n".join([*GOOD[:place], text, *GOOD[place + 1 :]]))
    assert outcome.verdict is Verdict.FAIL
    assert [(m.name, m.value) for m in outcome.measurements if not m.ok] == [(name, state)]


def test_a_watched_service_may_be_absent(judge) -> None:
    absent = block("nvidia-persistenced", "inactive", "not-found")
    outcome = judge("\n".join([GOOD[0], absent, *GOOD[2:]]))
    assert (outcome.verdict, len(outcome.measurements)) == (Verdict.PASS, 2)


def test_none_of_the_watched_is_installed(judge) -> None:
    facts = {"tools.required": [], "services.watched": ["munge"]}
    outcome = judge(block("munge", "inactive", "not-found"), facts, several(("munge",)))
    assert (outcome.verdict, outcome.why) == (Verdict.NOT_RUN, Why.NOT_APPLICABLE)


@pytest.mark.parametrize("text", ["", "\n".join(GOOD[:3]), "\n".join(GOOD).replace("LoadState", "X")])
def test_cut_off(judge, text) -> None:
    assert judge(text).code == "OUTPUT-UNKNOWN"


def test_without_systemd(judge, answer) -> None:
    said = "System has not been booted with systemd as init system (PID 1). Can't operate.\n"
    outcome = judge(answer("", status=1, stderr=said))
    assert (outcome.verdict, outcome.reason.split(",")[0]) == (Verdict.ERROR, "systemd does not run here")
    watched = {"tools.required": [], "services.watched": ["munge"]}
    other = judge(answer("", status=1, stderr=said), watched, several(("munge",)))
    assert (other.verdict, other.why) == (Verdict.NOT_RUN, Why.NOT_APPLICABLE)


def test_without_systemctl(judge, answer) -> None:
    missing = answer(ended=Ended.MISSING, detail="systemctl")
    assert judge(missing).code == "TOOL-MISSING"
    assert judge(missing, {**FACTS, "tools.required": []}).why is Why.NOT_APPLICABLE


def test_a_profile_without_services_or_with_nonsense(load_check, node, make_context) -> None:
    check = load_check("host/services.py")
    with pytest.raises(NotApplicable):
        check.plan(node, make_context(facts={"tools.required": []}))
    for value in ("slurmd", ["a b"], [1], ["$(reboot)"]):
        with pytest.raises(NoLimit, match="systemd unit"):
            check.plan(node, make_context(facts={"services.required": value}))
