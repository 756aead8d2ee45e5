"""What a person is told: where, what was seen, what is needed, what to do; all of it at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import InventoryError
from bringup.inventory import Inventory, parse

GOLDEN = """
name: hall-2
defaults: {user: root, profile: hgx-h10O, jump: bastian, known_hosts: ./known_hosts}
jumps: {bastion: {host: bastion.example, user: ops}, x: {prot: 3}}
nodes:
  - names: gpu-[001-016]
    address: 10.1.0.{n}
    rails: ["mlx5_[0,3-6,9-11]"]
  - names: gpu-[001-128
  - names: [login, gpu-003]
    adress: 1.2.3.4
    port: 99999
    address: 10.1.0.1
    unit: {n}
groups:
  a: {nodes: "gpu-0[17-18]", rack: x}
  fleet: login
hosts:
  gpu-01: {user: x}
cables:
  - {a: "gpu-[001-016]:mlx5_0", b: "leaf-01:{i+1}", label: "L01-{i+1:02}"}
  - {a: "gpu-[001-002]:mlx5_3", b: "leaf-01:{i+1}"}
  - {a: "gpu-[001-002]:mlx5_1", b: "leaf-02:{i+1}"}
  - {a: "gpu-001:mlx5_4", b: "leaf-01"}
  - {a: "leaf-03:1", b: "gpu-001:mlx5_4"}
  - {a: "gpu-099:mlx5_4", b: "leaf-03:2"}
  - {b: "leaf-03:2"}
profiles: ./nope
simulat: {}
user: x
faults:
  - {kind: nvlink-down, node: gpu005, gpu: 3, link: 7}
  - {node: gpu-005, nodes: gpu-006}
"""


def test_all_mistakes_at_once(wrong) -> None:
    rails = "mlx5_0, mlx5_3, mlx5_4, mlx5_5, mlx5_6, mlx5_9, mlx5_10, mlx5_11"
    example = 'for example "gpu-[001-016]:mlx5_0" or "leaf-01:{i+1}"'
    assert wrong(GOLDEN, {"hgx-h100", "linux"}) == [
        'line 2  defaults.profile: no profile "hgx-h10O"; did you mean hgx-h100?',
        'line 2  defaults.jump: no jump host "bastian" under jumps; did you mean bastion?',
        'line 3  jumps.x: unknown key "prot"; did you mean port?',
        "line 3  jumps.x: has no host",
        'line 8  nodes.names: "gpu-[001-128" has no closing bracket',
        "line 9  nodes.names: gpu-003 appears twice (also line 5)",
        "line 9  nodes: address 10.1.0.1 of login is also that of gpu-001 (line 5)",
        'line 10  nodes: unknown key "adress"; did you mean address?',
        'line 11  nodes.port: needs a port from 1 to 65535, got "99999"',
        'line 13  nodes.unit: needs text, got a table; put it in quotes: "{n}"',
        "line 15  groups.a.nodes: no nodes gpu-[017-018]; did you mean gpu-016?",
        "line 16  groups: fleet means all nodes of a run; give the group another name",
        "line 18  hosts: no node gpu-01; did you mean gpu-001?",
        "line 21  cables: leaf-01 port 1 appears twice (also line 20)",
        f'line 22  cables: gpu-001 has no rail "mlx5_1"; its rails are {rails}',
        f'line 23  cables: b: "leaf-01" needs a name, a colon and a port, {example}',
        'line 24  cables: a: no node "leaf-03"; b is a node: write it as a',
        'line 25  cables: a: no node "gpu-099"; did you mean gpu-009?',
        "line 26  cables: this entry has no a",
        'line 27  profiles: "./nope" is no folder',
        'line 28  unknown key "simulat"; did you mean simulate?',
        'line 29  unknown key "user"; it belongs under defaults',
        "line 31  faults.node: no node gpu005; did you mean gpu-005?",
        "line 31  faults: only a simulated cluster has faults on order; add simulate: or remove them",
        "line 32  faults: this entry has no kind",
        "line 32  faults: this entry has node and nodes; use one of them",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "file  is empty; an inventory lists its nodes"),
        ("# nothing\n", "file  is empty; an inventory lists its nodes"),
        ("name: x", "file  nodes: missing; list at least one, for example \"nodes: [{names: 'gpu-[001-016]'}]\""),
        ('nodes: a\nhosts: {"\\e[31m": {}}', 'line 2  the key "\\x1b[31m" is too long or has a control character'),
        ("nodes: []", "line 1  nodes: the list is empty; an inventory needs at least one node"),
        ("nodes:", "line 1  nodes: the list is empty; an inventory needs at least one node"),
        ("nodes: [{user: x}]", "line 1  nodes: this entry has no names"),
        ("nodes: [[a]]", "line 1  nodes: needs keys and values (key: value), got a list"),
        ("nodes: {a: b}", "line 1  nodes: needs a list (lines that begin with -), got a table"),
        ("nodes: a\n<<: {b: c}", 'line 2  unknown key "<<"; known are name, defaults, jumps, nodes, groups, hosts, '
         "cables, profiles, simulate, faults, ready"),
        ("nodes: a\nnodes: b", 'line 2  "nodes" appears twice (also line 1)'),
        ("nodes: a\nname: [x]", "line 2  name: needs text, got a list"),
        ("nodes: a\nname: a/b", 'line 2  name: "a/b" has the character "/"; names are made of letters, digits, dot, '
         "underscore and dash"),
        ("nodes:\n\t- a", "line 2  a tab indents this line; YAML wants blanks"),
        ("nodes: [gpu: x", "line 1  not valid YAML here: did not find expected ',' or ']'; put a value with [ ] { } or a "
         'leading @ % * & in quotes: "gpu-[001-016]"'),
        ("nodes: {names: gpu[1-2], rack: {i}}", "line 1  not valid YAML here: did not find expected ',' or '}'; put a "
         'value with [ ] { } or a leading @ % * & in quotes: "gpu-[001-016]"'),
        ("nodes: @x", "line 1  not valid YAML here: found character that cannot start any token; put a value with [ ] "
         '{ } or a leading @ % * & in quotes: "gpu-[001-016]"'),
        ("nodes: *x", "line 1  *x names no anchor above"),
        ("nodes: &x [*x]", "line 1  *x names no anchor above"),
        ("nodes: !!python/object/apply:os.system [id]", 'line 1  the tag "tag:yaml.org,2002:python/object/apply:os.system" '
         "is not used here; write the plain value"),
        ("nodes: a\n---\nnodes: b", "line 2  a second document begins here; an inventory is one document"),
        (b"nodes: a\nname: \xff", "line 2  is not UTF-8 text"),
        (b"nodes: a\nname: a\x1b[31m", 'line 2  has a control character "\\x1b"'),
        ('nodes: a\nname: "a\\x1b"', 'line 2  name: "a\\x1b" has a line break or control character'),
        ('nodes: [{names: a, rack: "R1\\nR2"}]', 'line 1  nodes.rack: "R1\\x0aR2" has a line break or control character'),
        ("nodes: [{names: a, rack: }]", 'line 1  nodes.rack: has no value; leave the key out, or write "" for none'),
        (f"nodes: [{{names: a, rack: {'x' * 1025}}}]", f'line 1  nodes.rack: "{"x" * 40}..." is longer than 1024 characters'),
        ("[" * 100, "line 1  is nested deeper than 16 levels"),
        ("? [a]\n: b\nnodes: a", 'line 1  a key is a list or table; put a pattern or range in quotes, for example "{n}"'),
        ("nodes: gpu[1-999999999]", 'line 1  nodes.names: "gpu[1-999999999]" stands for more than 200,000 names'),
        ("nodes: ['a[1-150000]', 'b[1-50001]']", "line 1  nodes.names: more than 200,000 nodes"),
        ("nodes: ../x", 'line 1  nodes.names: "../x" has the character "/"; names are made of letters, digits, dot, '
         "underscore and dash"),
        ("nodes: a,a", "line 1  nodes.names: a appears twice (also line 1)"),
        ("nodes: [{names: login, address: '10.0.0.{n}'}]", 'line 1  nodes.address: "10.0.0.{n}" for login: {n} has no '
         'value: the name "login" has no number'),
        ("nodes: [{names: 'n[300-301]', address: '10.0.0.{n}'}]", 'line 1  nodes.address: "10.0.0.{n}" for n300: '
         '"10.0.0.300" is no IP address'),
        ("nodes: [{names: a, address: '{m}'}]", 'line 1  nodes.address: "{m}": "m" is not understood; known are n (number of '
         "the name), i (place in the range from 0), name, and + - * // %"),
        ("nodes: [{names: a, address: 'a b'}]", 'line 1  nodes.address: needs an IP address or a host name, got "a b"'),
        ("nodes: [{names: a, address: '-oProxyCommand=x'}]", "line 1  nodes.address: needs an IP address or a host name, "
         'got "-oProxyCommand=x"'),
        ("nodes: [{names: a, user: -l}]", 'line 1  nodes.user: needs one word that does not begin with a dash, got "-l"'),
        ("nodes: [{names: a, connection: telnet}]", 'line 1  nodes.connection: needs ssh or local, got "telnet"'),
        ("nodes: [{names: 'a[1-2]', connection: local}]", "line 1  nodes: connection: local of a2 is also that of a1"),
        ("nodes: [{names: 'a[1-3]', address: 10.0.0.1}]", "line 1  nodes: address 10.0.0.1 of a2 is also that of a1"),
        ("nodes: [{names: 'a[1-3]', peer_address: fd00::0001}]", "line 1  nodes: peer_address fd00::1 of a2 is also that of a1"),
        ("nodes: [{names: 'a[1-3]', serial: X}]", "line 1  nodes: serial X of a2 is also that of a1"),
        ("nodes: [{names: a, root: host}]", 'line 1  nodes.root: needs an absolute path, got "host"'),
        ("nodes: [{names: a, path: bin}]", 'line 1  nodes.path: needs absolute folders, one item each, got "bin"'),
        ("nodes: [{names: a, path: '/a:/b'}]", 'line 1  nodes.path: needs absolute folders, one item each, got "/a:/b"'),
        ("nodes: [{names: a, env: {'A=B': x}}]", 'line 1  nodes.env: "A=B" is no name of an environment variable'),
        ("nodes: [{names: a, rails: [x, x]}]", "line 1  nodes.rails: x appears twice"),
        ("nodes: [{names: a, rails: 'x['}]", 'line 1  nodes.rails: "x[" has no closing bracket'),
        ("nodes: [{names: a, tags: {x: y}}]", "line 1  nodes.tags: needs text or a list of texts, got a table"),
        ("nodes: [{names: a, tags: 'x:y'}]", 'line 1  nodes.tags: "x:y" has the character ":"; names are made of letters, '
         "digits, dot, underscore and dash"),
        ("nodes: [{names: a, jump: b}]", 'line 1  nodes.jump: no jump host "b" under jumps; there are none'),
        ("nodes: [{names: a, key: ~nobody-of-that-name/x}]", 'line 1  nodes.key: "~nobody-of-that-name/x": there is no '
         "such home folder"),
        ("nodes: a\njumps: {j: {host: x, port: 0}}", 'line 2  jumps.j.port: needs a whole number from 1 to 65535, got "0"'),
        ("nodes: a\njumps: {j: {host: 'x y'}}", 'line 2  jumps.j.host: needs an IP address or a host name, got "x y"'),
        ("nodes: a\ngroups: {g: }", 'line 2  groups.g.nodes: has no value; leave the key out, or write "" for none'),
        ("nodes: a\ngroups: {g: ''}", "line 2  groups.g.nodes: names no node"),
        ("nodes: a\ngroups: {g: {user: x}}", "line 2  groups.g: has no nodes"),
        ("nodes: a\ngroups: {g: '@h', h: a}", 'line 2  groups.g.nodes: no group "h"'),
        ("nodes: a\ngroups: {g: 'x*'}", 'line 2  groups.g.nodes: no node fits "x*"'),
        ("nodes: a\nhosts: {'a[1-2]': {}}", 'line 2  hosts: "a[1-2]": one node at a time; use groups for several'),
        ("nodes: a\nsimulate: {seed: x}", 'line 2  simulate.seed: needs a whole number from 0 to 2147483647, got "x"'),
        ("nodes: a\nsimulate: {speed: .nan}", 'line 2  simulate.speed: needs a number above 0 and up to 10000, got ".nan"'),
        ("nodes: a\nsimulate: {speed: 1e999}", 'line 2  simulate.speed: needs a number above 0 and up to 10000, got "1e999"'),
        ("nodes: a\nsimulate: {shapes: {x: b}}", 'line 2  simulate.shapes.x: no node b'),
        ("nodes: a\nsimulate: {shapes: {x: ''}}", "line 2  simulate.shapes.x: names no node"),
        ("nodes: a\nsimulate: {shapes: [x]}", "line 2  simulate.shapes: needs keys and values (key: value), got a list"),
        ("nodes: 'a[1-3]'\nsimulate:\n shapes:\n  x: 'a[1-2]'\n  y: 'a[2-3]'",
         'line 5  simulate.shapes: a2 cannot be "y" and "x"'),
        ("nodes: a\nsimulate: {}\nfaults: [{kind: x}]", "line 3  faults: this entry has no node"),
        ("nodes: a\nsimulate: {}\nfaults: {}", "line 3  faults: needs a list (lines that begin with -), got a table"),
        ("nodes: a\nsimulate: {}\nfaults: [{kind: x, node: a, p: [1]}]", "line 3  faults.p: needs text, got a list"),
        ("nodes: [{names: a, rails: x}]\ncables: [{a: 'a:x', b: 'a:x'}]", "line 2  cables: a port x is both ends of one cable"),
        ("nodes: a\ncables: [{a: 'a:x', b: 'l:1'}]", 'line 2  cables: a has no rail "x"; it has no rails'),
        ("nodes: [{names: a, rails: x}]\ncables: [{a: 'a:x', b: 'l e:1'}]", 'line 2  cables: b: "l e" has the character " "; '
         "names are made of letters, digits, dot, underscore and dash"),
        ("nodes: [{names: 'a[1-2]', rails: x}]\ncables: [{a: 'a[1-2]:x', b: 'l:1'}]", "line 2  cables: l port 1 appears "
         "twice (within this entry)"),
        ("nodes: [{names: a, rails: x}]\ncables: [{a: 'a:x', b: 'l:1', length_m: -1}]", "line 2  cables.length_m: needs a "
         'number above 0 and up to 100000, got "-1"'),
    ],
)  # fmt: skip
def test_one_mistake(wrong, text: str | bytes, said: str) -> None:
    data = text if isinstance(text, bytes) else text.encode()
    assert wrong(data, set()) == [said]


def test_an_unknown_profile_lists_the_known_ones(wrong) -> None:
    text = "nodes: [{names: a, profile: gb300}]"
    assert wrong(text, {"linux", "hgx-h100"}) == [
        'line 1  nodes.profile: no profile "gb300"; known are hgx-h100, linux'
    ]


def test_a_file_that_is_too_large_is_not_read(wrong) -> None:
    assert wrong(b"#" * ((16 << 20) + 1)) == ["file  is larger than 16 MiB"]


def test_very_many_mistakes_are_counted(wrong) -> None:
    said = wrong("nodes:\n" + "".join(f"- {{names: a{k}, x: y}}\n" for k in range(150)))
    assert len(said) == 101
    assert said[0].startswith('line 2  nodes: unknown key "x"')
    assert said[-1] == "line 101  ... and 50 more problems after this one"


def test_aliases_of_aliases_cost_nothing(wrong) -> None:
    """The "billion laughs": nine levels of nine references each."""
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{k}: &a{k} [{','.join([f'*a{k - 1}'] * 9)}]" for k in range(1, 10)]
    said = wrong("\n".join([*lines, "nodes: *a9"]))
    assert "line 9  nodes: needs keys and values (key: value), got a list" in said
    assert len(said) == 11


YAML_PIECES = st.sampled_from(
    [
        "name:", "nodes:", "defaults:", "groups:", "hosts:", "cables:", "jumps:", "simulate:", "faults:", "profiles:",
        " ", "\n", "  ", "- ", "[", "]", "{", "}", ",", ":", "a", "gpu-[1-3]", "gpu[1-99999999]", "names:", "address:",
        "rails:", "a:", "b:", "gpu-1:x", "{i}", "'", '"', "&x ", "*x", "!!str ", "---\n", "#", "|", ">", "@", "%", "~",
        "null", "1", "-1", ".nan", "\t", "\x00", "é", "\ufeff", "kind:", "node:", "port:", "tags:", "env:", "user:",
    ]
)  # fmt: skip


@pytest.mark.parametrize("seen", ["gpu1", "gpu-1", "gpu-01", "GPU-001", "gpu_001", "gpu-0001"])
def test_a_name_with_another_padding_is_recognised(wrong, seen: str) -> None:
    assert wrong(f"nodes: 'gpu-[001-016]'\ngroups: {{g: {seen}}}") == [
        f"line 2  groups.g.nodes: no node {seen}; did you mean gpu-001?"
    ]


@given(st.lists(YAML_PIECES, max_size=40).map("".join) | st.text(max_size=100))
def test_any_text_is_an_inventory_or_a_list_of_problems(text: str) -> None:
    _either(text.encode("utf-8", "surrogatepass"))


@given(st.binary(max_size=100))
def test_any_bytes_are_an_inventory_or_a_list_of_problems(data: bytes) -> None:
    _either(data)


def _trees() -> st.SearchStrategy[object]:
    words = st.sampled_from(
        ["a", "gpu-[1-3]", "gpu-1:x", "leaf:{i}", "{n}", "", "@g", "*", "-1", "1e9", "true", "/x", "g"]
    )
    keys = st.sampled_from(
        ["names", "address", "rails", "tags", "port", "env", "path", "jump", "nodes", "a", "b", "label", "host",
         "kind", "node", "shape", "seed", "speed", "g", "gpu-1", "serial", "unit", "connection", "key"]
    )  # fmt: skip
    return st.recursive(
        words,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
        max_leaves=8,
    )


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "nodes",
                "defaults",
                "groups",
                "hosts",
                "cables",
                "jumps",
                "simulate",
                "faults",
                "name",
                "profiles",
            ]
        ),
        _trees(),
    )
)
def test_any_shape_of_values_is_an_inventory_or_a_list_of_problems(tree: dict[str, object]) -> None:
    import json

    _either(json.dumps({"nodes": "gpu-[1-3]", **tree}).encode())


def _either(data: bytes) -> None:
    try:
        found = parse(data, Path("/nowhere/x.yaml"), known_profiles=())
    except InventoryError as error:
        assert error.problems
        lines = [p.line or 0 for p in error.problems]
        assert lines == sorted(lines)
        assert all(p.what.isprintable() and p.file == "/nowhere/x.yaml" for p in error.problems)
    else:
        assert isinstance(found, Inventory)
        assert found.nodes
