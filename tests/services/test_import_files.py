"""Files of every kind are read row by row; what cannot be read is refused with its reason."""

from __future__ import annotations

import csv
import json
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hogsend.domain.formula_text import unescape_formula
from hogsend.domain.import_columns import guess_preset, map_columns, parse_target
from hogsend.domain.import_rows import ContactFacts, RowParser, RowRefused
from hogsend.errors import InvalidInput
from hogsend.services.import_files import inspect_file
from hogsend.services.import_records import Record, RecordReader, SourceFile

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROWS = "email;name\njose@example.com;José Müller\nana@example.com;Ana Peña de Köln\n"


@pytest.mark.parametrize(
    ("content", "encoding", "separator"),
    [
        pytest.param(ROWS.encode(), "utf-8", ";", id="utf-8"),
        pytest.param(b"\xef\xbb\xbf" + ROWS.encode(), "utf-8", ";", id="byte order mark"),
        pytest.param(ROWS.encode("latin-1"), "cp1252", ";", id="latin-1"),
        pytest.param(ROWS.encode("utf-16"), "utf-8", ";", id="utf-16"),
        pytest.param(ROWS.replace(";", "\t").encode("utf-16"), "utf-8", "\t", id="tabs"),
        pytest.param(ROWS.replace("\n", "\r").encode(), "utf-8", ";", id="old line ends"),
        pytest.param(ROWS.replace("\n", "\r\n").encode(), "utf-8", ";", id="windows"),
        pytest.param(ROWS.replace(";", ",").encode(), "utf-8", ",", id="commas"),
        pytest.param(b"sep=;\r\n" + ROWS.encode(), "utf-8", ";", id="excel"),
        pytest.param(
            ("Sep=\t\n" + ROWS.replace(";", "\t")).encode("utf-16"), "utf-8", "\t", id="sep"
        ),
    ],
)
def test_the_encoding_and_the_separator_are_found_out(
    tmp_path: Path, content: bytes, encoding: str, separator: str
):
    file = tmp_path / "people.csv"
    file.write_bytes(content)
    inspected = inspect_file(file, None)
    assert (inspected.source.encoding, inspected.source.separator) == (encoding, separator)
    assert inspected.columns == ["email", "name"]
    records = read_from(inspected.source, inspected.position, inspected.line)
    assert [record.value for record in records] == [
        ["jose@example.com", "José Müller"],
        ["ana@example.com", "Ana Peña de Köln"],
    ]


@pytest.mark.parametrize(
    ("encoding", "separator", "problem"),
    [
        ("undefined", "", "There is no encoding"),
        ("idna", "", "There is no encoding"),
        ("punycode", "", "There is no encoding"),
        ("utf-16-le", "", "is not in the encoding utf-16-le"),
        ("utf-32-be", "", "is not in the encoding utf-32-be"),
        ("", ",,", "The separator cannot be ',,'"),
        ("", '"', "The separator cannot be"),
        ("", "\n", "The separator cannot be"),
    ],
)
def test_a_wrong_encoding_or_separator_is_refused_and_changes_nothing_of_the_file(
    tmp_path: Path, encoding: str, separator: str, problem: str
):
    file = tmp_path / "people.csv"
    for content in (ROWS.encode(), ROWS.encode("utf-8-sig")):
        file.write_bytes(content)
        with pytest.raises(InvalidInput, match=problem):
            inspect_file(file, None, encoding, separator)
        assert file.read_bytes() == content


def test_a_file_with_old_line_ends_can_be_read_in_another_encoding_later(tmp_path: Path):
    file = tmp_path / "people.csv"
    file.write_bytes(b"email\rname\r" + "Łukasz\r".encode("cp1250"))
    for encoding in ("cp1252", "cp1250"):
        inspected = inspect_file(file, None, encoding)
        assert inspected.source.encoding == encoding
    records = read_from(inspected.source, inspected.position, inspected.line)
    assert records[-1].value == ["Łukasz"]


def read_from(source: SourceFile, position: int = 0, line: int = 0) -> list[Record]:
    """Return the records of a file from a position on."""
    reader = RecordReader(source, position, line)
    try:
        return list(reader)
    finally:
        reader.close()


def read(file: Path, content: bytes, format: str = "csv") -> list[tuple[int, object]]:
    """Return the line of each record, and its value or its problem."""
    file.write_bytes(content)
    kind = "csv" if format == "csv" else "jsonl"
    records = read_from(SourceFile(file, kind, "utf-8"))
    return [(record.line, record.value or record.problem) for record in records]


def test_a_broken_row_is_refused_and_the_rows_after_it_are_read(tmp_path: Path):
    file = tmp_path / "people.csv"
    limit = f"{csv.field_size_limit():,}"
    unclosed = "perhaps a quote on this line is never closed"
    cell_refused = f"The row has a cell of more than {limit} characters"
    long_cell = b"x" * 200_000
    lines = b"".join(b"line %d\n" % number for number in range(20_000))
    assert read(file, b'a,"b\nc ""d"""\ne,f\n') == [(1, ["a", 'b\nc "d"']), (3, ["e", "f"])]
    assert read(file, b"a," + long_cell + b"\ne,f\n") == [(1, cell_refused), (2, ["e", "f"])]
    assert read(file, b"a," + b"x" * 10_000_000 + b"\ne,f\n") == [
        (1, "The row has more than 1,048,576 bytes on one line"),
        (2, ["e", "f"]),
    ]
    many = read(file, b'a,"' + lines + b"e,f\n")
    assert many[0] == (1, f"{cell_refused}; {unclosed}")
    assert many[-1] == (20_001, ["e", "f"])
    assert read(file, b'a,b\nc,"d\n\ne') == [
        (1, ["a", "b"]),
        (2, f"The row ends inside a quoted cell; {unclosed}"),
        (4, ["e"]),
    ]
    assert read(file, b"a\0b\nc\xff\nd\n") == [
        (1, "The row contains a NUL character"),
        (2, "The row is not in the encoding utf-8"),
        (3, ["d"]),
    ]
    assert read(file, b"a\rb\nd\n")[0] == (1, "The row has a line break outside of quotes")
    objects = read(file, b'{"a": 1}\n\n[1]\n{"a": \n{"b": 2}', "jsonl")
    assert [line for line, _ in objects] == [1, 3, 4, 5]
    assert objects[1][1] == "The row is not a JSON object"
    assert str(objects[2][1]).startswith("The row is not valid JSON")
    assert read(file, b"[" * 500_000, "jsonl")[0][1] != []


def test_a_large_file_is_read_in_little_memory(tmp_path: Path):
    file = tmp_path / "people.csv"
    file.write_bytes(b"a,b\n" * 10_000 + b"x" * 20_000_000 + b"\n")
    reader = RecordReader(SourceFile(file, "csv", "utf-8"))
    tracemalloc.start()
    try:
        assert sum(1 for _ in reader) == 10_001
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
        reader.close()


def test_a_reader_goes_on_from_the_end_of_any_record(tmp_path: Path):
    file = tmp_path / "people.csv"
    file.write_bytes(b'a,"b\n1"\n\nc,d\n"x\ne,f')
    source = SourceFile(file, "csv", "utf-8")
    records = read_from(source)
    assert [record.line for record in records] == [1, 4, 5, 6]
    for number, record in enumerate(records):
        assert read_from(source, record.end, record.end_line) == records[number + 1 :]


EXPORTS = {
    "customerio": (
        "id,cio_id,email,created_at,unsubscribed,plan",
        "u1,d9c1,Ada@example.com,1700000000,true,pro",
        {"plan": "pro"},
    ),
    "loops": (
        "email,firstName,lastName,source,subscribed,userGroup,userId",
        "ada@example.com,Ada,L,Form,false,VIP,u1",
        {"firstName": "Ada", "lastName": "L", "source": "Form", "userGroup": "VIP"},
    ),
    "mailchimp": (
        "Email Address,First Name,MEMBER_RATING,LEID,EUID,CONFIRM_TIME,UNSUB_TIME",
        "ada@example.com,Ada,3,1,a1,2020-01-02 03:04:05,2021-01-02 03:04:05",
        {"firstName": "Ada", "memberRating": 3},
    ),
    "brevo": (
        "CONTACT ID,EMAIL,FIRSTNAME,SMS,EMAIL_BLACKLISTED,ADDED_TIME,MODIFIED_TIME",
        "7,ada@example.com,Ada,491234,Yes,02-01-2020,02-01-2020",
        {"firstName": "Ada", "phone": "491234", "addedTime": "02-01-2020"},
    ),
    "listmonk": (
        "uuid,email,name,attributes,status,created_at,updated_at",
        'x-y,ada@example.com,Ada,"{""city"": ""Rome""}",disabled,2020-01-02 03:04:05+00,2020',
        {"name": "Ada", "city": "Rome"},
    ),
}


def test_a_value_of_the_wrong_type_refuses_its_row_only():
    parser = RowParser("contacts", {}, now=NOW)
    for name, value in (
        ("identities", {"emails": [5]}),
        ("identities", {"userIds": [None]}),
        ("identities", "x"),
        ("lists", {"news": {"subscribed": None}}),
        ("suppression", {"reason": {}}),
        ("properties", [1]),
        ("firstSeenAt", {}),
        ("email", ["a@example.com"]),
    ):
        with pytest.raises(RowRefused, match=name):
            parser.parse_object({"userId": "ada", name: value})


@pytest.mark.parametrize("later", ["2026-03-02T12:00:01Z", "5138-11-16", "99999999999"])
@pytest.mark.parametrize(
    "row",
    [
        '{"firstSeenAt": "LATER"}',
        '{"lastSeenAt": "LATER"}',
        '{"lists": {"news": {"subscribed": true, "at": "LATER"}}}',
        '{"suppression": {"reason": "complaint", "at": "LATER"}}',
    ],
)
def test_a_row_from_the_future_is_refused(row: str, later: str):
    parser = RowParser("contacts", {}, now=NOW)
    parser.parse_object(
        {"email": "a@example.com", **json.loads(row.replace("LATER", "2026-03-02"))}
    )
    with pytest.raises(RowRefused, match="is in the future"):
        parser.parse_object({"email": "a@example.com", **json.loads(row.replace("LATER", later))})


@given(
    st.lists(
        st.one_of(
            st.sampled_from(["", " ", "'=1", "''x", " 12 ", "1e9", "yes", "{}", "[1", "a@b.co"]),
            # No file has halves of surrogate pairs, which decoding refuses.
            st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5),
        ),
        min_size=7,
        max_size=7,
    )
)
def test_a_row_of_csv_is_read_like_an_object_with_its_cells(cells: list[str]):
    names = ["userId", "email", "list:news", "property:plan"]
    names += [f"property:{kind}:{kind}" for kind in ("number", "boolean", "json")]
    columns = {name: parse_target(name) for name in names}

    def read(parse: Callable[[], ContactFacts]) -> ContactFacts | str:
        try:
            return parse()
        except RowRefused as refusal:
            return str(refusal)

    parser = RowParser("contacts", columns, now=NOW)
    row = {
        name: unescape_formula(cell.strip())
        for name, cell in zip(names, cells, strict=True)
        if cell.strip()
    }
    assert read(lambda: parser.parse_cells(cells)) == read(lambda: parser.parse_object(row))


@pytest.mark.parametrize("name", EXPORTS)
def test_the_exports_of_other_products_are_recognised(name: str):
    header, row, properties = EXPORTS[name]
    columns = header.split(",")
    preset = guess_preset(columns)
    assert preset is not None
    assert preset.name == name
    mapped = map_columns("contacts", columns, preset)
    parser = RowParser("contacts", mapped, preset, ["news"], now=NOW)
    facts = parser.parse_cells(next(csv.reader([row])))
    assert (facts.email, facts.properties) == ("ada@example.com", properties)
    # Who has unsubscribed there is not subscribed here.
    assert {name: choice.subscribed for name, choice in facts.choices.items()} == {"*": False}
