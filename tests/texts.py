"""Many messages for tests that hold two ways to one answer against each other."""

from __future__ import annotations

import json
from pathlib import Path

from ekm_core import catalogue


def many_texts() -> list[str]:
    """Samples and near misses, alone, two in one text and in long ones; other messages where we have any."""
    texts = [item.text for error in catalogue.errors().values() for item in (*error.samples, *error.near_misses)]
    texts += [f"{one} … {two}" for one, two in zip(texts, texts[7:], strict=False)]
    texts += [f"{one} | {two}" for one, two in zip(texts, texts[5:], strict=False)]
    texts += [text + " filler" * 150 for text in texts[::3]] + ["filler " * 150 + text for text in texts[1::3]]
    corpus = Path(__file__).resolve().parents[2] / "shared" / "corpus" / "messages.jsonl"
    if corpus.exists():
        texts += [json.loads(line)["text"] for line in corpus.read_text("utf-8").splitlines()]
    return list(dict.fromkeys(texts))
