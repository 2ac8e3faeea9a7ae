"""Lists of answers that convert to tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy

from ser_speech.answers import Answer, Span
from ser_speech.errors import SerError

if TYPE_CHECKING:
    import pandas
    import pyarrow


class Answers(list[Answer | SerError]):
    """The answers for files, in their order. A file without an answer is a ``SerError``."""

    labels: list[str]
    """The labels of the model, in its order."""

    def __init__(self, answers: Iterable[Answer | SerError], *, labels: Sequence[str]) -> None:
        super().__init__(answers)
        self.labels = list(labels)

    @property
    def errors(self) -> list[SerError]:
        """The errors of the files without an answer."""
        return [row for row in self if isinstance(row, SerError)]

    def to_pandas(self) -> pandas.DataFrame:
        """Returns a table with a row for each file, on a filewise index of audformat."""
        import pandas

        files = [row.path if isinstance(row, SerError) else row.file for row in self]
        index = pandas.Index(files, name="file", dtype="string")
        return _frame(self._columns(), index)

    def to_arrow(self) -> pyarrow.Table:
        """Returns a table with a row for each file, with the columns of ``ser predict --out answers.parquet`` and ``error``."""
        files = [row.path if isinstance(row, SerError) else row.file for row in self]
        return _table({"file": ("string", files), **self._columns()})

    def _columns(self) -> _Columns:
        said = [None if isinstance(row, SerError) else row for row in self]
        return {
            **_answers(said),
            "seconds": ("float64", [row and row.seconds for row in said]),
            "warnings": ("string", [row and " ".join(row.warnings) for row in said]),
            **_probabilities(said, self.labels),
            "error": ("string", [row.message if isinstance(row, SerError) else None for row in self]),
        }


class Spans(list[Span]):
    """The timeline of a recording: its pieces of speech with their answers."""

    file: str
    """Name of the recording; ``signal`` for an array."""
    seconds: float
    """Length of the recording in seconds."""
    damage: str | None
    """What is missing from a damaged recording, in words."""
    labels: list[str]
    """The labels of the model, in its order."""

    def __init__(
        self,
        spans: Iterable[Span],
        *,
        file: str,
        seconds: float,
        damage: str | None = None,
        labels: Sequence[str],
    ) -> None:
        super().__init__(spans)
        self.labels = list(labels)
        self.file = file
        self.seconds = seconds
        self.damage = damage

    def to_pandas(self) -> pandas.DataFrame:
        """Returns a table with a row for each span, on a segmented index of audformat."""
        import pandas

        index = pandas.MultiIndex.from_arrays(
            [
                pandas.Index([self.file] * len(self), dtype="string"),
                times([span.start for span in self]),
                times([span.end for span in self]),
            ],
            names=["file", "start", "end"],
        )
        return _frame(self._columns(), index)

    def to_arrow(self) -> pyarrow.Table:
        """Returns a table with a row for each span, with ``start`` and ``end`` in seconds."""
        return _table(
            {
                "file": ("string", [self.file] * len(self)),
                "start": ("float64", [span.start for span in self]),
                "end": ("float64", [span.end for span in self]),
                **self._columns(),
            }
        )

    def _columns(self) -> _Columns:
        columns = {**_answers(self), **_probabilities(self, self.labels)}
        if any(span.channel is not None for span in self):
            columns = {"channel": ("int32", [span.channel for span in self]), **columns}
        return columns


def times(seconds: list[float]) -> pandas.TimedeltaIndex:
    """Returns seconds as audformat has them: always in nanoseconds, whatever the values. A list would have the unit that fits it."""
    import pandas

    return pandas.to_timedelta(numpy.array(seconds, dtype=float), unit="s").as_unit("ns")


_Columns = dict[str, tuple[str, list[Any]]]
"""Columns by name: a type, and values, some of which may be ``None``."""


def _answers(rows: Sequence[Answer | Span | None]) -> _Columns:
    return {
        "emotion": ("string", [row and row.emotion for row in rows]),
        "confidence": ("float32", [row and row.confidence for row in rows]),
        "uncertain": ("bool", [row and row.uncertain for row in rows]),
    }


def _probabilities(rows: Sequence[Answer | Span | None], labels: list[str]) -> _Columns:
    return {
        label: ("float32", [row and row.probabilities[label] for row in rows]) for label in labels
    }


def _frame(columns: _Columns, index: pandas.Index) -> pandas.DataFrame:
    import pandas

    # The pandas types that can hold missing values.
    types = {"bool": "boolean", "int32": "Int32"}
    series = {
        name: pandas.Series(values, index, dtype=types.get(kind, kind))
        for name, (kind, values) in columns.items()
    }
    return pandas.DataFrame(series, index)


def _table(columns: _Columns) -> pyarrow.Table:
    import pyarrow

    types = {"string": pyarrow.string(), "bool": pyarrow.bool_(), "int32": pyarrow.int32()}
    types |= {"float32": pyarrow.float32(), "float64": pyarrow.float64()}
    return pyarrow.table(
        {name: pyarrow.array(values, types[kind]) for name, (kind, values) in columns.items()}
    )
