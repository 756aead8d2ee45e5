"""known_hosts files: finding, refusing, learning."""

from __future__ import annotations

import base64
import hashlib
import hmac
import subprocess
import threading
from pathlib import Path

import pytest
from support.sshd import keygen, program

from bringup.errors import LostKind, TransportError
from bringup.transport.hostkeys import HostKey, KnownHosts, known_hosts, written_name


def key(number: int, kind: str = "ssh-ed25519") -> HostKey:
    """A key that differs by its number. # invented"""
    return HostKey(kind, base64.b64encode(f"key {number}".encode()).decode())


def line(hosts: str, number: int, kind: str = "ssh-ed25519") -> str:
    return f"{hosts} {kind} {key(number).blob} comment\n"


def hashed(name: str) -> str:
    salt = b"salt-of-20-bytes-....."
    digest = hmac.digest(salt, name.encode(), hashlib.sha1)
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "known_hosts"


@pytest.mark.parametrize(
    ("hosts", "names", "port"),
    [
        ("gpu-1", ("gpu-1",), 22),
        ("GPU-1", ("gpu-1",), 22),
        ("other,gpu-1,10.0.0.1", ("10.0.0.1",), 22),
        ("gpu-1", ("10.0.0.1", "gpu-1"), 22),
        ("[gpu-1]:2222", ("gpu-1",), 2222),
        ("gpu-1", ("gpu-1",), 2222),
        ("gpu-*", ("gpu-17",), 22),
        ("[10.0.0.?]:2222", ("10.0.0.7",), 2222),
        ("*.cluster,!bad.cluster", ("a.cluster",), 22),
        (hashed("gpu-1"), ("gpu-1",), 22),
        (hashed("[gpu-1]:2222"), ("gpu-1",), 2222),
    ],
)
def test_known(file: Path, hosts: str, names: tuple[str, ...], port: int) -> None:
    file.write_text(f"# a comment\n\n{line(hosts, 1)}")
    keys = KnownHosts([file])
    keys.check(names, port, key(1), accept_new=False)
    assert file.read_text().count("\n") == 3


@pytest.mark.parametrize(
    ("text", "names", "port"),
    [
        ("", ("gpu-1",), 22),
        (line("gpu-2", 1), ("gpu-1",), 22),
        (line("[gpu-1]:2222", 1), ("gpu-1",), 22),
        (line("gpu-1", 2), ("gpu-1",), 2222),
        (line("*.cluster,!bad.cluster", 1), ("bad.cluster",), 22),
        (line(hashed("gpu-2"), 1), ("gpu-1",), 22),
        (line("|1|no base64|at all", 1), ("gpu-1",), 22),
        ("@cert-authority " + line("*", 1), ("gpu-1",), 22),
        ("gpu-1 ssh-ed25519\n", ("gpu-1",), 22),
    ],
)
def test_unknown(file: Path, text: str, names: tuple[str, ...], port: int) -> None:
    file.write_text(text)
    with pytest.raises(TransportError) as caught:
        KnownHosts([file]).check(names, port, key(1), accept_new=False)
    assert caught.value.kind is LostKind.HOST_KEY_UNKNOWN
    assert key(1).fingerprint in caught.value.detail
    assert "ssh-keyscan" in caught.value.detail
    assert file.read_text() == text


@pytest.mark.parametrize("known_as", ["ssh-ed25519", "ssh-rsa"])
@pytest.mark.parametrize("accept_new", [False, True])
def test_changed_is_refused_even_when_new_keys_are_accepted(
    file: Path, known_as: str, accept_new: bool
) -> None:
    file.write_text(line("gpu-1", 2, known_as))
    with pytest.raises(TransportError) as caught:
        KnownHosts([file]).check(("gpu-1",), 22, key(1), accept_new=accept_new)
    assert caught.value.kind is LostKind.HOST_KEY_CHANGED
    assert key(1).fingerprint in caught.value.detail
    assert f"{key(2, known_as).fingerprint} ({file}:1)" in caught.value.detail
    assert file.read_text() == line("gpu-1", 2, known_as)


def test_revoked_is_refused_although_it_is_also_listed(file: Path) -> None:
    file.write_text(line("gpu-1", 1) + "@revoked " + line("*", 1))
    with pytest.raises(TransportError, match="marked as revoked") as caught:
        KnownHosts([file]).check(("gpu-1",), 22, key(1), accept_new=True)
    assert caught.value.kind is LostKind.HOST_KEY_CHANGED


def test_learning_appends_whole_lines(file: Path) -> None:
    file.write_text("gpu-9 ssh-ed25519 AAAA no end of line")
    keys = KnownHosts([file])
    keys.check(("10.0.0.1", "gpu-1"), 22, key(1), accept_new=True)
    keys.check(("gpu-2",), 2222, key(2), accept_new=True)
    keys.check(("gpu-2",), 2222, key(2), accept_new=False)
    assert file.read_text().splitlines() == [
        "gpu-9 ssh-ed25519 AAAA no end of line",
        f"10.0.0.1 ssh-ed25519 {key(1).blob}",
        f"[gpu-2]:2222 ssh-ed25519 {key(2).blob}",
    ]


def test_a_new_file_is_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "known_hosts"
    KnownHosts([file]).check(("gpu-1",), 22, key(1), accept_new=True)
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_many_learn_at_once(file: Path) -> None:
    """Two KnownHosts stand for two processes: the file's lock is all that they share."""
    both = [KnownHosts([file]), KnownHosts([file])]

    def learn(number: int) -> None:
        both[number % 2].check((f"gpu-{number // 2}",), 22, key(number // 2), accept_new=True)

    threads = [threading.Thread(target=learn, args=(n,)) for n in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(file.read_text().splitlines()) == sorted(
        f"gpu-{n} ssh-ed25519 {key(n).blob}" for n in range(20)
    )


def test_a_change_by_somebody_else_is_seen(file: Path) -> None:
    keys = KnownHosts([file])
    with pytest.raises(TransportError):
        keys.check(("gpu-1",), 22, key(1), accept_new=False)
    file.write_text(line("gpu-1", 1))
    keys.check(("gpu-1",), 22, key(1), accept_new=False)


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "known_hosts").mkdir()
    with pytest.raises(TransportError, match="Is a directory") as caught:
        KnownHosts([tmp_path / "known_hosts"]).check(("gpu-1",), 22, key(1), accept_new=True)
    assert caught.value.kind is LostKind.HOST_KEY_UNKNOWN


def test_the_second_file_is_only_read(tmp_path: Path) -> None:
    user, system = tmp_path / "user", tmp_path / "system"
    system.write_text(line("gpu-1", 1))
    keys = KnownHosts([user, system])
    keys.check(("gpu-1",), 22, key(1), accept_new=False)
    keys.check(("gpu-2",), 22, key(2), accept_new=True)
    assert system.read_text() == line("gpu-1", 1)
    assert user.read_text() == f"gpu-2 ssh-ed25519 {key(2).blob}\n"


def test_fingerprint_is_the_one_of_ssh_keygen(tmp_path: Path) -> None:
    path = keygen(tmp_path / "host", "-t", "ed25519")
    kind, blob = path.with_suffix(".pub").read_text().split()[:2]
    said = subprocess.run(
        [program("ssh-keygen"), "-lf", str(path)], capture_output=True, text=True, check=True
    ).stdout
    assert HostKey(kind, blob).fingerprint == f"ED25519 {said.split()[1]}"
    assert HostKey("ssh-rsa", "no base64!").fingerprint == "ssh-rsa (unreadable)"


def test_real_hashing_by_ssh_keygen(file: Path) -> None:
    file.write_text(line("gpu-1", 1) + line("[gpu-2]:2222", 2))
    subprocess.run([program("ssh-keygen"), "-q", "-H", "-f", str(file)], capture_output=True, check=True)
    assert "gpu" not in file.read_text()
    keys = KnownHosts([file])
    assert [k.blob for k in keys.keys(("gpu-1",), 22)] == [key(1).blob]
    assert [k.blob for k in keys.keys(("gpu-2",), 2222)] == [key(2).blob]
    assert keys.keys(("gpu-2",), 22) == []


def test_default_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert known_hosts(None).files == (tmp_path / ".ssh/known_hosts", Path("/etc/ssh/ssh_known_hosts"))
    assert known_hosts(tmp_path / "x") is known_hosts(tmp_path / "x")
    assert written_name("Gpu-1", 22) == "gpu-1"
