"""Folders of answers with one file for each shard: the common part of ``ser_speech.spark`` and ``ser_speech.ray``.

The checksum of its id decides to which shard a row belongs, whatever the order of the rows. The file of a shard is written under a
temporary name and renamed when it is complete, so a shard whose file exists is not answered again.
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
"""Name of the file that describes the folder. Readers of folders of tables skip names that begin with an underscore."""

_FORMAT = 1

Work = Callable[[Iterable[pyarrow.RecordBatch]], Iterator[pyarrow.RecordBatch]]
"""A function from batches to batches."""


@dataclass(frozen=True)
class Archive:
    """A folder with the answers for one table. It can be sent to other processes."""

    out: str
    """The folder, by the path or URL under which all processes open it."""
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
        """Makes an archive of the arguments of an engine's ``answer``."""
        if shards < 1:
            raise ValueError(f"shards: expected 1 or more, got {shards}")
        store, folder = fsspec.core.url_to_fs(fspath(out))
        if re.search(r"[*?\[\]{}\\]", folder):
            # Found only when the answers are read, this would cost the whole run.
            raise ValueError(f"out: expected a path without *?[]{{}}\\, which stores and engines read as a pattern, got {folder}")
        question = Question.of(model, labels, speakers, threads)
        return cls(store.unstrip_protocol(folder).rstrip("/"), shards, question)

    def begin(self, sums: Iterable[tuple[Sequence[int], int]]) -> tuple[list[int], list[int]]:
        """Creates the folder for rows with these sums of ``summed``, or checks that an existing folder was made for the same call.
        Returns the number of rows of each shard, and the finished shards.

        Raises ``ValueError`` without rows, and if the folder holds the answers for another table, by another model, for other labels or speakers, or
        in another number of shards.
        """
        counts, table = [0] * self.shards, 0
        for some, number in sums:
            counts = [count + int(more) for count, more in zip(counts, some, strict=True)]
            table += number
        if sum(counts) == 0:
            raise ValueError("expected a row for each recording, found none")
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
                    f"{self.out}/{HEADING}: another call started the answers here, {name}: expected {heading.get(name)}, "
                    f"found {there.get(name)}: continue that call, or name another folder"
                )
        return counts, list(self._files())

    def count(self) -> int:
        """Returns the number of answers in the finished shards."""
        store, _ = fsspec.core.url_to_fs(self.out)
        count = 0
        for path in self._files().values():
            with store.open(path, "rb") as file:
                count += pyarrow.parquet.read_metadata(file).num_rows
        return count

    def check(self, count: int) -> None:
        """Raises ``RuntimeError`` unless the folder has ``count`` answers, and removes unfinished files."""
        there = self.count()
        if there != count:
            raise RuntimeError(
                f"{self.out}: expected {count} answers, found {there}: the rows changed between two readings; use a table that "
                "does not change, and another folder"
            )
        store, folder = fsspec.core.url_to_fs(self.out)
        for path in store.glob(f"{folder}/.unfinished-*"):
            store.rm_file(path)

    def answer(
        self, batches: Iterable[pyarrow.RecordBatch], *, counts: Sequence[int]
    ) -> Iterator[pyarrow.RecordBatch]:
        """Answers rows that are sorted by ``shard``, each shard into its file. Yields the number of each shard when its file exists.

        Raises ``RuntimeError`` for a shard with another number of rows than ``counts`` says, and does not write it: if a Spark
        executor dies between two batches, its Python worker sees the end of the rows.
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
        # The rows come in a different order each time, and the file must be the same.
        table = pyarrow.Table.from_batches(answers, self.question.schema()).sort_by("id")
        if table.num_rows != count:
            raise RuntimeError(
                f"{self.out}: shard {shard}: expected {count} rows, found {table.num_rows}: the source of the rows died, or the "
                "table changed meanwhile; call again, with another folder if the table changed"
            )
        ids = table["id"].to_pylist()
        for first, second in zip(ids, ids[1:], strict=False):
            if first == second:
                raise ValueError(f"two rows have the same id, {first!r}: an id identifies an answer, so each row needs its own")
        data = pyarrow.BufferOutputStream()
        pyarrow.parquet.write_table(table, data)
        self._write(name, data.getvalue().to_pybytes())

    def _write(self, name: str, data: bytes) -> None:
        """Writes under a temporary name and renames. The name is unique, so processes that write the same file do not interfere."""
        store, folder = fsspec.core.url_to_fs(self.out)
        unfinished = f"{folder}/.unfinished-{name}.{uuid4().hex}"
        with store.open(unfinished, "wb") as file:
            file.write(data)
            if "file" in store.protocol:
                file.flush()
                os.fsync(file.fileno())
        store.mv(unfinished, f"{folder}/{name}")

    def _files(self) -> dict[int, str]:
        """Returns the finished shards and their files."""
        store, folder = fsspec.core.url_to_fs(self.out)
        files = {}
        for path in store.ls(folder, detail=False, refresh=True):
            name = re.fullmatch(rf"shard-(\d+)-of-{self.shards}\.parquet", path.rsplit("/", 1)[-1])
            if name is not None:
                files[int(name[1])] = path
        return files


def summed(batches: Iterable[pyarrow.RecordBatch], *, shards: int) -> Iterator[pyarrow.RecordBatch]:
    """Sums all batches up in one row: the number of rows of each shard, and the sum of the checksums of the rows, which does not
    depend on their order."""
    counts, sums = [0] * shards, 0
    for batch in batches:
        for id_, path, _, *rest in rows(_without_bytes(batch)):
            counts[_shard(id_, shards)] += 1
            sums += _number(id_, path, *rest)
    yield pyarrow.RecordBatch.from_pydict({"counts": [counts], "sum": [sums % 2**63]})


def dealt(
    batches: Iterable[pyarrow.RecordBatch], *, shards: int, there: Sequence[int]
) -> Iterator[pyarrow.RecordBatch]:
    """Yields the rows whose shards are not finished, with only the columns that are read, and with ``shard``."""
    for batch in batches:
        numbers = pyarrow.array([_shard(id_, shards) for id_, *_ in rows(_without_bytes(batch))], pyarrow.int64())
        batch = batch.select([name for name in batch.schema.names if name.lower() in COLUMNS])
        batch = batch.append_column("shard", numbers)
        is_there = pyarrow.compute.is_in(numbers, value_set=pyarrow.array(there, pyarrow.int64()))
        yield batch.filter(pyarrow.compute.invert(is_there))


def _without_bytes(batch: pyarrow.RecordBatch) -> pyarrow.RecordBatch:
    """Drops the recordings themselves, which are much larger than the columns that identify them."""
    return batch.select([name for name in batch.schema.names if name.lower() != "bytes"])


def _shard(id_: str, shards: int) -> int:
    return zlib.crc32(id_.encode()) % shards


def _number(*row: object) -> int:
    return int.from_bytes(blake2b(repr(row).encode(), digest_size=8).digest(), "big")


def _pieces(batches: Iterable[pyarrow.RecordBatch]) -> Iterator[tuple[int, pyarrow.RecordBatch]]:
    """Divides batches where a shard ends."""
    for batch in batches:
        begin = 0
        for shard, same in groupby(batch["shard"].to_pylist()):
            count = len(list(same))
            yield shard, batch.slice(begin, count)
            begin += count
