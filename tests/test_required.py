"""The letters that a pattern cannot do without: true for every sample of the catalogue and for hard syntax."""

from __future__ import annotations

import re

import pytest
import re2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.classify import Messages
from ekm_core import batch, catalogue, classify, normalise, redact, required


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("throttled", {"throttled"}),
        ("(?:Throttling|RateExceeded)(?:Exception)?", {"throttling", "rateexceeded"}),
        (r"cloudkms\.[a-z]+\b", {"cloudkms."}),
        ("colou?rful", {"colorful", "colourful"}),
        (r"\b(?:key ?ring|import ?job)s? ['\"]?x", {"key ring", "keyring", "import job", "importjob"}),
        (r"ab ['\"](?:\*|#)[^x]", {"ab '*", "ab '#", 'ab "*', 'ab "#'}),
        ("(?:abc)+def", {"abc"}),
        ("(?:abc)*defg", {"defg"}),
        ("note[a-c]te[^n]xt|wo?[.]rds", {"wo.rds", "w.rds", "note"}),
        (r"one [-_ ]|two[a\]x]|six[_-]s", {"one", "twoa", "two]", "twox", "six_s", "six-s"}),
        ("long{2,3}words", {"words"}),
        ("(?:optional)? certain words", {"certain words"}),
        (r"x{3}yz[^a]|(?:ab){2,}cd?e|e{0,2}fgh| - |(?:q{9}r)+stu", None),
        (r"x{3}yz[^a]|(?:abc){2,}d|e{0,2}fgh| - |(?:q{9}r)+stu", {"xxxyz", "abc", "fgh", " - ", "stu"}),
        ("permission denied on resource (?:\"a\"|'b')", {'resource "a"', "resource 'b'"}),
        (r"[]a[:alpha:]\]x]mentioned", {"mentioned"}),
        (r"\x41\x{1f600}\pL\p{Greek}written", {"written"}),
        ("(?P<name>abcd)|(?-i:EFGH)", {"abcd", "efgh"}),
        ("(?i)flagged", {"flagged"}),
        (
            r"AADSTS[ :]?(?:530\d{2}|54\w)",
            {"aadsts530", "aadsts 530", "aadsts:530", "aadsts54", "aadsts 54", "aadsts:54"},
        ),
        (r"[ab] the (?:Certificate|Verification)\w+", {"the certificate", "the verification"}),
        (r"maybe(?:or\w)?not", {"maybe"}),
        (r"(?:[a-z]x|here)\d", None),
        (r"error 530|53000\d", {"error 530", "53000"}),
        ("a|bcdef", None),
        ("(?:maybe)*", None),
        ("(?:maybe){0,3}?", None),
        (r"\w+", None),
        ("é{1}tat", {"tat"}),
    ],
)
def test_words(pattern: str, words: set[str] | None) -> None:
    assert required.literals(pattern) == (None if words is None else frozenset(words))


@pytest.mark.parametrize("raw", ["a b c", "a  b c", "a\tb c", "a \tb\t \tc", "a b   c", "a\t\tb\tc"])
@pytest.mark.parametrize("around", ["x{}y", "x {} y", "x\t{}\ty", "x  {} \ty"])
def test_a_word_is_found_however_its_blanks_are_written(raw: str, around: str) -> None:
    text = around.format(raw)
    normal = re.sub("[ \t]+", " ", text)
    for word in ("a b c", " a b c", "a b c ", " a b c "):
        if word in normal:
            assert any(spelling in text for spelling in required.raw_spellings(word))
    assert not any(spelling in "xa b-c" for spelling in required.raw_spellings("a b c"))


def test_every_sample_that_a_signature_matches_has_one_of_its_words() -> None:
    for error in catalogue.errors().values():
        for message in (*error.samples, *error.near_misses):
            text = normalise.plain(redact.redact(message.text).text)
            for signature in error.signatures:
                words = required.literals(signature.pattern)
                if words is not None and re2.search(f"(?i){signature.pattern}", text):
                    assert any(re.search(re.escape(word), text, re.I) for word in words), (signature.id, text)


SIGNATURES = [signature.pattern for error in catalogue.errors().values() for signature in error.signatures]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_a_signature_matches_has_one_of_its_words(data: st.DataObject) -> None:
    pattern = data.draw(st.sampled_from(SIGNATURES))
    text = data.draw(st.from_regex(re.compile(pattern, re.ASCII), alphabet=st.characters(max_codepoint=126)))
    words = required.literals(pattern)
    assert words
    normal = re.sub(" +", " ", text)
    if re2.search(f"(?i){pattern}", normal):
        assert any(word in normal.lower() for word in words), (pattern, normal, words)


def test_most_lines_without_an_error_need_no_second_look() -> None:
    """Also where they are denials of other services and other errors of the three clouds."""
    messages = Messages()
    lines = [messages.filler() for _ in range(4000)]
    doubtful = batch.Classifier("never")._doubtful(lines)
    assert len(doubtful) < len(lines) / 10


def test_every_signature_needs_some_letters() -> None:
    """One without any would make the triage look at every line of a log with all patterns."""
    words = classify.engine().literals()
    assert words
    assert min(len(word) for its in words.values() for word in its) >= 3
