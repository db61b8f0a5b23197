"""XML of strangers is read without document types, entities or endless files."""

from __future__ import annotations

import pytest

from napari_neuroembed.data.xml_text import read_xml, scan_xml
from napari_neuroembed.errors import DataError

BOMB = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">'
    "]><root>&b;</root>"
)
OUTSIDE = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]><r>&x;</r>'


def test_a_tree_and_its_events_say_the_same(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text('<?xml version="1.0" encoding="utf-16"?><a/>', encoding="utf-16")
    assert read_xml(path).tag == "a"
    path.write_text('<a x="1"><b y="ü">text</b><b/></a>', encoding="utf-8")
    root = read_xml(path)
    assert [e.tag for e in root.iter()] == ["a", "b", "b"]
    assert (root[0].get("y"), root[0].text) == ("ü", "text")
    seen: list[str] = []
    opened = lambda tag, attributes: seen.append(f"{tag}{attributes}")  # noqa: E731
    assert scan_xml(path, opened, lambda tag: seen.append(f"/{tag}")) == ""
    assert seen == ["a{'x': '1'}", "b{'y': 'ü'}", "/b", "b{}", "/b", "/a"]


@pytest.mark.parametrize("text", [BOMB, OUTSIDE])
def test_a_document_type_is_refused_before_anything_is_expanded(text, tmp_path):
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(DataError, match=r"declares a document type.*xml.doctype"):
        read_xml(tmp_path / "a.xml")
    with pytest.raises(DataError, match=r"xml.doctype"):
        scan_xml(tmp_path / "a.xml", lambda *_: None)


def test_a_file_beyond_the_limit_is_not_opened(tmp_path):
    (tmp_path / "a.xml").write_text("<a>" + " " * 100 + "</a>")
    with pytest.raises(DataError, match=r"has 107 bytes.*has 50 at most.*size.cap"):
        read_xml(tmp_path / "a.xml", max_bytes=50)
    assert read_xml(tmp_path / "a.xml", max_bytes=200).tag == "a"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"no xml",
        b"<a><b></a>",
        b"<a>\n<b/>",
        b'<?xml version="1.0" encoding="klingon"?><a/>',
        b"\xff\xfe<\0a\0",
        b"<a>\xff</a>",
    ],
)
def test_damage_is_named_with_its_place(text, tmp_path):
    (tmp_path / "a.xml").write_bytes(text)
    with pytest.raises(DataError, match=r"no whole XML: .*xml.damaged"):
        read_xml(tmp_path / "a.xml")
    assert scan_xml(tmp_path / "a.xml", lambda *_: None)
