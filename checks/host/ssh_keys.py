"""Host: a key that the last tenant or installer left behind still opens the door."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.facts import words
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.errors import CannotJudge, ToolMissing
from bringup.model import Finding, Level, Limit, Measurement, Node, Stage
from bringup.parsers import login_keys
from bringup.parsers.host_faults import SSH_KEY_FOREIGN

APPROVED = "access.keys"
_RULE = Limit(APPROVED, "==", 0, "", why="the profile's fact access.keys", source="profile")


class SshKeys(Check[Node]):
    """The node tells the fingerprints of all keys that may log in, and each of them is approved.

    Judged only where the profile names the approved fingerprints (`access.keys`, as `ssh-keygen -l` prints them);
    `host.settings-drift` compares the nodes with each other. Keys themselves are never read out of the node.
    """

    id = "host.ssh-keys"
    stage = Stage.HOST
    level = Level.STANDARD
    collects = True
    faults = (SSH_KEY_FOREIGN,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        words(target, ctx, APPROVED)
        return run(target, login_keys.KEYS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        approved = set(words(target, ctx, APPROVED, of="fingerprints"))
        text = out.text(target, login_keys.KEYS)
        seen = login_keys.parse(text)
        if not out.get(target, login_keys.KEYS).as_root:
            raise CannotJudge("only root may read the keys of all users")
        if not seen.tool and seen.lines:
            raise ToolMissing(("ssh-keygen",))
        yield Measurement("login keys", seen.word, "", target.name)
        if approved:
            foreign = [key for key in seen.keys if key.fingerprint not in approved]
            # Where there are some the findings name them; the count then only informs.
            yield Measurement(
                "keys that are not approved", len(foreign), "", target.name, None if foreign else _RULE
            )
            for key in foreign:
                message = f"{key.kind} key {key.fingerprint} may log in as {key.user}"
                yield Finding(SSH_KEY_FOREIGN.code, message, target.name)
        if seen.unread:
            raise CannotJudge(
                f"{seen.unread} lines of authorized_keys have no fingerprint that ssh-keygen can tell"
            )
