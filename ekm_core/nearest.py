"""The entries that resemble an unknown text: good enough for "perhaps", never counted as a match."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from functools import cache

from ekm_core.catalogue import errors
from ekm_core.model import KnownError

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]{2,40}")
_LEAST = 0.22
_TEXT_LIMIT = 20_000


def _words(text: str) -> Counter[str]:
    return Counter(word.lower() for word in _WORD.findall(text[:_TEXT_LIMIT]))


@cache
def _index() -> tuple[Mapping[str, float], Mapping[str, Mapping[str, float]]]:
    """Each word's rarity, and each entry's words with unit length."""
    bags = {
        error.id: _words(" ".join((error.title, error.summary, *(sample.text for sample in error.samples))))
        for error in errors().values()
    }
    seen = Counter(word for bag in bags.values() for word in bag)
    rarity = {word: math.log(1 + len(bags) / count) for word, count in seen.items()}
    return rarity, {error_id: _weighted(bag, rarity) for error_id, bag in bags.items()}


def _weighted(bag: Counter[str], rarity: Mapping[str, float]) -> dict[str, float]:
    weights = {word: (1 + math.log(count)) * rarity[word] for word, count in bag.items() if word in rarity}
    length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
    return {word: weight / length for word, weight in weights.items()}


def nearest(text: str, most: int = 3) -> tuple[KnownError, ...]:
    """The entries most like a NORMALISED text, best first; () where none is near enough to be worth a look."""
    rarity, entries = _index()
    words = _weighted(_words(text), rarity)
    scores = {
        error_id: sum(weight * entry.get(word, 0.0) for word, weight in words.items())
        for error_id, entry in entries.items()
    }
    best = sorted(scores, key=lambda error_id: -scores[error_id])[:most]
    return tuple(errors()[error_id] for error_id in best if scores[error_id] >= _LEAST)
