"""Over data frames the triage finds what it finds over a file; the same function runs in Spark."""

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ekm_core import triage
from ekm_core.triage.frames import SCHEMA, frames
from tests.texts import many_texts

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


def test_in_spark():
    sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed")
    spark = sql.SparkSession.builder.master("local[2]").getOrCreate()
    given = table()
    made = spark.createDataFrame(given).mapInPandas(frames, f"n long, text string, {SCHEMA}").toPandas()
    expected = pd.concat(frames([given]))
    assert made.sort_values("n")["error_id"].tolist() == expected["error_id"].tolist()
    spark.stop()
