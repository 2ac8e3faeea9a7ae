"""What is compiled."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from os import PathLike
from typing import Any, Literal, NoReturn, SupportsFloat, final

import numpy
from numpy.typing import ArrayLike, NDArray

from ser_speech.answers import Answer, Explanation, Span
from ser_speech.corpora import Clip, Split
from ser_speech.errors import SerError
from ser_speech.tables import Answers, Spans

__all__ = [
    "Answerer",
    "Corpus",
    "FeatureExtractor",
    "Listener",
    "Model",
    "SpanIterator",
    "Speaker",
    "delta",
    "evaluate",
    "program",
]

_Path = str | PathLike[str]

@final
class Answerer:
    """Answers rows of archives; see ``ser_speech.archive``."""

    def __new__(
        cls,
        model: Model,
        labels: Sequence[str] | None,
        speakers: Mapping[str, Speaker],
        threads: int | None,
    ) -> Answerer: ...
    @property
    def columns(self) -> list[tuple[str, str]]:
        """The columns of the answers: names, and the kinds of their values as Arrow names them."""

    def answer(
        self,
        rows: Sequence[
            tuple[str, str | bytes | Exception, float | None, float | None, str | None, int | None]
        ],
    ) -> list[list[Any]]:
        """A list of values for each ``(id, sound, start, end, speaker, channel)``. A sound is the path of a file, the bytes of
        one, or why it could not be fetched."""

@final
class Model:
    """A model that is ready to answer. Any number of threads may ask it at a time.

    A recording is a path to a file of any format and length, or an array ``[samples]`` or ``[channels, samples]`` with its
    sampling rate in Hz. All answers may be asked for with

    - ``labels``: the only labels that can be; their probabilities sum to 1;
    - ``speaker``: whose voice it is, from ``enroll``;
    - ``channel``: the only channel that is listened to, counted from 1. Otherwise all are compared, and mixed if they
      belong together.

    What is wrong with a file is raised as ``SerError``, a wrong argument as ``ValueError`` or ``TypeError``.
    """

    @staticmethod
    def load(path: _Path | None = None) -> Model:
        """Reads a model file; without one it is the built-in model."""

    @staticmethod
    def from_bytes(data: bytes) -> Model:
        """Reads what ``to_bytes`` gave."""

    def to_bytes(self) -> bytes:
        """What a model file holds. Pickle keeps a model as that."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def labels(self) -> list[str]:
        """What an answer may be."""

    @property
    def fingerprint(self) -> str:
        """What tells its weights from others."""

    def to_dict(self) -> dict[str, Any]:
        """What there is to say of it: name, labels, parameters, fingerprint, enrolls, synthetic."""

    def predict(
        self,
        recording: _Path | ArrayLike,
        sampling_rate: SupportsFloat | None = None,
        *,
        labels: Sequence[str] | None = None,
        speaker: Speaker | None = None,
        channel: int | None = None,
    ) -> Answer:
        """What a recording expresses as a whole."""

    def predict_files(
        self,
        paths: Iterable[_Path],
        *,
        threads: int | None = None,
        progress: Callable[[int, int], object] | None = None,
        labels: Sequence[str] | None = None,
        speaker: Speaker | None = None,
        channel: int | None = None,
        adapt: bool = False,
    ) -> Answers:
        """What files express, each as a whole, in their order.

        A file that has no answer is a ``SerError`` in the list. The files are answered on ``threads`` threads, or
        one for each core. ``progress`` is called with the number of files that are done and the number of all of them.

        ``adapt`` takes the files, four at least, for one collection: one channel, room and language, in which emotions are
        mixed. How they sound on average is taken away from each, without labels; from a collection of one emotion that takes the
        emotion away. Files without speech have no answer then, each counts twice in ``progress``, and confidences and the
        marks of uncertain answers are those that were measured with a speaker enrolled.
        """

    def timeline(
        self,
        recording: _Path | ArrayLike,
        sampling_rate: SupportsFloat | None = None,
        *,
        labels: Sequence[str] | None = None,
        speaker: Speaker | None = None,
        channel: int | Literal["each"] | None = None,
    ) -> Spans:
        """What a recording expresses when. Channels can be heard ``"each"`` by itself, as in calls."""

    def listen(
        self,
        sampling_rate: SupportsFloat,
        *,
        labels: Sequence[str] | None = None,
        speaker: Speaker | None = None,
        channel: int | None = None,
    ) -> Listener:
        """Listens to live sound of so many samples a second."""

    def embed(
        self,
        recording: _Path | ArrayLike,
        sampling_rate: SupportsFloat | None = None,
        *,
        channel: int | None = None,
    ) -> NDArray[numpy.float32]:
        """What the networks make of a recording before they decide, ``[E]``: the values of one network behind those of
        another. Recordings that lie close together sound alike to the model."""

    def explain(
        self,
        recording: _Path | ArrayLike,
        sampling_rate: SupportsFloat | None = None,
        *,
        labels: Sequence[str] | None = None,
        channel: int | None = None,
    ) -> Explanation:
        """What the answer on a recording of 0.2 to 30 s rests on. It is heard some hundred times, which takes about as long
        as it lasts."""

    def enroll(
        self,
        recordings: Iterable[_Path | tuple[ArrayLike, SupportsFloat]],
        *,
        channel: int | None = None,
    ) -> Speaker:
        """How a speaker sounds on average, from recordings without labels: paths, or pairs of an array and its rate.

        Those that cannot be used are left out, and ``Speaker.skipped`` says why.
        """

@final
class Listener:
    """Listens to live sound, block by block. Spans do not depend on how the sound is cut into blocks.

    A block is an array ``[samples]`` or ``[channels, samples]`` of any length.
    """

    def push(self, block: ArrayLike) -> list[Span]:
        """Takes the next samples, and gives the spans that are complete now."""

    def finish(self) -> list[Span]:
        """Says that no more samples come, and gives the last spans."""

    def spans(self, blocks: Iterable[ArrayLike]) -> SpanIterator:
        """The spans of all blocks that an iterable gives, each as soon as it is complete."""

@final
class SpanIterator(Iterator[Span]):
    """What ``Listener.spans`` gives."""

    def __iter__(self) -> SpanIterator: ...
    def __next__(self) -> Span: ...

@final
class Speaker:
    """How a speaker sounds on average, to a model: what ``Model.enroll`` gives, and what ``speaker=`` takes."""

    @staticmethod
    def load(path: _Path, model: Model) -> Speaker:
        """Reads a file that ``save`` or ``ser enroll`` wrote."""

    @staticmethod
    def from_bytes(data: bytes, model: Model) -> Speaker:
        """Reads what ``to_bytes`` gave."""

    def save(self, path: _Path) -> None:
        """Writes a file for ``load``, such as ``ser enroll`` keeps."""

    def to_bytes(self) -> bytes:
        """What ``save`` writes."""

    @property
    def clips(self) -> int:
        """Recordings that it was made from; pieces of the longer ones."""

    @property
    def skipped(self) -> list[SerError]:
        """Why other recordings could not be used."""

@final
class FeatureExtractor:
    """The chain from samples to features. Any number of threads may use it at a time."""

    def __new__(
        cls,
        output: str,
        *,
        sr: SupportsFloat,
        n_fft: int = 2048,
        hop_length: int = 512,
        win_length: int | None = None,
        window: str = "hann",
        center: bool = True,
        pad_mode: str = "constant",
        power: float = 2.0,
        n_mels: int = 128,
        fmin: float = 0.0,
        fmax: float | None = None,
        htk: bool = False,
        norm: str | None = ...,
        reference: float = 1.0,
        amin: float = 1e-10,
        top_db: float | None = ...,
        n_mfcc: int = 20,
        lifter: float = 0.0,
        voice: bool = False,
        relative_level: bool = True,
    ) -> FeatureExtractor:
        """``output`` is what the chain ends with: ``mfcc``, ``mel`` or ``functionals``."""

    @property
    def names(self) -> list[str]:
        """A name for each value of a row."""

    def extract(self, signal: ArrayLike) -> NDArray[numpy.float32]:
        """``[samples]`` → ``[frames, coefficients]``, one row of functionals."""

    def extract_signals(self, signals: Sequence[ArrayLike]) -> NDArray[numpy.float32]:
        """Functionals of many signals ``[samples]``, on all cores: ``[signals, coefficients]``."""

    def extract_files(self, paths: Sequence[_Path]) -> NDArray[numpy.float32]:
        """Functionals of many files, on all cores: ``[files, coefficients]``."""

    def mel(self, spectrogram: NDArray[numpy.float32]) -> NDArray[numpy.float32]:
        """Spectrogram → mel spectrogram: ``[frames, n_fft/2 + 1]`` → ``[frames, n_mels]``."""

    def mfcc(self, levels: NDArray[numpy.float32]) -> NDArray[numpy.float32]:
        """Log-mel levels → cepstral coefficients: ``[frames, n_mels]`` → ``[frames, n_mfcc]``."""

    def power_to_db(self, power: NDArray[numpy.float32]) -> NDArray[numpy.float32]:
        """Power → dB."""

@final
class Corpus:
    """Labelled clips. ``corpora.Corpus`` is what people see of it."""

    @staticmethod
    def open(path: _Path, root: _Path | None, labels: dict[str, list[str]]) -> Corpus:
        """Scans a folder, or reads a manifest."""

    @property
    def name(self) -> str: ...
    @property
    def synthetic(self) -> bool: ...
    @property
    def labels(self) -> list[str]: ...
    @property
    def targets(self) -> NDArray[numpy.int64]: ...
    @property
    def checksum(self) -> str: ...
    @property
    def audit(self) -> dict[str, Any]: ...
    def clips(self) -> list[Clip]:
        """The clips."""

    def read(self, index: int) -> tuple[NDArray[numpy.float32], int]:
        """The samples of a clip, and their rate."""

    def select(self, labels: Sequence[str]) -> Corpus:
        """Only the clips with these labels."""

    def merge_labels(self, renames: Sequence[tuple[str, str]]) -> Corpus:
        """Labels renamed, from the first to the second of each pair."""

    def splits(self, protocol: str, seed: int) -> list[Split]:
        """The splits of a protocol."""

    def split(
        self,
        name: str,
        train: Sequence[int],
        validation: Sequence[int],
        test: Sequence[int],
        share_speakers: bool,
    ) -> Split:
        """A split by hand, checked."""

def delta(rows: NDArray[numpy.float32], width: int, order: int) -> NDArray[numpy.float32]:
    """Derivative along the first axis: ``[frames, coefficients]`` → the same."""

def evaluate(
    labels: Sequence[str],
    truth: Sequence[int],
    probabilities: NDArray[numpy.float32],
    speakers: Sequence[str],
) -> dict[str, Any]:
    """What ``metrics.json`` has of answers: the position of each true label among the labels, ``[clips, labels]`` probabilities, and who
    speaks."""

def program(args: Sequence[str]) -> NoReturn:
    """The program ``ser``: does what the arguments ask for, of which the first is its own name, and ends the process."""
