"""The letters that a pattern cannot do without: true for every sample of the catalogue and for hard syntax."""

from __future__ import annotations

import re

import pytest
import re2

from ekm_core import catalogue, classify, normalise, redact, required


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("throttled", {"throttled"}),
        ("(?:Throttling|RateExceeded)(?:Exception)?", {"throttling", "rateexceeded"}),
        (r"cloudkms\.[a-z]+\b", {"cloudkms."}),
        ("colou?rful", {"colo"}),
        ("long{2,3}words", {"words"}),
        ("(?:optional)? certain words", {" certain words"}),
        (r"[]a[:alpha:]\]x]mentioned", {"mentioned"}),
        (r"\x41\x{1f600}\pL\p{Greek}written", {"written"}),
        ("(?P<name>abcd)|(?-i:EFGH)", {"abcd", "efgh"}),
        ("(?i)flagged", {"flagged"}),
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


def test_every_signature_needs_some_letters() -> None:
    """One without any would make the triage look at every line of a log with all patterns."""
    words = classify.engine().literals()
    assert words
    assert min(map(len, words)) >= 3
