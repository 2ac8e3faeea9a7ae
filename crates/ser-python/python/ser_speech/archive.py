"""Answers for archives of millions of recordings, from any source of Arrow batches.

Each input row names a recording, and each output row is its answer. ``ser_speech.spark`` and ``ser_speech.ray`` write the answers of
a cluster.

The input columns may be in any order and case. Other columns are ignored.

- ``path``: the recording, in any supported format: a file, or a URL that fsspec can open, such as ``s3://…`` and ``hdfs://…``; in
  ``file:`` URLs ``%20`` is a space, and so on, other URLs are passed on as they are;
- ``bytes``: the bytes of such a file, instead of ``path``;
- ``id``: optional: identifies the answer, unique in each row; by default the path;
- ``start``, ``end``: optional: the part of the recording, in seconds;
- ``speaker``: optional: the speaker, one of ``speakers``;
- ``channel``: optional: the only channel to use, counted from 1.

The output columns are those of ``ser predict --manifest``; ``answer_schema`` returns them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from os import PathLike, fspath
from urllib.parse import unquote_to_bytes

import pyarrow
import pyarrow.compute

from ser_speech._native import Answerer, Model, Speaker

COLUMNS = ("id", "path", "bytes", "start", "end", "speaker", "channel")
"""The columns that are read from a table."""

# Rows per thread that are answered at a time, so that only a few fetched recordings are in memory.
_AT_ONCE = 16
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")

Row = tuple[str, str | None, bytes | None, float | None, float | None, str | None, int | None]
"""``(id, path, bytes, start, end, speaker, channel)``."""


def answer_batches(
    batches: Iterable[pyarrow.RecordBatch],
    *,
    model: str | PathLike[str] | None = None,
    labels: Sequence[str] | None = None,
    speakers: Mapping[str, Speaker] | None = None,
    threads: int | None = 1,
) -> Iterator[pyarrow.RecordBatch]:
    """Yields a batch of answers for each batch of rows, with one row for each row, in their order.

    A problem with a recording, such as a missing file, is in ``error`` of its row. A problem with the table raises a
    ``ValueError``. A problem that affects all recordings, such as a store that cannot be reached, raises its own exception; a disk
    that fails raises ``OSError``.

    ``model`` is a file that this process can open, by default the built-in model; each process reads it once. ``labels`` are the
    only labels to choose from. Use 1 thread in an engine that runs a task on each core; ``None`` uses all cores.
    """
    return Question.of(model, labels, speakers, threads).answers(batches)


def answer_schema(
    *, model: str | PathLike[str] | None = None, labels: Sequence[str] | None = None
) -> pyarrow.Schema:
    """Returns the columns of the answers: ``id``, ``label``, ``probability_…`` for each label of the model, ``uncertain``,
    ``out_of_distribution``, ``remarks``, ``seconds``, ``model`` and ``error``."""
    return Question.of(model, labels, None, 1).schema()


@dataclass(frozen=True)
class Question:
    """What is asked for all rows. It can be sent to other processes."""

    model: str | None
    fingerprint: str
    """The fingerprint that the model must have on every node."""
    labels: tuple[str, ...] | None
    speakers: tuple[tuple[str, bytes], ...]
    threads: int | None

    @classmethod
    def of(
        cls,
        model: str | PathLike[str] | None,
        labels: Sequence[str] | None,
        speakers: Mapping[str, Speaker] | None,
        threads: int | None,
    ) -> Question:
        """Makes a question of arguments, and checks them all, so that no wrong argument is found only later."""
        known = sorted((name, speaker.to_bytes()) for name, speaker in (speakers or {}).items())
        question = cls(
            model=None if model is None else os.path.abspath(fspath(model)),
            fingerprint=Model.load(model).fingerprint,
            labels=None if labels is None else tuple(labels),
            speakers=tuple(known),
            threads=threads,
        )
        question.answerer()
        return question

    def answerer(self) -> Answerer:
        """Returns the answerer of this process."""
        # A forked process has none of its parent's threads, so it needs an answerer of its own.
        return _answerer(self, os.getpid())

    def schema(self) -> pyarrow.Schema:
        """Returns the columns of the answers."""
        types = {"string": pyarrow.string(), "bool": pyarrow.bool_()}
        types |= {"float32": pyarrow.float32(), "float64": pyarrow.float64()}
        return pyarrow.schema([(name, types[kind]) for name, kind in self.answerer().columns])

    def answers(self, batches: Iterable[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
        """Yields a batch of answers for each batch of rows."""
        schema = self.schema()
        at_once = _AT_ONCE * (self.threads or os.cpu_count() or 1)
        for batch in batches:
            answered: list[list[object]] = []
            for begin in range(0, max(len(batch), 1), at_once):
                asked = rows(batch.slice(begin, at_once))
                asks = [(row[0], _sound(*row[:3]), *row[3:]) for row in asked]
                answered += self.answerer().answer(asks)
            columns = zip(*answered, strict=True) if answered else [()] * len(schema)
            arrays = [pyarrow.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)]
            yield pyarrow.RecordBatch.from_arrays(arrays, schema=schema)


@lru_cache(maxsize=1)
def _answerer(question: Question, process: int) -> Answerer:
    model = Model.load(question.model)
    if model.fingerprint != question.fingerprint:
        raise ValueError(
            f"{question.model}: expected the model {question.fingerprint}, found {model.fingerprint}: all nodes must open the same model file"
        )
    speakers = {name: Speaker.from_bytes(data, model) for name, data in question.speakers}
    labels = None if question.labels is None else list(question.labels)
    return Answerer(model, labels, speakers, question.threads)


def rows(batch: pyarrow.RecordBatch) -> list[Row]:
    """Returns the rows of a batch."""
    columns = {name.lower(): column for name, column in zip(batch.schema.names, batch.columns, strict=True)}
    if "path" not in columns and "id" not in columns:
        found = ", ".join(batch.schema.names) or "none"
        raise ValueError(f"expected a column `path`, or `id` and `bytes`, found {found}")
    nothing = [None] * len(batch)
    values = [_values(name, columns[name]) if name in columns else nothing for name in COLUMNS]
    return [_row(*row) for row in zip(*values, strict=True)]


def _row(
    id_: str | None,
    path: str | None,
    data: bytes | None,
    start: float | None,
    end: float | None,
    speaker: str | None,
    channel: int | None,
) -> Row:
    id_ = id_ or path
    if not id_:
        raise ValueError("column `path`: expected a value in each row, found none")
    if channel == 0:
        raise ValueError(f"column `channel`, row {id_!r}: expected a number of 1 or more, found 0")
    return id_, path or None, data, start, end, speaker or None, channel


def _values(name: str, column: pyarrow.Array) -> list[object]:
    wanted = {"bytes": pyarrow.binary(), "channel": pyarrow.uint16()}
    wanted |= {"start": pyarrow.float64(), "end": pyarrow.float64()}
    kind = wanted.get(name, pyarrow.string())
    if pyarrow.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    is_number = pyarrow.types.is_integer(column.type) or pyarrow.types.is_floating(column.type)
    is_kind = is_number if name in ("start", "end", "channel") else _is_like(column.type, kind)
    if not is_kind and not pyarrow.types.is_null(column.type):
        expected = {pyarrow.binary(): "bytes", pyarrow.string(): "text"}.get(kind, "numbers")
        raise ValueError(f"column `{name}`: expected {expected}, found {column.type}")
    if pyarrow.types.is_floating(column.type):
        # pandas stores missing numbers as NaN.
        column = pyarrow.compute.if_else(pyarrow.compute.is_nan(column), None, column)
    try:
        values: list[object] = column.cast(kind).to_pylist()
    except pyarrow.ArrowInvalid as error:
        raise ValueError(f"column `{name}`: expected {kind}: {error}") from None
    return values


def _is_like(found: pyarrow.DataType, kind: pyarrow.DataType) -> bool:
    """Whether ``found`` is one of Arrow's layouts of text or bytes, as ``kind`` says."""
    layouts = {
        pyarrow.string(): [pyarrow.string(), pyarrow.large_string(), pyarrow.string_view()],
        pyarrow.binary(): [pyarrow.binary(), pyarrow.large_binary(), pyarrow.binary_view()],
    }
    return found in layouts[kind]


def _sound(id_: str, path: str | None, data: bytes | None) -> str | bytes | Exception:
    """Returns the sound of a row: the path of a local file, bytes, or the error of a recording that does not exist."""
    if data is not None:
        return data
    if path is None:
        raise ValueError(f"row {id_!r}: expected a value in `path` or `bytes`, found none")
    if _URL.match(path) is None:
        return path
    if path.startswith("file:"):
        return _local(path)
    import fsspec

    store, name = fsspec.core.url_to_fs(path)
    try:
        content: bytes = store.cat_file(name)
    except (FileNotFoundError, IsADirectoryError) as error:
        return FileNotFoundError(f"{path}: No such file: check the path ({type(error).__name__})")
    return content


def _local(url: str) -> str | Exception:
    """Returns the path of a ``file:`` URL, or the error of a URL that names another machine.

    ``#`` and ``?`` belong to the path, because the column ``path`` of Spark's ``binaryFile`` has them as they are.
    """
    host, path = "", url.removeprefix("file:")
    if path.startswith("//"):
        host, _, path = path[2:].partition("/")
    if host not in ("", "localhost"):
        return FileNotFoundError(
            f"{url}: expected a file on this machine, such as file:///data/speech.wav, found the machine {host!r}: mount its folder, and "
            "name the path there"
        )
    return "/" + os.fsdecode(unquote_to_bytes(path)).lstrip("/")
