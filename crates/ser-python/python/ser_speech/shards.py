"""Folders of answers, a file a shard: what ``ser_speech.spark`` and ``ser_speech.ray`` have in common.

A row belongs to the shard that the checksum of its id names, in whatever order rows come. The answers of a shard are a file, which is
written beside its name and gets it when it is whole; what has its name is not answered again.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import groupby
from operator import itemgetter
from os import PathLike, fspath
from uuid import uuid4

import fsspec
import pyarrow
import pyarrow.compute
import pyarrow.parquet

from ser_speech._native import Speaker
from ser_speech.archive import COLUMNS, Question, rows

HEADING = "_archive.json"
"""Says what a folder holds. What reads folders of tables passes over names that begin so."""

_FORMAT = 1

Work = Callable[[Iterable[pyarrow.RecordBatch]], Iterator[pyarrow.RecordBatch]]
"""What is made of batches."""


@dataclass(frozen=True)
class Archive:
    """A folder of the answers to one table. It can be sent to other processes."""

    out: str
    """The folder, which all of them open by this name."""
    shards: int
    question: Question

    @classmethod
    def of(
        cls,
        out: str | PathLike[str],
        shards: int,
        model: str | PathLike[str] | None,
        labels: Sequence[str] | None,
        speakers: Mapping[str, Speaker] | None,
        threads: int | None,
    ) -> Archive:
        """Of what an engine was called with."""
        if shards < 1:
            raise ValueError(f"shards: expected 1 or more, got {shards}")
        store, folder = fsspec.core.url_to_fs(fspath(out))
        question = Question.of(model, labels, speakers, threads)
        return cls(store.unstrip_protocol(folder).rstrip("/"), shards, question)

    def begin(self, sums: Iterable[tuple[Sequence[int], int]]) -> tuple[list[int], list[int]]:
        """Makes the folder for rows of which ``summed`` are the sums, or holds them against what it was made for. Gives the
        number of rows of each shard, and the shards that are there.

        Raises ``ValueError`` for the answers to another table, by another model, or in another number of shards.
        """
        counts, table = [0] * self.shards, 0
        for some, number in sums:
            counts = [count + int(more) for count, more in zip(counts, some, strict=True)]
            table += number
        heading = {
            "format": _FORMAT,
            "rows": sum(counts),
            "table": f"{table % 2**63:016x}",
            "shards": self.shards,
            "model": self.question.fingerprint,
            "labels": self.question.labels and list(self.question.labels),
            "speakers": {
                name: blake2b(data, digest_size=8).hexdigest() for name, data in self.question.speakers
            },
        }
        store, folder = fsspec.core.url_to_fs(self.out)
        store.makedirs(folder, exist_ok=True)
        if not store.exists(f"{folder}/{HEADING}"):
            self._write(HEADING, json.dumps(heading, indent=2).encode() + b"\n")
        there = json.loads(store.cat_file(f"{folder}/{HEADING}"))
        for name in {**heading, **there}:
            if heading.get(name) != there.get(name):
                raise ValueError(
                    f"{self.out}/{HEADING}: the answers here were begun by another call, {name}: expected {heading.get(name)}, "
                    f"found {there.get(name)}: go on with that one, or name another folder"
                )
        return counts, list(self._files())

    def count(self) -> int:
        """Answers that are there."""
        store, _ = fsspec.core.url_to_fs(self.out)
        count = 0
        for path in self._files().values():
            with store.open(path, "rb") as file:
                count += pyarrow.parquet.read_metadata(file).num_rows
        return count

    def check(self, count: int) -> None:
        """Raises ``RuntimeError`` unless so many answers are there, and removes what was left unfinished."""
        there = self.count()
        if there != count:
            raise RuntimeError(
                f"{self.out}: expected {count} answers, found {there}: the rows changed between two readings; take a table that "
                "stays as it is, and another folder"
            )
        store, folder = fsspec.core.url_to_fs(self.out)
        for path in store.glob(f"{folder}/.unfinished-*"):
            store.rm_file(path)

    def answer(
        self, batches: Iterable[pyarrow.RecordBatch], *, counts: Sequence[int]
    ) -> Iterator[pyarrow.RecordBatch]:
        """Answers rows that are sorted by ``shard``, each shard into its file. Gives the shards as they are there.

        Raises ``RuntimeError`` for a shard that has not as many rows as ``counts`` says, which is not written: to a worker of
        Python an executor of Spark that dies between two batches looks like the end of the rows.
        """
        for shard, pieces in groupby(_pieces(batches), itemgetter(0)):
            self._answer_shard(shard, (piece for _, piece in pieces), counts[shard])
            yield pyarrow.RecordBatch.from_pydict({"shard": [shard]})

    def _answer_shard(self, shard: int, pieces: Iterable[pyarrow.RecordBatch], count: int) -> None:
        store, folder = fsspec.core.url_to_fs(self.out)
        width = len(str(self.shards))
        name = f"shard-{shard:0{width}}-of-{self.shards}.parquet"
        if store.exists(f"{folder}/{name}"):
            return
        answers = self.question.answers(pieces)
        # Rows come in another order each time.
        table = pyarrow.Table.from_batches(answers, self.question.schema()).sort_by("id")
        if table.num_rows != count:
            raise RuntimeError(
                f"{self.out}: shard {shard}: expected {count} rows, found {table.num_rows}: what handed them out died, or the table "
                "changed meanwhile; call again, for another table with another folder"
            )
        ids = table["id"].to_pylist()
        for first, second in zip(ids, ids[1:], strict=False):
            if first == second:
                raise ValueError(f"two rows have the same id, {first!r}: answers are found by it, so that each must be another")
        data = pyarrow.BufferOutputStream()
        pyarrow.parquet.write_table(table, data)
        self._write(name, data.getvalue().to_pybytes())

    def _write(self, name: str, data: bytes) -> None:
        """Writes beside the name and renames. Whoever does so at the same time writes a file of their own."""
        store, folder = fsspec.core.url_to_fs(self.out)
        unfinished = f"{folder}/.unfinished-{name}.{uuid4().hex}"
        with store.open(unfinished, "wb") as file:
            file.write(data)
            if "file" in store.protocol:
                file.flush()
                os.fsync(file.fileno())
        store.mv(unfinished, f"{folder}/{name}")

    def _files(self) -> dict[int, str]:
        """The shards that are there, and their files."""
        store, folder = fsspec.core.url_to_fs(self.out)
        files = {}
        for path in store.ls(folder, detail=False, refresh=True):
            name = re.fullmatch(rf"shard-(\d+)-of-{self.shards}\.parquet", path.rsplit("/", 1)[-1])
            if name is not None:
                files[int(name[1])] = path
        return files


def summed(batches: Iterable[pyarrow.RecordBatch], *, shards: int) -> Iterator[pyarrow.RecordBatch]:
    """Of all batches in one row: the number of rows of each shard, and the sum of the rows' checksums, which is the same in any
    order."""
    counts, sums = [0] * shards, 0
    for batch in batches:
        for id_, path, _, *rest in rows(_without_bytes(batch)):
            counts[_shard(id_, shards)] += 1
            sums += _number(id_, path, *rest)
    yield pyarrow.RecordBatch.from_pydict({"counts": [counts], "sum": [sums % 2**63]})


def dealt(
    batches: Iterable[pyarrow.RecordBatch], *, shards: int, there: Sequence[int]
) -> Iterator[pyarrow.RecordBatch]:
    """The rows whose shards are not there, with the columns that are read and ``shard``."""
    for batch in batches:
        numbers = pyarrow.array([_shard(id_, shards) for id_, *_ in rows(_without_bytes(batch))], pyarrow.int64())
        batch = batch.select([name for name in batch.schema.names if name.lower() in COLUMNS])
        batch = batch.append_column("shard", numbers)
        is_there = pyarrow.compute.is_in(numbers, value_set=pyarrow.array(there, pyarrow.int64()))
        yield batch.filter(pyarrow.compute.invert(is_there))


def _without_bytes(batch: pyarrow.RecordBatch) -> pyarrow.RecordBatch:
    """Recordings themselves are many times as large as what they are told apart by."""
    return batch.select([name for name in batch.schema.names if name.lower() != "bytes"])


def _shard(id_: str, shards: int) -> int:
    return zlib.crc32(id_.encode()) % shards


def _number(*row: object) -> int:
    return int.from_bytes(blake2b(repr(row).encode(), digest_size=8).digest(), "big")


def _pieces(batches: Iterable[pyarrow.RecordBatch]) -> Iterator[tuple[int, pyarrow.RecordBatch]]:
    """Batches, cut where a shard ends."""
    for batch in batches:
        begin = 0
        for shard, same in groupby(batch["shard"].to_pylist()):
            count = len(list(same))
            yield shard, batch.slice(begin, count)
            begin += count
