"""Labelled clips, and splits of them that are checked for leaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any, overload

import numpy

from ser_speech import _native
from ser_speech.tables import times

if TYPE_CHECKING:
    import pandas
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One recording, or a part of one, with its labels."""

    name: str
    """Identifies the clip within its corpus."""
    file: str
    """Path of the recording."""
    start: float | None
    """Start of the clip in the file, in seconds; ``None`` if the clip is the whole file."""
    end: float | None
    """End of the clip in the file, in seconds; ``None`` if the clip is the whole file."""
    emotion: str
    """The label."""
    speaker: str
    """The speaker."""
    gender: str | None
    """Gender of the speaker, if known."""
    intensity: str | None
    """Intensity of the emotion, if known."""
    statement: str | None
    """The sentence, if known."""
    repetition: int | None
    """Number of the repetition, counted from 1."""
    seconds: float
    """Length in seconds."""
    content: str
    """Content hash of the sound; copies have the same hash."""
    attributes: dict[str, str]
    """The other columns of the manifest."""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Positions of clips in a corpus, in ascending order. No clip and no sound is in two parts, and no speaker either, except in
    random protocols.

    A split iterates as the pair that scikit-learn's ``cv=`` takes: train and validation together, then test.
    """

    name: str
    """Name of the split, such as ``fold-1``."""
    train: NDArray[numpy.int64]
    """Clips to train on."""
    validation: NDArray[numpy.int64]
    """Clips to choose an epoch or a threshold on."""
    test: NDArray[numpy.int64]
    """Clips to report on."""

    def __iter__(self) -> Iterator[NDArray[numpy.int64]]:
        yield numpy.sort(numpy.concatenate([self.train, self.validation]))
        yield self.test


class Corpus(Sequence[Clip]):
    """Labelled clips, sorted by file name."""

    def __init__(self, corpus: _native.Corpus) -> None:
        self._corpus = corpus
        self._clips: list[Clip] = corpus.clips()

    @classmethod
    def open(
        cls,
        path: str | PathLike[str],
        *,
        root: str | PathLike[str] | None = None,
        labels: Mapping[str, Sequence[str]] | None = None,
    ) -> Corpus:
        """Opens the clips of a known corpus anywhere under a folder, or those of a manifest: a CSV table with the columns
        ``path``, ``emotion`` and ``speaker``.

        Relative paths of a manifest are looked up in ``root`` first, if it is given, then in the manifest's folder. ``labels``
        joins spellings: ``{"happy": ["Happy", "joy"]}``. ``audit`` lists the files that were skipped.
        """
        for label, written in (labels or {}).items():
            if isinstance(written, str):
                # A text is a sequence as well, of its letters, and each letter would count as a spelling.
                raise TypeError(f"labels: expected a list of spellings, {{{label!r}: [{written!r}]}}, got the text {written!r}")
        spellings = {label: list(written) for label, written in (labels or {}).items()}
        return cls(_native.Corpus.open(path, root, spellings))

    @overload
    def __getitem__(self, index: int) -> Clip: ...
    @overload
    def __getitem__(self, index: slice) -> list[Clip]: ...
    def __getitem__(self, index: int | slice) -> Clip | list[Clip]:
        return self._clips[index]

    def __len__(self) -> int:
        return len(self._clips)

    def __repr__(self) -> str:
        return f"Corpus({self.name!r}, clips={len(self)})"

    @property
    def name(self) -> str:
        """Name of the folder or manifest."""
        return self._corpus.name

    @property
    def synthetic(self) -> bool:
        """Whether any clip is synthetic. Everything made from a synthetic corpus must say so."""
        return self._corpus.synthetic

    @property
    def labels(self) -> list[str]:
        """The labels, in the order of RAVDESS and then all others; after ``select``, in the order given there."""
        return self._corpus.labels

    @property
    def files(self) -> list[str]:
        """The file of each clip. If clips are parts of files, use ``read``: the file alone does not say which part."""
        return [clip.file for clip in self]

    @property
    def emotions(self) -> list[str]:
        """The label of each clip."""
        return [clip.emotion for clip in self]

    @property
    def speakers(self) -> list[str]:
        """The speaker of each clip."""
        return [clip.speaker for clip in self]

    @property
    def targets(self) -> NDArray[numpy.int64]:
        """The position of each clip's label in ``labels``."""
        return self._corpus.targets

    @property
    def checksum(self) -> str:
        """Hash of the names, labels and sounds of the clips. Their location makes no difference."""
        return self._corpus.checksum

    @property
    def audit(self) -> dict[str, Any]:
        """The findings of ``ser index``: counts, oddities, and every skipped file with the reason."""
        return self._corpus.audit

    def read(self, index: int) -> tuple[NDArray[numpy.float32], int]:
        """Returns the samples of a clip, mixed down to the mean of its channels, and their sampling rate in Hz."""
        return self._corpus.read(range(len(self))[index])

    def select(self, labels: Iterable[str]) -> Corpus:
        """Returns the corpus with only the clips of these labels."""
        return Corpus(self._corpus.select(list(labels)))

    def merge_labels(self, renames: Mapping[str, str]) -> Corpus:
        """Returns the corpus with renamed labels, so that several can become one: ``{"calm": "neutral"}``."""
        return Corpus(self._corpus.merge_labels(list(renames.items())))

    def splits(self, protocol: str, *, seed: int = 0) -> list[Split]:
        """Returns the splits of a protocol, which are the same on every machine: ``speakers-5`` for five speakers or more,
        ``loso`` for three or more, ``seed5`` and ``random10`` for any corpus, ``folds-a``, ``folds-b`` and ``statement`` for RAVDESS, ``given`` for a manifest.

        A leak raises a ``SerError`` of the kind ``leak`` that names the clips.
        """
        return self._corpus.splits(protocol, seed)

    def split(
        self,
        train: ArrayLike,
        test: ArrayLike,
        validation: ArrayLike = (),
        *,
        name: str = "split",
        share_speakers: bool = False,
    ) -> Split:
        """Returns a split of your own, checked for leaks like the splits of protocols. The parts are positions of clips.

        With ``share_speakers`` a speaker may be in two parts; figures from such a split are too optimistic.
        """
        return self._corpus.split(name, _positions(train), _positions(validation), _positions(test), share_speakers)

    def to_pandas(self) -> pandas.DataFrame:
        """Returns a table with a row for each clip, on an index of audformat: segmented if clips are parts of files, else
        filewise."""
        import pandas

        # A table holds text only, and a path may be no text.
        names = [file.encode(errors="replace").decode() for file in self.files]
        files = pandas.Index(names, name="file", dtype="string")
        index: pandas.Index[Any] = files
        if any(clip.start is not None for clip in self):
            starts = [0.0 if clip.start is None else clip.start for clip in self]
            ends = [clip.seconds if clip.end is None else clip.end for clip in self]
            index = pandas.MultiIndex.from_arrays([files, times(starts), times(ends)], names=["file", "start", "end"])
        fields = ["name", "emotion", "speaker", "gender", "intensity", "statement"]
        columns = {field: [getattr(clip, field) for clip in self] for field in fields}
        attributes = dict.fromkeys(name for clip in self for name in clip.attributes)
        # A column of the manifest with the name of a field does not replace that field.
        columns |= {name: [clip.attributes.get(name) for clip in self] for name in attributes if name not in columns}
        return pandas.DataFrame(columns, index, dtype="string")


def _positions(part: ArrayLike) -> list[int]:
    positions = numpy.asarray(part)
    if positions.size > 0 and positions.dtype.kind not in "iu":
        raise ValueError(f"expected positions of clips, got an array of {positions.dtype}")
    return positions.ravel().tolist()
