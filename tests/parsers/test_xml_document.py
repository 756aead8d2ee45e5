"""The XML reader: plain documents are read, documents that declare anything are refused unread."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers.xml_document import root

# invented: attacks, in the shapes that the XML world knows
LAUGHS = '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;">]><a>&c;</a>'
FETCHES = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>'
PARAMETER = '<!DOCTYPE a SYSTEM "x.dtd" [<!ENTITY % p SYSTEM "http://127.0.0.1/p">%p;]><a/>'


def test_a_named_document_type_comments_and_raw_text_are_harmless() -> None:
    text = '<?xml version="1.0" ?>\n<!DOCTYPE a SYSTEM "a.dtd">\n<a><!-- <!x --><b>&lt;1</b><c><![CDATA[<!]]></c></a>'
    with pytest.raises(
        ParseError
    ):  # inside a comment or raw text a declaration is harmless, but refused all the same
        root(text, "tool", "a", doctype=True)
    element = root(text.replace("<!x", "x").replace("[<!]", "[!]"), "tool", "a", doctype=True)
    assert [(e.tag, e.text) for e in element] == [("b", "<1"), ("c", "!")]


@pytest.mark.parametrize("text", [LAUGHS, FETCHES, PARAMETER, LAUGHS.replace("DOCTYPE", "doctype")])
def test_what_declares_is_refused(text: str) -> None:
    with pytest.raises(ParseError, match="tool is no XML that can be read: it declares"):
        root(text, "tool", "a", doctype=True)


def test_a_named_type_is_refused_where_the_tool_prints_none() -> None:
    with pytest.raises(ParseError, match="it declares a document type"):
        root('<!DOCTYPE a SYSTEM "a.dtd"><a/>', "tool", "a")


@pytest.mark.parametrize("text", ["", "<a>", "<a>&b;</a>", "<a></b>", "\x00", "<a/><a/>"])
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(ParseError, match="tool is no XML that can be read"):
        root(text, "tool", "a", doctype=True)


def test_another_root_is_refused() -> None:
    with pytest.raises(ParseError, match="tool has a root element 'b'"):
        root("<b/>", "tool", "a", doctype=True)


@given(st.text(alphabet=st.sampled_from("<>!&;[]-a DOCTYPENI\"'/=")))
def test_any_text_is_a_document_or_refused(text: str) -> None:
    try:
        assert root(text, "tool", "a", doctype=True).tag == "a"
    except ParseError:
        pass
