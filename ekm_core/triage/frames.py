"""The triage as a function over data frames: for pandas, and for engines such as Spark (mapInPandas)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ekm_core.batch import NO_ERROR, Classifier, whole

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = "error_id string, error_ids array<string>, provider string, entities string"
"""The columns that are added, as Spark writes them."""


def frames(given: Iterable[pd.DataFrame], text_column: str = "text") -> Iterator[pd.DataFrame]:
    """Each frame with its text redacted and what was found in four more columns, as in a parquet file of the triage.

    A row whose text is no string has nothing found in it, and keeps its place.
    """
    classifier = Classifier()
    for frame in given:
        column = frame[text_column].tolist()
        texts = whole([text if isinstance(text, str) else "" for text in column])
        found = [result or NO_ERROR for result in classifier.found(texts)]
        yield frame.assign(
            **{
                text_column: [
                    (result.text or text) if isinstance(value, str) else value
                    for value, text, result in zip(column, texts, found, strict=True)
                ],
                "error_id": [result.ids[0] if result.ids else "" for result in found],
                "error_ids": [list(result.ids) for result in found],
                "provider": [result.provider for result in found],
                "entities": [json.dumps(dict(result.entities or {}), ensure_ascii=False) for result in found],
            }
        )
