"""known_hosts files: which key a host is known by, and the safe way to learn a new one.

The file format is OpenSSH's: plain, hashed and wildcard names, `[host]:port`, comments, @revoked. @cert-authority
lines are tolerated and not used. Needs no SSH library: keys are compared as the base64 text that the files hold.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import fnmatch
import hashlib
import hmac
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bringup.errors import LostKind, TransportError

_LARGEST_FILE = 64 << 20


@dataclass(frozen=True, slots=True)
class HostKey:
    """A public key: its type, its base64 text, and where it is written (file:line) if it was read."""

    type: str
    blob: str
    where: str = ""

    @property
    def fingerprint(self) -> str:
        """The form that ssh-keygen -l prints, for example `ED25519 SHA256:…`."""
        try:
            digest = hashlib.sha256(base64.b64decode(self.blob, validate=True)).digest()
        except binascii.Error:
            return f"{self.type} (unreadable)"
        short = self.type.removeprefix("ssh-").removeprefix("ecdsa-sha2-").upper()
        return f"{short} SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


@dataclass(slots=True)
class _Entries:
    """The lines of one file, by the way their host is written."""

    plain: dict[str, list[HostKey]] = field(default_factory=dict)
    hashed: list[tuple[bytes, bytes, HostKey]] = field(default_factory=list)
    patterns: list[tuple[str, HostKey]] = field(default_factory=list)
    revoked: set[str] = field(default_factory=set)

    def add(self, line: str, where: str) -> None:
        """Take one line; what is no key line is passed over, as OpenSSH does."""
        parts = line.split()
        marker = parts.pop(0) if parts and parts[0].startswith("@") else ""
        if len(parts) < 3 or parts[0].startswith("#") or marker == "@cert-authority":
            return
        hosts, key = parts[0], HostKey(parts[1], parts[2], where)
        if marker == "@revoked":
            self.revoked.add(key.blob)
        elif hosts.startswith("|1|"):
            try:
                salt, digest = (base64.b64decode(part) for part in hosts[3:].split("|"))
            except (ValueError, binascii.Error):
                return
            self.hashed.append((salt, digest, key))
        elif any(c in hosts for c in "*?!"):
            self.patterns.append((hosts, key))
        else:
            for host in hosts.split(","):
                self.plain.setdefault(host.lower(), []).append(key)

    def find(self, name: str) -> Iterator[HostKey]:
        """The keys of a name as it is written in the file (`host` or `[host]:port`)."""
        yield from self.plain.get(name, ())
        raw = name.encode()
        for salt, digest, key in self.hashed:
            if hmac.compare_digest(hmac.digest(salt, raw, "sha1"), digest):
                yield key
        for patterns, key in self.patterns:
            if _matches(name, patterns):
                yield key


class KnownHosts:
    """Some known_hosts files, of which the first takes new keys. Safe to share between threads."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = tuple(files)
        self._lock = threading.Lock()
        self._read: dict[Path, tuple[tuple[int, int, int], _Entries]] = {}

    def keys(self, names: Sequence[str], port: int) -> list[HostKey]:
        """All keys that any of these names is known by. Raises TransportError if a file cannot be read."""
        with self._lock:
            return self._keys(names, port)

    def check(self, names: Sequence[str], port: int, shown: HostKey, *, accept_new: bool) -> None:
        """Return if the key is known, or new and `accept_new` lets it be learned. Else raises TransportError."""
        with self._lock:
            if any(shown.blob in self._entries(file).revoked for file in self.files):
                raise TransportError(
                    LostKind.HOST_KEY_CHANGED,
                    f"{names[0]} shows {shown.fingerprint}, which is marked as revoked",
                )
            known = self._keys(names, port)
            if any(key.blob == shown.blob for key in known):
                return
            if known:
                raise TransportError(LostKind.HOST_KEY_CHANGED, _changed(names[0], shown, known))
            if any(shown.blob == key.blob for n in names for e in self._all() for key in e.find(n.lower())):
                return  # known by its name without the port, as OpenSSH allows
            if not accept_new:
                raise TransportError(LostKind.HOST_KEY_UNKNOWN, self._unknown(names[0], port, shown))
            self._learn(names, port, shown)

    def _keys(self, names: Sequence[str], port: int) -> list[HostKey]:
        written = [written_name(name, port) for name in names]
        found = [key for entries in self._all() for name in written for key in entries.find(name)]
        return list({key.blob: key for key in reversed(found)}.values())

    def _all(self) -> list[_Entries]:
        return [self._entries(file) for file in self.files]

    def _entries(self, file: Path) -> _Entries:
        """What the file says now; it is read anew only when it has changed."""
        try:
            now = _stamp(file.stat())
            kept = self._read.get(file)
            if kept is not None and kept[0] == now:
                return kept[1]
            if now[1] > _LARGEST_FILE:
                raise TransportError(LostKind.HOST_KEY_UNKNOWN, f"{file} is too large for a known_hosts file")
            text = file.read_text("utf-8", "replace")
        except FileNotFoundError:
            return _Entries()
        except OSError as error:
            raise TransportError(LostKind.HOST_KEY_UNKNOWN, f"{file}: {error.strerror}") from error
        entries = _Entries()
        for number, line in enumerate(text.splitlines(), 1):
            entries.add(line, f"{file}:{number}")
        self._read[file] = (now, entries)
        return entries

    def _learn(self, names: Sequence[str], port: int, shown: HostKey) -> None:
        """Append the key under a file lock, unless another process has just learned one for this host."""
        file = self.files[0]
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+b") as handle:
                fcntl.flock(handle, fcntl.LOCK_EX)
                known = self._keys(names, port)
                if known:
                    if all(key.blob != shown.blob for key in known):
                        raise TransportError(LostKind.HOST_KEY_CHANGED, _changed(names[0], shown, known))
                    return
                entries = self._entries(file)
                size = handle.seek(0, os.SEEK_END)
                if size:
                    handle.seek(-1, os.SEEK_END)
                gap = "\n" if size and handle.read(1) != b"\n" else ""
                line = f"{written_name(names[0], port)} {shown.type} {shown.blob}"
                handle.write(f"{gap}{line}\n".encode())
                handle.flush()
                entries.add(line, str(file))
                self._read[file] = (_stamp(os.fstat(handle.fileno())), entries)
        except OSError as error:
            raise TransportError(
                LostKind.HOST_KEY_UNKNOWN, f"cannot write the new key to {file}: {error.strerror}"
            ) from error

    def _unknown(self, name: str, port: int, shown: HostKey) -> str:
        return (
            f"{written_name(name, port)} shows {shown.fingerprint}, which is in none of"
            f" {', '.join(map(str, self.files))}. Compare it with `ssh-keygen -lf` on the host's console, then add it"
            f" (ssh-keyscan -p {port} {name} >> {self.files[0]}) or run with new host keys accepted"
        )


def _changed(name: str, shown: HostKey, known: Sequence[HostKey]) -> str:
    was = ", ".join(f"{key.fingerprint} ({key.where})" for key in known[:4])
    return (
        f"{name} shows {shown.fingerprint}, but it is known by {was}. Reinstalled or replaced: remove the old line;"
        f" otherwise something else answers at this address"
    )


def written_name(name: str, port: int) -> str:
    """A host as known_hosts files write it."""
    return name.lower() if port == 22 else f"[{name.lower()}]:{port}"


def _matches(name: str, patterns: str) -> bool:
    """OpenSSH's pattern list: a match of any, unless a pattern with ! matches."""
    hit = False
    for pattern in patterns.lower().split(","):
        plain = pattern.removeprefix("!").replace("[", "[[]")
        if fnmatch.fnmatchcase(name, plain):
            if pattern.startswith("!"):
                return False
            hit = True
    return hit


def _stamp(stat: os.stat_result) -> tuple[int, int, int]:
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)


_shared: dict[tuple[Path, ...], KnownHosts] = {}
_shared_lock = threading.Lock()


def known_hosts(file: Path | None) -> KnownHosts:
    """The files to use: the given one alone, or the user's and the system's. Shared, so each is read once."""
    user, system = Path("~/.ssh/known_hosts").expanduser(), Path("/etc/ssh/ssh_known_hosts")
    files = (file.expanduser(),) if file is not None else (user, system)
    with _shared_lock:
        return _shared.setdefault(files, KnownHosts(files))
