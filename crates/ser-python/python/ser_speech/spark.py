"""Answers on Spark: tasks answer the rows of a table into a folder, and a killed run continues there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from os import PathLike

from pyspark.sql import DataFrame
from pyspark.sql.functions import coalesce, col, crc32, expr

from ser_speech._native import Speaker
from ser_speech.archive import COLUMNS
from ser_speech.shards import Archive, summed


def answer(
    df: DataFrame,
    out: str | PathLike[str],
    *,
    shards: int,
    model: str | PathLike[str] | None = None,
    labels: Sequence[str] | None = None,
    speakers: Mapping[str, Speaker] | None = None,
    threads: int = 1,
) -> DataFrame:
    """Answers the rows of a table into a folder with one file for each shard, and returns the answers.

    The columns are those of ``ser_speech.archive``; the column ``content`` of Spark's ``binaryFile`` is used as ``bytes``. If
    anything is killed, the same call answers only the missing shards. ``out`` must have the same path or URL for the executors, the
    driver and Spark, the recordings and ``model`` for the executors. Set ``threads`` to ``spark.task.cpus``.
    """
    archive = Archive.of(out, shards, model, labels, speakers, threads)
    if "content" in df.columns:
        df = df.withColumnRenamed("content", "bytes")
    df = df.select([name for name in df.columns if name.lower() in COLUMNS])
    sums = df.drop("bytes").mapInArrow(partial(summed, shards=shards), "counts array<long>, sum long")
    counts, there = archive.begin((row["counts"], row["sum"]) for row in sums.toLocalIterator())
    if archive.count() != sum(counts):
        names = [name.lower() for name in df.columns]
        id_ = coalesce(*(expr(f"nullif({name}, '')") for name in ("id", "path") if name in names))
        asked = df.withColumn("shard", crc32(id_.cast("binary")) % shards)
        asked = asked.where(~col("shard").isin(there)).repartition(shards, "shard")
        answer_each = partial(archive.answer, counts=counts)
        asked.sortWithinPartitions("shard").mapInArrow(answer_each, "shard long").collect()
    archive.check(sum(counts))
    return df.sparkSession.read.parquet(archive.out)
