"""Answers on Ray: tasks answer the rows of a dataset into a folder, and a killed run continues there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from os import PathLike

import pyarrow
import ray.data

from ser_speech._native import Speaker
from ser_speech.shards import Archive, Work, dealt, summed

# Rows per batch. A block of paths has so many rows that their Python objects would take more memory than everything else.
_ROWS = 10_000


def answer(
    dataset: ray.data.Dataset,
    out: str | PathLike[str],
    *,
    shards: int,
    model: str | PathLike[str] | None = None,
    labels: Sequence[str] | None = None,
    speakers: Mapping[str, Speaker] | None = None,
    threads: int = 1,
) -> ray.data.Dataset:
    """Answers the rows of a dataset into a folder with one file for each shard, and returns the answers.

    The columns are those of ``ser_speech.archive``. The folder is the checkpoint: if anything is killed, the same call answers only
    the missing shards. ``out``, the recordings and ``model`` must have the same paths or URLs on all nodes. Each task computes on
    ``threads`` cores.
    """
    archive = Archive.of(out, shards, model, labels, speakers, threads)
    total = partial(_each, partial(summed, shards=shards))
    sums = dataset.map_batches(total, batch_size=None, batch_format="pyarrow")
    counts, there = archive.begin((row["counts"], row["sum"]) for row in sums.iter_rows())
    if archive.count() != sum(counts):
        deal = partial(dealt, shards=shards, there=there)
        asked = dataset.map_batches(partial(_each, deal), batch_size=None, batch_format="pyarrow")
        groups = asked.groupby("shard", num_partitions=shards)
        answer_each = partial(_each, partial(archive.answer, counts=counts))
        groups.map_groups(answer_each, batch_format="pyarrow", num_cpus=threads).materialize()
    archive.check(sum(counts))
    return ray.data.read_parquet(archive.out)


def _each(work: Work, table: pyarrow.Table) -> pyarrow.Table:
    """Applies the work to the batches of a block. A block without rows counts as one empty batch."""
    nothing = pyarrow.RecordBatch.from_pylist([], table.schema)
    batches = table.to_batches(max_chunksize=_ROWS)
    return pyarrow.Table.from_batches(work(batches or [nothing]))
