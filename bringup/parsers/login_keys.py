"""Who may log in with a key: fingerprints of the public keys in every user's authorized_keys. No key is ever printed.

Certificates and keys that sshd asks a program for (AuthorizedKeysCommand) are not seen.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted, whole

KEYS = Command(
    """command -v ssh-keygen >/dev/null 2>&1 || echo tool=none
look() {
  [ -f "$ROOT$2" ] || return 0
  lines=$(grep -c '^[[:space:]]*[^#[:space:]]' "$ROOT$2")
  echo "file $1 ${lines:-0} $2"
  ssh-keygen -l -f "$ROOT$2" 2>/dev/null | while read -r bits print rest; do echo "key $1 $print ${rest##* }"; done
}
awk -F: '$6 ~ /^\\/./ && !seen[$6]++ { print $1, $6 }' "$ROOT"/etc/passwd >"$TMP"/homes || exit 1
while read -r user home; do
  look "$user" "$home/.ssh/authorized_keys"
  look "$user" "$home/.ssh/authorized_keys2"
done <"$TMP"/homes
for file in "$ROOT"/etc/ssh/authorized_keys.d/*; do
  [ -f "$file" ] && look "${file##*/}" "${file#"$ROOT"}"
done
echo end
""",
    root=True,
    timeout_s=30.0,
    max_bytes=512 << 10,
)

MOST = 30
"""More keys than this are told as one number of all of them."""
_FINGERPRINT = re.compile(r"(?:SHA256|MD5|SHA1|SHA512):[A-Za-z0-9+/=:]{16,128}")
_USER = re.compile(r"\S{1,64}")


@dataclass(frozen=True, slots=True)
class Key:
    """One public key that may log in as this user. `kind` is its algorithm."""

    user: str
    fingerprint: str
    kind: str


@dataclass(frozen=True, slots=True)
class Keys:
    """`lines` is how many keys the files hold: more than `keys` where some could not be read, or without the tool."""

    keys: tuple[Key, ...]
    lines: int
    tool: bool

    @property
    def unread(self) -> int:
        """How many keys have no fingerprint."""
        return max(0, self.lines - len(self.keys))

    @property
    def word(self) -> str:
        """All keys in one line, to be compared with that of another node."""
        names = sorted({f"{key.user}:{key.fingerprint}" for key in self.keys})
        if len(names) <= MOST:
            return " ".join(names) or "none"
        return f"{len(names)} keys, {hashlib.sha256(' '.join(names).encode()).hexdigest()[:12]}"


def parse(text: str) -> Keys:
    """The answer of KEYS. Raises ParseError if it is cut off or not understood."""
    rows = text.splitlines()
    if not rows or rows[-1] != "end":
        raise ParseError(f"login keys: the answer {quoted(text)} is cut off")
    keys: list[Key] = []
    lines, tool = 0, True
    for row in rows[:-1]:
        cells = row.split(" ")
        if row == "tool=none":
            tool = False
        elif cells[0] == "file" and len(cells) >= 4 and _USER.fullmatch(cells[1]):
            lines += whole(cells[2], "login keys: lines of a file")
        elif cells[0] == "key" and len(cells) == 4 and _FINGERPRINT.fullmatch(cells[2]):
            keys.append(Key(cells[1], cells[2], cells[3].strip("()")))
        else:
            raise ParseError(f"login keys: {quoted(row)} is not known")
    return Keys(tuple(keys), lines, tool)
