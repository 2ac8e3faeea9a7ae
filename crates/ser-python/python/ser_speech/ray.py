"""Answers on Ray: rows of a dataset as tasks, answers as a folder that a killed run goes on with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from os import PathLike

import pyarrow
import ray.data

from ser_speech._native import Speaker
from ser_speech.shards import Archive, Work, dealt, summed

# A block of paths has so many rows that their Python objects would take more memory than all else.
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
    """Answers the rows of a dataset into a folder, a file a shard, and gives the answers.

    Columns are those of ``ser_speech.archive``. Whatever is killed meanwhile, the same call answers the shards that are not there
    yet: the folder is the checkpoint. All nodes open ``out``, the recordings and ``model`` by the same names. A task has so many
    ``threads`` and is given as many cores.
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
    """What is made of the batches of a block; one without rows has none."""
    nothing = pyarrow.RecordBatch.from_pylist([], table.schema)
    batches = table.to_batches(max_chunksize=_ROWS)
    return pyarrow.Table.from_batches(work(batches or [nothing]))
