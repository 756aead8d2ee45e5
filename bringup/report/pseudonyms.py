"""Pseudonyms for names, serial numbers and addresses: the same one for the same thing, wherever it is written.

Names and serial numbers must be known before anything is replaced; addresses, GUIDs, MACs, UUIDs and key fingerprints are
known by their look. A pseudonym looks like none of these, so nothing is replaced twice.
"""

from __future__ import annotations

import re

from bringup.inventory.names import BadNames, expand, folded

_RUNS = re.compile(r"[^\W_]+")
_FOLDED = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,80}\[[0-9,\-/]{1,600}\][A-Za-z0-9._-]{0,80}")
_MOST_FOLDED = 20_000
_MOST_RUNS = 16
_SHORTEST_SERIAL = 4
_LABELLED = re.compile(
    r"(?:serial(?:[ _-]?(?:number|num|no))?|\bS/?N|\bproduct_serial|\basset[ _-]?tag)"
    r"[^A-Za-z0-9\n]{1,60}(?=[A-Za-z0-9._-]*[0-9])([A-Za-z0-9][A-Za-z0-9._-]{3,80})",
    re.IGNORECASE,
)
"""A serial number by the word before it, as tools, XML and JSON write it; it has a digit."""
_HEX = "[0-9A-Fa-f]"
_SHAPES = re.compile(
    rf"""(?<![0-9A-Za-z])(?:
      (?P<uuid>(?:GPU-|MIG-)?{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}})
    | (?P<key>SHA256:[A-Za-z0-9+/]{{20,64}}=?)
    | (?P<mac>{_HEX}{{2}}(?:[:-]{_HEX}{{2}}){{5,19}})
    | (?P<guid>0x{_HEX}{{16}}|{_HEX}{{4}}(?::{_HEX}{{4}}){{3}}(?!:{_HEX})|{_HEX}{{16}})
    | (?P<ipv6>(?:{_HEX}{{1,4}}:){{7}}{_HEX}{{1,4}}
        |{_HEX}{{1,4}}(?::{_HEX}{{1,4}}){{0,6}}::(?:{_HEX}{{1,4}}(?::{_HEX}{{1,4}}){{0,6}})?)
    | (?P<ipv4>[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}}(?!\.?[0-9]))
    )(?![0-9A-Za-z])""",
    re.VERBOSE,
)
_NAMES = {"uuid": "uuid", "key": "key", "mac": "mac", "guid": "guid", "ipv6": "address", "ipv4": "address"}
_NOBODY = frozenset(
    {
        "127.0.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "0x0000000000000000",
        "0000:0000:0000:0000",
        "0000000000000000",
    }
)
"""Addresses that name nobody; replacing them would only hide that something is not set."""
_IDENTITY = re.compile(r"serial|\buuid\b|host ?name|asset|\bswitch\Z", re.IGNORECASE)


class Pseudonyms:
    """Learn everything first, then `settle`, then replace with `text`."""

    def __init__(self) -> None:
        self._kinds: dict[str, tuple[str, str]] = {}
        self._given: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}
        self._words: dict[str, str] = {}
        self._known: dict[str, str] = {}
        self._longest = 1
        self._memo: dict[str, str] = {}

    def add(self, kind: str, said: str, *, of: str = "") -> None:
        """A name of this kind. `of` is another name of the same thing; both get the same pseudonym."""
        key = _key(said)
        if key and not _SHAPES.fullmatch(said.strip()):
            self._kinds.setdefault(key, (kind, _key(of) or key))

    def node(self, name: str, *addresses: str) -> None:
        """A node with the addresses under which it is reached; host names among them are the node's own."""
        self.add("node", name)
        for said in (name.partition(".")[0], *addresses):
            if said and not said.isdigit() and said != "localhost":
                self.add("node", said, of=name)

    def measured(self, what: str, value: str, node: str) -> None:
        """A value that was read: an identity if its name says so."""
        if not _IDENTITY.search(what):
            return
        if "host" in what.lower():
            same = value.partition(".")[0] == node.partition(".")[0]
            self.add("node", value, of=node if same else "")
        elif "switch" in what.lower():
            self.add("switch", value)
        elif len(value) >= _SHORTEST_SERIAL and any(c.isdigit() for c in value):
            self.add("serial", value)

    def learn_labelled(self, said: str) -> None:
        """Take the serial numbers that a text names as such."""
        for match in _LABELLED.finditer(said):
            self.add("serial", match[1])

    def settle(self) -> None:
        """Give out the pseudonyms: from here on nothing more can be learned."""
        runs = {run for key in self._kinds for run in _RUNS.findall(key)}
        for kind in {"node", "switch", "host", "serial", *_NAMES.values()}:
            word = kind
            while word in runs:  # a node that is called "node" would be found in its own pseudonym
                word += "x"
            self._words[kind] = word
        for key, (kind, of) in self._kinds.items():
            self._known[key] = self._pseudonym(kind, of)
            self._longest = max(self._longest, min(_MOST_RUNS, len(_RUNS.findall(key))))

    def text(self, said: str) -> str:
        """The text with every known name and everything that looks like an address replaced."""
        found = self._memo.get(said)
        if found is None:
            found = _FOLDED.sub(lambda match: self._refolded(match.group()), said)
            found = _SHAPES.sub(self._shape, self._named(found))
            if len(said) < 2_000:
                self._memo[said] = found
        return found

    def _named(self, said: str) -> str:
        """The longest known name at each place is replaced; names begin and end between letters and digits."""
        spans = [match.span() for match in _RUNS.finditer(said)]
        parts: list[str] = []
        done = index = 0
        while index < len(spans):
            start = spans[index][0]
            for last in range(min(len(spans), index + self._longest) - 1, index - 1, -1):
                known = self._known.get(said[start : spans[last][1]].lower())
                if known is not None:
                    parts += (said[done:start], known)
                    done, index = spans[last][1], last
                    break
            index += 1
        return "".join((*parts, said[done:]))

    def _refolded(self, said: str) -> str:
        try:
            names = expand(said, _MOST_FOLDED)
        except BadNames:
            return said
        if not any(name.lower() in self._known for name in names):
            return said
        return folded(
            self._known.get(name.lower()) or self._pseudonym("node", name.lower()) for name in names
        )

    def _shape(self, match: re.Match[str]) -> str:
        kind = match.lastgroup or ""
        said = match.group()
        if said in _NOBODY or (kind == "ipv4" and any(int(part) > 255 for part in said.split("."))):
            return said
        bare = (
            re.sub(r"[^0-9a-z]", "", said.lower().removeprefix("0x"))
            if kind in ("guid", "mac")
            else said.lower()
        )
        return self._pseudonym(_NAMES[kind], bare)

    def _pseudonym(self, kind: str, key: str) -> str:
        given = self._given.get((kind, key))
        if given is None:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            given = self._given[kind, key] = f"{self._words[kind]}-{self._counts[kind]:04}"
        return given


def _key(said: str) -> str:
    """The name in small letters from its first to its last letter or digit; empty if there is none."""
    runs = list(_RUNS.finditer(said))
    return said[runs[0].start() : runs[-1].end()].lower() if runs else ""
