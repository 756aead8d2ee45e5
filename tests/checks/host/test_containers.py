"""host.containers: what docker, podman, crictl and enroot keep, and what may stay."""

from __future__ import annotations

import json

import pytest

from bringup.commands import Ended
from bringup.judging import judged
from bringup.model import Verdict, Why
from bringup.parsers.containers import CONTAINERS

FACTS = {
    "tenant.containers.allowed": ["dcgm-exporter"],
    "tenant.namespaces.allowed": ["kube-system"],
}
# invented, as the programs print it
EXPORTER = "5f1c2a9d7e30|Up 9 days|nvcr.io/nvidia/k8s/dcgm-exporter:4.2.3|dcgm-exporter\n"
TRAIN = "8c1d77aa0b42|Exited (137) 3 days ago|registry.example.com/train:1|job-4711\n"


def answered(runtime: str, text: str = "", status: int = 0, said: str = "") -> str:
    return f"== {runtime}\n{text}== status {status} {said}\n"


def pods(*rows: tuple[str, str]) -> str:
    """As `crictl ps -a -o json` prints it, with what the check reads."""
    listed = [
        {
            "id": f"{n:064x}",
            "podSandboxId": "x",
            "metadata": {"name": name, "attempt": 0},
            "image": {"image": "sha256:abc", "annotations": {}},
            "state": "CONTAINER_RUNNING",
            "createdAt": "1",
            "labels": {"io.kubernetes.pod.namespace": namespace},
        }
        for n, (name, namespace) in enumerate(rows, 1)
    ]
    return json.dumps({"containers": listed}, indent=2) + "\n"


@pytest.fixture
def judge(load_check, node, make_context, make_outputs):
    def run(text: object, facts=FACTS):
        check = load_check("host/containers.py")
        return judged(check, node, make_outputs({CONTAINERS: text}), make_context(facts=facts))

    return run


def test_what_belongs_to_the_site_may_stay(judge, values) -> None:
    text = answered("docker", EXPORTER) + answered("crictl", pods(("kube-proxy", "kube-system"))) + "== end\n"
    outcome = judge(text)
    assert (outcome.verdict, outcome.findings) == (Verdict.PASS, ())
    assert values(outcome) == [("containers left", "gpu-001", 0, True)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (answered("docker", EXPORTER + TRAIN), ("job-4711", "Exited (137)", "docker rm -f 8c1d77aa0b42")),
        (answered("podman", TRAIN), ("podman rm -f 8c1d77aa0b42",)),
        (answered("crictl", pods(("train", "team-a"))), ("train", "running", "crictl rm -f 000000000000")),
        (answered("enroot", "pytorch\n"), ("pytorch", "enroot remove -f pytorch")),
    ],
)
def test_what_a_tenant_left(judge, found, text, words) -> None:
    outcome = judge(text + "== end\n")
    assert outcome.verdict is Verdict.FAIL
    assert found(outcome) == [("fail", "CONTAINER-LEFT", "gpu-001")]
    assert all(word in outcome.findings[0].message for word in words)


def test_a_pod_that_docker_shows_belongs_to_its_namespace(judge) -> None:
    row = "aaaaaaaaaaaa|Up|img|k8s_{}_pod-1_{}_1234_0\n"
    assert judge(answered("docker", row.format("x", "kube-system")) + "== end\n").verdict is Verdict.PASS
    assert judge(answered("docker", row.format("x", "team-a")) + "== end\n").verdict is Verdict.FAIL


def test_podman_that_calls_itself_docker_counts_once(judge) -> None:
    outcome = judge(answered("docker", TRAIN) + answered("podman", TRAIN) + "== end\n")
    assert outcome.measurements[0].value == 1


def test_many_are_named_in_part(judge) -> None:
    rows = "".join(TRAIN.replace("8c1d77aa0b42", f"{n:012x}") for n in range(1, 9))
    outcome = judge(answered("docker", rows) + "== end\n")
    assert (outcome.measurements[0].value, len(outcome.findings)) == (8, 6)
    assert outcome.findings[-1].message == "3 more"


def test_a_daemon_that_does_not_run_keeps_nothing_running(judge, found) -> None:
    said = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
    outcome = judge(answered("docker", status=1, said=said) + "== end\n")
    assert (outcome.verdict, found(outcome)) == (Verdict.PASS, [("note", "CONTAINER-LEFT", "gpu-001")])


def test_a_runtime_that_fails_is_not_judged(judge) -> None:
    outcome = judge(answered("docker", status=1, said="permission denied") + "== end\n")
    assert (outcome.verdict, outcome.reason) == (
        Verdict.ERROR,
        "not all containers are known: docker: permission denied",
    )


def test_without_any_runtime(judge) -> None:
    outcome = judge("== end\n")
    assert (outcome.verdict, outcome.why) == (Verdict.NOT_RUN, Why.NOT_APPLICABLE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "== docker\n" + EXPORTER,
        "== docker\n== end\n",
        answered("docker", "a|b\n") + "== end\n",
        answered("docker", "not an id|Up|image|name\n") + "== end\n",
        answered("crictl", "{}\n") + "== end\n",
        answered("crictl", "no json\n") + "== end\n",
        "stray\n== end\n",
    ],
)
def test_cut_off_or_unknown(judge, text) -> None:
    assert judge(text).code == "OUTPUT-UNKNOWN"


def test_hanging(judge, answer) -> None:
    assert judge(answer(ended=Ended.TIMEOUT)).code == "COMMAND-HANGS"
