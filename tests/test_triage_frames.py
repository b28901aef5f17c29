"""Over data frames the triage finds what it finds over a file; the same function runs in Spark."""

import re
import sys
import textwrap
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ekm_core import triage
from ekm_core.triage.frames import frames
from tests.texts import many_texts

README = Path(__file__).resolve().parent.parent / "README.md"
SECRET = "client_secret=abc8Q~0123456789abcdefABCDEF0123456789ab"


def table():
    texts = [*many_texts()[:300], SECRET, "", "ünï"]
    return pd.DataFrame({"n": range(len(texts)), "text": texts})


def test_frames_give_what_a_file_gives(tmp_path):
    given = table()
    pq.write_table(pa.Table.from_pandas(given, preserve_index=False), tmp_path / "in.parquet")
    triage.run(str(tmp_path / "in.parquet"), str(tmp_path / "out.parquet"))
    made = pd.concat(frames([given[:100], given[100:]]))
    assert made.to_dict("records") == pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert "abc8Q~" not in made["text"].str.cat()


def test_a_row_without_text_keeps_its_place():
    (made,) = frames([pd.DataFrame({"text": ["x", None, 5]}, dtype=object)])
    assert made["text"].tolist() == ["x", None, 5]
    assert made["error_id"].tolist() == ["", "", ""]


def test_in_spark_as_the_readme_has_it(tmp_path, monkeypatch):
    sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed")
    snippet = re.search(
        r"(?m)^    from ekm_core\.triage\.frames (?:.*\n    )*.*mapInPandas.*$", README.read_text("utf-8")
    )
    (tmp_path / "logs").mkdir()
    texts = [*many_texts()[:300], SECRET, "", "ünï"]
    for number in range(2):
        some = texts[number * 150 :][: 150 + number * 3]
        part = pa.table({"id": range(number * 150, number * 150 + len(some)), "text": some, "more": some})
        pq.write_table(part, tmp_path / "logs" / f"{number}.parquet")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("PYTHONPATH", str(README.parent))
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    made: dict[str, Any] = {}
    with sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate() as spark:
        made["spark"] = spark
        exec(textwrap.dedent(snippet.group()), made)
        found = made["found"].orderBy("id")
        rows = [row.asDict() for row in found.collect()]
    triage.run("logs", "out.parquet")
    alone = pq.read_table("out.parquet").drop(["more"])
    assert found.columns == alone.column_names
    assert rows == alone.to_pylist()
    assert len(rows) == len(texts)
    assert sum(row["error_id"] != "" for row in rows) > 100
