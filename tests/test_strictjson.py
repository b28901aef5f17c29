"""Faulty JSON is explained in words with line and column; the verdict is the strict parser's alone."""

import json
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ekm_core.strictjson import DEEPEST, Kind, parse, placeholders

FAULTS = [
    ("", Kind.EMPTY, 1, 1, "nothing here"),
    (" \n\t ", Kind.EMPTY, 1, 1, "nothing here"),
    ('\ufeff{"a": 1}', Kind.BOM, 1, 1, "byte order mark"),
    ("{\n  “a”: 1\n}", Kind.SMART_QUOTE, 2, 3, "typographic quote"),
    ('{"a": ‘b’}', Kind.SMART_QUOTE, 1, 7, "typographic quote"),
    ('{\u00a0"a": 1}', Kind.ODD_SPACE, 1, 2, "U+00A0"),
    ('{"a":\u200b1}', Kind.INVISIBLE, 1, 6, "U+200B"),
    ('\u200b{"a": 1}', Kind.INVISIBLE, 1, 1, "invisible"),
    ('```json\n{"a": 1}\n```', Kind.FENCE, 1, 1, "Markdown"),
    ('{"a": 1}\n```', Kind.FENCE, 2, 1, "Markdown"),
    ('{"a": 1,\n}', Kind.TRAILING_COMMA, 1, 8, "Remove the comma"),
    ('{"a": [1, 2, ]}', Kind.TRAILING_COMMA, 1, 12, "Remove the comma"),
    ('{"a": 1 "b": 2}', Kind.MISSING_COMMA, 1, 9, "comma is missing"),
    ('{\n// my key\n"a": 1}', Kind.COMMENT, 2, 1, "no comments"),
    ('{"a": 1, # key\n"b": 2}', Kind.COMMENT, 1, 10, "no comments"),
    ('{"a": 1 /* key */}', Kind.COMMENT, 1, 9, "no comments"),
    ("{'a': 1}", Kind.SINGLE_QUOTE, 1, 2, "double quotes"),
    ("{\"a\": 'b'}", Kind.SINGLE_QUOTE, 1, 7, "double quotes"),
    ('{"a": <YOUR_KMS_ARN>}', Kind.PLACEHOLDER, 1, 7, "“<YOUR_KMS_ARN>”"),
    ('{"a": ${KMS_ARN}}', Kind.PLACEHOLDER, 1, 7, "still open"),
    ('{"a": $KMS_ARN}', Kind.PLACEHOLDER, 1, 7, "still open"),
    ('{"a": True}', Kind.PYTHON_WORD, 1, 7, "Write true"),
    ('{"a": None}', Kind.PYTHON_WORD, 1, 7, "Write null"),
    ('{"a": NaN}', Kind.NOT_A_NUMBER, 1, 7, "NaN"),
    ('{"a": [1, -Infinity]}', Kind.NOT_A_NUMBER, 1, 11, "Infinity"),
    ('{"a": 1e999}', Kind.NUMBER, 1, 7, "too large"),
    ('{"a": ' + "9" * 5000 + "}", Kind.NUMBER, 1, 7, "too large"),
    ('{"a": 012}', Kind.NUMBER, 1, 8, "leading zero"),
    ('{"a": +1}', Kind.NUMBER, 1, 7, "not a number"),
    ('{a: "b"}', Kind.UNQUOTED, 1, 2, "“a” must stand in double quotes"),
    ('{"a": arn:aws:kms}', Kind.UNQUOTED, 1, 7, "double quotes"),
    ('{"a": ...}', Kind.ELLIPSIS, 1, 7, "left out"),
    ('{"a": "b\tc"}', Kind.CONTROL_CHARACTER, 1, 9, "a tab"),
    ('{"a": "b\x07c"}', Kind.CONTROL_CHARACTER, 1, 9, "U+0007"),
    ('{"a": "b\n, "c": 1}', Kind.CONTROL_CHARACTER, 1, 9, "not closed on its line"),
    (r'{"a": "C:\Users"}', Kind.ESCAPE, 1, 10, "backslash"),
    ('{"a": {"b": 1', Kind.TRUNCATED, 1, 14, "2 closing brackets are missing"),
    ('{"a": [1, 2]', Kind.TRUNCATED, 1, 13, "1 closing bracket is missing"),
    ('{"a": "b', Kind.TRUNCATED, 1, 7, "never closed"),
    ('{"a":', Kind.TRUNCATED, 1, 6, "cut off"),
    ('{"a": 1,\n "b": 2,\n "a": 3}', Kind.DUPLICATE_KEY, 3, 2, "“a” stands in line 1 already"),
    (r'{"a": 1, "\u0061": 3}', Kind.DUPLICATE_KEY, 1, 10, "already"),
    ('{"a": 1}\n{"a": 2}', Kind.SEVERAL, 2, 1, "second JSON document"),
    ('$ aws iam get-role\n{"a": 1}', Kind.TEXT_BEFORE, 1, 1, "before the first { (line 2)"),
    ('me@shell:~$ aws iam get-role\n{"a": 1}', Kind.TEXT_BEFORE, 1, 1, "before the first { (line 2)"),
    ('{"a": 1}\nme@shell:~$', Kind.TEXT_AFTER, 2, 1, "behind the JSON"),
    ("An error occurred (AccessDenied)", Kind.NOT_JSON, 1, 1, "not JSON"),
    ("[" * 200 + "]" * 200, Kind.TOO_DEEP, 1, DEEPEST + 1, "nested"),
    ('{"a": 1}}', Kind.SYNTAX, 1, 9, "closes nothing"),
    ('{"a": [1}', Kind.SYNTAX, 1, 9, "does not fit"),
    ('{"a" 1}', Kind.SYNTAX, 1, 6, "colon"),
    ('{"a": "say "hi" there"}', Kind.SYNTAX, 1, 13, "too early"),
]


@pytest.mark.parametrize(("text", "kind", "line", "column", "says"), FAULTS)
def test_each_fault_is_named_with_its_place(text, kind, line, column, says):
    parsed = parse(text)
    assert not parsed.valid
    assert parsed.value is None
    first = parsed.problems[0]
    assert (first.kind, first.line, first.column) == (kind, line, column)
    assert says in first.sentence
    if kind is not Kind.EMPTY:
        assert first.sentence.startswith(f"Line {line}, column {column}: ")


def test_several_faults_are_listed_at_their_true_places():
    parsed = parse("{\n  “a”: True,\n  'b': <YOUR_ARN>,\n  \"c\":\u00a01,\n}")
    assert [(problem.kind, problem.line) for problem in parsed.problems] == [
        (Kind.SMART_QUOTE, 2),
        (Kind.PYTHON_WORD, 2),
        (Kind.SINGLE_QUOTE, 3),
        (Kind.PLACEHOLDER, 3),
        (Kind.ODD_SPACE, 4),
        (Kind.TRAILING_COMMA, 4),
    ]


def test_valid_json_has_no_problem():
    assert parse("null").valid
    assert parse(' {"a": "“x” // no comment, <b>,}", "b": [1.5, -2e3, true, {}]}\r\n').value["b"] == [
        1.5,
        -2000.0,
        True,
        {},
    ]
    assert parse("[" * DEEPEST + "]" * DEEPEST).valid
    assert parse('[{"a": 1}, {"a": 1}]').valid


HOSTILE = [
    "[" * 1_000_000,
    '{"a":' * 200_000,
    '"' * 1_000_000,
    '"\\' * 500_000,
    "“" * 1_000_000,
    "'" * 1_000_000,
    "{'a'" * 250_000,
    "[" + "True," * 200_000,
    "[" + "“a”," * 250_000,
    "[" + "/*" * 500_000,
    "[" + "<" * 1_000_000,
    "{" + " " * 1_000_000 + "}}",
    "[" + "9" * 1_000_000,
    "[" + ",".join(["1e999"] * 150_000) + "]",
    "{" + ",".join(f'"{number}": {number}' for number in range(60_000)) + ',"1": 1}',
    "[" + "[],[" * 250_000,
    "```" * 300_000,
    "\ufeff" * 1_000_000,
    "\ud800" * 1_000_000,
    "[" + "\u200b" * 1_000_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_megabyte_of_anything_is_read_in_time(text):
    start = time.process_time()
    parsed = parse(text)
    assert time.process_time() - start < 3
    assert not parsed.valid
    assert all(len(problem.sentence) < 400 for problem in parsed.problems)


@given(
    st.text(
        alphabet=st.one_of(st.sampled_from("{}[]\",:'“’<>$#/*\\\n`\ufeff\u00a0tTN1e."), st.characters()), max_size=60
    )
)
@example("NaN")
@example("{'': 1, \"\": 2}")
def test_the_verdict_is_never_laxer_than_the_strict_parser(text):
    parsed = parse(text)
    assert all(problem.line >= 1 and problem.column >= 1 for problem in parsed.problems)
    if parsed.valid:
        assert json.loads(text) == parsed.value


def test_placeholders_are_found_by_path():
    value = {
        "kms_arn": "arn:aws:kms:REGION:<ACCOUNT>:key/1",
        "ids": ["org-AbCdEf", {"external_id": "YOUR_ORG_ID"}, "your-org-id"],
        "masked": "arn:aws:iam::xxxxxxxxxxxx:role/a",
        "shell": "$ORG_ID",
    }
    assert [(found.path, found.text) for found in placeholders(value)] == [
        ("kms_arn", "REGION"),
        ("ids[1].external_id", "YOUR_ORG_ID"),
        ("ids[2]", "your-org-id"),
        ("masked", "xxxxxxxxxxxx"),
        ("shell", "$ORG_ID"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:s3:::bucket/${aws:PrincipalTag/team}",
        "arn:aws:iam::111122223333:role/OpenAI-EKM",
        "${saml:aud}",
        "org-AbCdEfGhIjKlMnOpQrStUvWx--ekm",
        'assertion.sub == "105900137572174660365"',
        "projects/my-kms-project/locations/us/keyRings/r/cryptoKeys/key",
        "*",
        "kms:*",
        "roles/cloudkms.cryptoKeyEncrypterDecrypter",
        "mykey",
    ],
)
def test_policy_variables_and_real_names_are_no_placeholders(text):
    assert placeholders([text]) == ()


def test_placeholders_of_hostile_values():
    value = {"a" * 1_000_000: ["<X>"] * 1000, 1: None}
    found = placeholders(value)
    assert len(found) == 50
    assert len(found[0].path) < 100
    assert placeholders("<" * 1_000_000) == ()
