"""The entries that resemble an unknown text: good enough for "perhaps", never counted as a match."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from ekm_core.catalogue import errors
from ekm_core.model import KnownError

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]{2,40}")
_LEAST = 0.22
# Words that most entries share ("the", "key") prove no likeness, however many of them a text holds.
_RARE = 1.6
_LEAST_RARE = 3
_TEXT_LIMIT = 20_000


@dataclass(frozen=True, slots=True)
class _Index:
    """Each word's rarity, and for each word the entries that hold it with its share in them."""

    rarity: Mapping[str, float]
    holders: Mapping[str, tuple[tuple[str, float], ...]]


def _words(text: str) -> Counter[str]:
    return Counter(word.lower() for word in _WORD.findall(text[:_TEXT_LIMIT]))


@cache
def _index() -> _Index:
    bags = {
        error.id: _words(" ".join((error.title, error.summary, *(sample.text for sample in error.samples))))
        for error in errors().values()
    }
    seen = Counter(word for bag in bags.values() for word in bag)
    rarity = {word: math.log(1 + len(bags) / count) for word, count in seen.items()}
    holders: dict[str, list[tuple[str, float]]] = {}
    for error_id, bag in bags.items():
        for word, weight in _weighted(bag, rarity).items():
            holders.setdefault(word, []).append((error_id, weight))
    return _Index(rarity, {word: tuple(entries) for word, entries in holders.items()})


def _weighted(bag: Counter[str], rarity: Mapping[str, float]) -> dict[str, float]:
    """The words of a text by how much each tells, with unit length."""
    weights = {word: (1 + math.log(count)) * rarity[word] for word, count in bag.items() if word in rarity}
    length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
    return {word: weight / length for word, weight in weights.items()}


def nearest(text: str, most: int = 3) -> tuple[KnownError, ...]:
    """The entries most like a NORMALISED text, best first; () where none is near enough to be worth a look."""
    index = _index()
    scores: dict[str, float] = {}
    shared: Counter[str] = Counter()
    for word, weight in _weighted(_words(text), index.rarity).items():
        rare = index.rarity[word] >= _RARE
        for error_id, share in index.holders[word]:
            scores[error_id] = scores.get(error_id, 0.0) + weight * share
            shared[error_id] += rare
    near = [error_id for error_id in scores if scores[error_id] >= _LEAST and shared[error_id] >= _LEAST_RARE]
    return tuple(errors()[error_id] for error_id in sorted(near, key=lambda item: -scores[item])[:most])
