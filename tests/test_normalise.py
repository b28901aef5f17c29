"""Wrappers come off, places stay true, and no input is slow or lost."""

import html
import json
import quopri
import re
import textwrap
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ekm_core.classify import classify
from ekm_core.diagnose import diagnose
from ekm_core.normalise import normalise, plain, whole_characters

SENTENCE = 'Invalid value for "audience". This value should be the full resource name'


@pytest.mark.parametrize(
    "wrapped",
    [
        json.dumps(SENTENCE),
        json.dumps(json.dumps(SENTENCE)),
        json.dumps(json.dumps(json.dumps(SENTENCE))),
        SENTENCE.replace('"', "\u201d").replace(" ", "\u00a0"),
        SENTENCE.replace('"', "&quot;"),
        SENTENCE.replace('"', "&#34;"),
        SENTENCE.replace(" ", "\n"),
        SENTENCE.replace(" ", "\r\n\t"),
        SENTENCE.replace(" ", "\\n"),
        SENTENCE.replace(" ", "\\r\\n"),
        SENTENCE.replace(" ", "\n│ "),
        SENTENCE.replace(" ", "\n    - | "),
        SENTENCE.replace(" ", "\n> > "),
        SENTENCE.replace(" ", "\n# "),
        SENTENCE.replace(" ", "\n// "),
        SENTENCE.replace(" ", " │\n│ "),
        SENTENCE.replace(" ", "\n2020-02-02 12:14:52| "),
        SENTENCE.replace(" ", "\n2022-09-01T18:22:03.5236788Z "),
        SENTENCE.replace(" ", "\n2024-05-02T10:11:12.1234567Z ##[error]"),
        SENTENCE.replace(" ", "\nMay  2 10:11:12 web-1 vault[123]: "),
        SENTENCE.replace(" ", "\nweb-1  | "),
        "https://localhost/?error=invalid_request&error_description=" + quote_plus(SENTENCE),
        "MSALErrorDescriptionKey=AADSTS500011:+" + quote_plus(SENTENCE),
        SENTENCE.replace("value", "\x1b[31mvalue\x1b[0m"),
        SENTENCE.replace("value", "**value**"),
        SENTENCE.replace("value", "`value`"),
        SENTENCE.replace("value", "va\u200blue"),
        SENTENCE.replace("value", "<code>value</code>"),
        SENTENCE.replace("value for", 'val" +\n    "ue for'),
        "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in SENTENCE),
    ],
)
def test_wrappers_come_off(wrapped):
    assert SENTENCE in normalise(wrapped).text


SENTENCES = (
    SENTENCE,
    "User: arn:aws:iam::111122223333:user/a is not authorized to perform: kms:Decrypt on resource: *",
    "Permission 'cloudkms.cryptoKeyVersions.useToDecrypt' denied on resource 'projects/p/locations/eu/keyRings/r'",
    "AADSTS700016: Application with identifier '<client-id>' was not found in the directory 'Contoso & Co'.",
)


def _colour(before: str, behind: str) -> Callable[[str], str]:
    """The second word of every sentence is red."""
    return lambda text: re.sub(r" (\S+) ", lambda found: f" {before}{found[1]}{behind} ", text, count=1)


def _pieces(joiner: str) -> Callable[[str], str]:
    """The sentence in a program, as literals of two words."""
    return lambda text: joiner.join(json.dumps(piece) for piece in re.findall(r"\S+ \S+ ?|\S+", text))


UNDONE: dict[str, Callable[[str], str]] = {
    "escaped twice for an address": lambda text: quote(quote(text)),
    "escaped twice for HTML": lambda text: html.escape(html.escape(text)),
    "a form": lambda text: "message=" + quote_plus(text) + "&state=1",
    "lines in an address": lambda text: quote(text.replace(" ", "\r\n  ")),
    "SQL": lambda text: "'" + text.replace("'", "''") + "'",
    "CSV": lambda text: '"' + text.replace('"', '""') + '"',
    "Markdown": lambda text: re.sub(r"([_*#\[\]<>~+-])", r"\\\1", text),
    "a gutter at the text": lambda text: text.replace(" ", "\n│"),
    "Java": _pieces("\n    + "),
    "Go": _pieces(" +\n\t"),
    "C#": _pieces(" +\n    $"),
    "Python": _pieces("\n    f"),
    "Python before version 3": _pieces(" \\\n    u"),
    "mail": lambda text: quopri.encodestring(f"{'The request failed. ' * 5}{text}".encode()).decode(),
    "mail with curly quotes": lambda text: quopri.encodestring(
        f"{'The request failed. ' * 5}{text.replace(chr(39), '’')}".encode()
    ).decode(),
    "decimal references": lambda text: re.sub(r"[^\w\s]", lambda found: f"&#{ord(found[0]):03d};", text),
    "hexadecimal references": lambda text: re.sub(r"[^\w\s]", lambda found: f"&#x{ord(found[0]):X};", text),
    "named quotes": lambda text: re.sub(r'"([^"]*)"', r"&ldquo;\1&rdquo;", text),
    "escapes of two digits": lambda text: re.sub(r"[^\w.:-]", lambda found: f"\\x{ord(found[0]):02x}", text),
    "escapes of curly quotes": lambda text: text.replace("'", "\\u2019").replace('"', "\\u201c"),
    "escaped blanks that do not break": lambda text: text.replace(" ", "\\u00a0"),
    "escaped marks that are not seen": lambda text: "\\u200b".join(text),
    "directions of writing": lambda text: "\u202a" + text.replace(" ", "\u202c \u202a") + "\u202c",
    "UTF-8 read as Windows-1252": lambda text: text.replace("'", "â€™").replace(" ", "Â\u00a0"),
    "a link": lambda text: re.sub(r"(\w+) ", r'<a href="https://example.com/x">\1</a> ', text, count=2),
    "underlined": lambda text: re.sub(r"(\w+) ", r"<u>\1</u> ", text),
    "places to break": lambda text: re.sub(r"([/.:_-])", r"\1<wbr>", text),
    "a heading": lambda text: f"<h2>{text}</h2>",
    "a shell's lines": lambda text: text.replace(" ", " \\\n    "),
    "YAML's lines": lambda text: text.replace(" ", "\\\n    \\ "),
    "a double frame": lambda text: text.replace(" ", "     ║\n║ "),
    "colours of JSON": _colour("\\u001b[31m", "\\u001b[0m"),
    "colours of a program": _colour("\\x1b[1;31m", "\\x1b[0m"),
    "colours of a shell": _colour("\\033[31m", "\\e[0m"),
    "colours of syslog": _colour("#033[31m", "#033[0m"),
    "colours of a pager": _colour("^[[31m", "^[[0m"),
    "colours without their sign": _colour("\ufffd[31m", "␛[0m"),
    "colours of 24 bits": _colour("[38;2;255;0;0m", "[0m"),
    "a link in a terminal": _colour("\x1b]8;;https://example.com\x1b\\", "\x1b]8;;\x07"),
}


@pytest.mark.parametrize("sentence", SENTENCES)
@pytest.mark.parametrize("wrap", UNDONE.values(), ids=UNDONE)
def test_every_wrapper_comes_off_of_every_sentence(wrap, sentence):
    assert any(wrap(each) != each for each in SENTENCES)
    wrapped = wrap(sentence)
    assert sentence in normalise(wrapped).text
    assert plain(wrapped) == normalise(wrapped).text


@pytest.mark.parametrize("lines", ['["a",\n"b"]', '"a"\n"b"', "'a'\r\n'b'", '"a" "b"'])
def test_quoted_lines_are_no_pieces_of_one_literal(lines):
    assert normalise(lines).text == lines.replace("\r\n", " ").replace("\n", " ")


@pytest.mark.parametrize("kept", ["ROLE_ARN=\nKEY=", "a=3D\nb=20", f"{'x' * 59}=20 {'y' * 20}=\nb=3D"])
def test_equals_signs_of_no_mail_stay(kept):
    assert normalise(kept).text == kept.replace("\n", " ")


@pytest.mark.parametrize("kept", ["arn+aws+kms%2Fkey", "a+b=%3D", "1+1+1+1%20", "C++"])
def test_plus_signs_of_no_form_stay(kept):
    assert normalise(kept).text.count("+") == kept.count("+")


BEFORE_LINES = {
    "line numbers": "{n:>4} ",
    "line numbers with a bar": "{n:>3} | ",
    "line numbers with a colon": "{n}: ",
    "numbers of a build": "#9 {n}.234 ",
    "a time": "10:11:{n} ",
    "a time in brackets": "[2026-11-23T10:11:{n}.123Z] ",
    "a time and a zone": "[2026-11-23 10:11:{n} UTC] ",
    "Go": "2026/11/23 10:11:{n}.123456 ",
    "klog": "E1123 10:11:{n}.123456       1 controller.go:114] ",
    "Log4j": "2026-11-23 10:11:{n},123 ERROR [main] c.e.Foo - ",
    "Spring": "2026-11-23T10:11:{n}.123Z ERROR 1 --- [nio-8080-exec-1] c.e.Foo : ",
    "Rails": "E, [2026-11-23T10:11:{n}.123456 #12] ERROR -- : ",
    "Airflow": "[2026-11-23, 10:11:{n} UTC] {{taskinstance.py:1824}} ERROR - ",
    "nginx": "2026/11/23 10:11:{n} [error] 12#12: ",
    "syslog": "<14>1 2026-11-23T10:11:{n}.003Z host app 1234 - - ",
    "Heroku": "2026-11-23T10:11:{n}.123456+00:00 app[web.1]: ",
    "CloudWatch": "2026-11-23T10:11:{n}.123Z\t1b2c3d4e-1111-2222-3333-444455556666\tERROR\t",
    "GitHub Actions": "build\tDeploy\t2026-11-23T10:11:{n}.1234567Z ",
    "Jenkins": "[Pipeline] ",
    "Maven": "[ERROR] ",
    "a level": "ERROR: ",
    "kubectl": "[pod/web-7d9c5b8f-abcde/app] ",
    "containers": "vault      | ",
    "Terraform": "null_resource.x (local-exec): ",
    "a test's report": "E       ",
}


@pytest.mark.parametrize("sentence", SENTENCES)
@pytest.mark.parametrize("before", BEFORE_LINES.values(), ids=BEFORE_LINES)
def test_what_a_logger_writes_before_every_line_comes_off(before, sentence):
    lines = ["The request failed:", *sentence.split(" ")]
    wrapped = "\n".join(before.format(n=number) + line for number, line in enumerate(lines, 11))
    normal = normalise(wrapped)
    assert sentence in normal.text
    assert plain(wrapped) == normal.text
    at = normal.text.index(sentence)
    start, end = normal.span(at, at + len(sentence))
    assert wrapped[start:end].startswith(lines[1])
    assert wrapped[start:end].endswith(lines[-1])


@pytest.mark.parametrize(
    "lines",
    [
        ("AADSTS50012: Invalid client secret.", "AADSTS70012: Invalid client secret."),
        ("1. arn:aws:kms:eu-west-1:111122223333:key/a", "1. arn:aws:kms:eu-west-1:444455556666:key/a"),
        ("111122223333 owner", "444455556666 owner"),
        ("Vault: a", "Vault: b"),
        ("the key was not found", "the key was disabled"),
        ('[1] "kms:Decrypt"', '[2] "kms:Encrypt"'),
        ("[INFO] ready", "[ERROR] the key was disabled"),
        ("I looked at the key.", "I am getting an error."),
    ],
)
def test_what_lines_say_stays_though_they_begin_alike(lines):
    text = normalise("\n".join(lines)).text
    assert all(set(line.split()) - {"[ERROR]", "[2]", "1."} <= set(text.split()) for line in lines)


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("before", ["    ", "> ", "  | ", "# "])
def test_a_window_that_broke_words_behind_a_gutter_is_undone(before, width):
    paste = (
        "Error: google-github-actions/auth failed with: failed to generate Google Cloud federated token: " * 4
        + SENTENCE
    )
    room = width - len(before)
    broken = "\n".join(before + paste[at : at + room] for at in range(0, len(paste), room))
    assert SENTENCE in normalise(broken).text
    assert SENTENCE in plain(broken)


@pytest.mark.parametrize("width", [60, 77, 80, 100, 120])
def test_a_window_that_broke_words_is_undone(width):
    paste = (
        "Error: google-github-actions/auth failed with: failed to generate Google Cloud federated token: " * 4
        + SENTENCE
    )
    broken = "\n".join(paste[at : at + width] for at in range(0, len(paste), width))
    assert SENTENCE in normalise(broken).text
    assert SENTENCE in plain(broken)


@pytest.mark.parametrize("width", range(60, 121))
def test_a_writer_who_broke_between_words_keeps_them(width):
    paste = (
        "Error: the request for a token of the federated identity failed, and nothing else was tried. " * 3 + SENTENCE
    )
    assert SENTENCE in normalise(textwrap.fill(paste, width)).text


@pytest.mark.parametrize("break_", [" │\n│ ", " │\r\n│ ", " ││ "])
@pytest.mark.parametrize("width", range(64, 90))
def test_a_framed_view_that_broke_words_is_undone(width, break_):
    paste = "Warning InvalidProviderConfig 10s (x14 over 51s) secret-store failed to exchange the token: " + SENTENCE
    broken = break_.join(paste[at : at + width] for at in range(0, len(paste), width))
    assert SENTENCE in normalise(broken).text
    assert SENTENCE in plain(broken)


@pytest.mark.parametrize("width", range(60, 121))
def test_a_frame_around_whole_words_keeps_them(width):
    paste = "Error: the token of the federated identity was refused, and nothing else was tried here. " * 9 + SENTENCE
    lines = [f"│ {line:{width}} │" for line in textwrap.wrap(paste, width)]
    assert SENTENCE in normalise("\n".join(lines)).text


@pytest.mark.parametrize(
    "kept", ["arn:aws:iam::***:user/x", "<account-id>", "####", "a - b", "C++ + x", "x | y", "''", 'x=""', "'' + \"\""]
)
def test_masks_and_placeholders_stay(kept):
    assert normalise(f"see {kept} here").text == f"see {kept} here"


PIECES = st.sampled_from(
    [
        "a",
        " ",
        "\n",
        "\t",
        "\\",
        '"',
        "'",
        "n",
        "│ ",
        "| ",
        "> ",
        "*",
        "`",
        "&quot;",
        "%20",
        "“",
        "\u200b",
        "[1;",
        "m",
        "\x1b[31m",
        "<code>",
        "2020-02-02 12:14:52",
        "//",
        "+",
        "é",
        "😀",
        "u0022",
    ]
)


@given(st.lists(PIECES, max_size=60).map("".join) | st.text(max_size=200))
def test_places_are_true_and_both_forms_agree(text):
    normal = normalise(text)
    assert normal.text == plain(text)
    last = 0
    for offset in range(len(normal.text)):
        start, end = normal.span(offset, offset + 1)
        assert 0 <= start < end <= len(text)
        assert start >= last
        last = start
        if normal.text[offset].isalpha() and normal.text[offset] == text[start]:
            assert end == start + 1


_ASCII = (
    (
        "a",
        "n",
        "r",
        "t",
        ".",
        "B c",
        "word",
        "\\",
        "\\n",
        "\\\\n",
        "\\t",
        "\\r",
        '\\"',
        "\\u0020",
        "|",
        " | ",
        "> ",
        "# ",
    ),
    ("* ", "**", "***", "`", '"', "'", "+", '" + "', "&amp;", "&lt", "%20", "%0A", "<br>", "<p class=x >", "</td>"),
    ("[31m", "[12", "-- ", "//", "##[error]", "web_1  | ", "2026-11-23T10:11:12Z ", "Nov  3 10:11:12 host x[1]: "),
    (
        "Nov 3 10:11:12 host x: ",
        "\n[ERROR] ",
        "\n12 | ",
        "\nE  ",
        "\\x27",
        "^[[31m",
        "AADSTS50012:+a+b",
        "error_description=a+b",
    ),
    (" ", "  ", " " * 21, "\n", "\r\n", "\t", "\x0b", "\x1c", "\x1b[0m", "=", "=3D", "=\n", "w" * 50),
)


@settings(max_examples=1_000)
@given(st.lists(st.sampled_from([piece for pieces in _ASCII for piece in pieces]), max_size=16).map("".join))
def test_the_quick_way_for_ascii_gives_the_same(text):
    assert plain(text) == normalise(text).text


@given(st.lists(st.text(alphabet="abcdefghij", min_size=1, max_size=8), min_size=1, max_size=12))
def test_a_word_is_found_where_it_stands(words):
    text = "\n│ ".join(words)
    normal = normalise(text)
    assert normal.text == " ".join(words)
    position = 0
    for word in words:
        start, end = normal.span(position, position + len(word))
        assert text[start:end] == word
        position += len(word) + 1


def test_a_single_line_that_ends_in_an_equals_sign_is_no_mail() -> None:
    text = "key " * 14 + "a=3Db="
    assert plain(text) == normalise(text).text == text
    assert plain(f"{text}\nc=3Dd").endswith("a=bc=d")


def test_halves_of_characters_are_joined_or_marked() -> None:
    assert whole_characters("a \ud83d\ude00 b \ud800 c") == "a 😀 b \ufffd c"
    assert plain("a\ud800b") == normalise("a\ud800b").text == "a\ufffdb"
    assert classify("Rate exceeded \ud800") is not None
    assert diagnose("\ud800 client_secret=\udfff").text == "\ufffd client_secret=\ufffd"
