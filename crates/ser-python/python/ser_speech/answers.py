"""Answers for recordings, as objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer for a recording as a whole."""

    file: str
    """Name of the recording; ``signal`` for an array."""
    emotion: str
    """The most probable label."""
    confidence: float
    """Probability of the most probable label."""
    uncertain: bool
    """Whether you should not rely on the answer."""
    seconds: float
    """Length of the recording in seconds."""
    probabilities: dict[str, float]
    """Probability of each label."""
    warnings: list[str]
    """Remarks on the recording, as single words."""
    synthetic_model: bool
    """Whether the model was trained on synthetic voices."""

    def to_dict(self) -> dict[str, Any]:
        """Returns the object that ``ser predict --json`` prints."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Span:
    """The answer for a piece of speech."""

    start: float
    """Start of the piece, in seconds."""
    end: float
    """End of the piece, in seconds."""
    emotion: str
    """The most probable label."""
    confidence: float
    """Probability of the most probable label."""
    uncertain: bool
    """Whether you should not rely on the answer."""
    probabilities: dict[str, float]
    """Probability of each label."""
    channel: int | None = None
    """The channel, counted from 1, if each channel was answered separately."""

    def to_dict(self) -> dict[str, Any]:
        """Returns the object that ``ser timeline --json`` prints."""
        line = {name: getattr(self, name) for name in self.__slots__}
        if self.channel is None:
            del line["channel"]
        return line


class Region(TypedDict):
    """A part of a recording, and how much the answer depends on it."""

    seconds: list[float]
    """Start and end in time, in seconds."""
    hertz: list[float]
    """Lower and upper limit in frequency, in Hz."""
    drop: float
    """Probability of the answer minus its probability without the region."""


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """The parts of a recording that the answer depends on."""

    file: str
    """Name of the recording; ``signal`` for an array."""
    emotion: str
    """The most probable label."""
    probability: float
    """Probability of the most probable label."""
    uncertain: bool
    """Whether you should not rely on the answer."""
    regions: list[Region]
    """The regions that the answer depends on most, the strongest first."""
    warnings: list[str]
    """Remarks on the recording, as single words."""
    synthetic_model: bool
    """Whether the model was trained on synthetic voices."""
    drops: NDArray[numpy.float32]
    """``[frequencies, times]``: probability of the answer minus its probability without the sound in that patch."""
    times: NDArray[numpy.float64]
    """``[times]``: centres of the removed patches, in seconds."""
    frequencies: NDArray[numpy.float64]
    """``[frequencies]``: centres of the removed patches, in Hz; evenly spaced in mel."""
    svg: str
    """The picture of ``ser explain``."""

    def to_dict(self) -> dict[str, Any]:
        """Returns the object that ``ser explain --json`` prints, without the picture."""
        arrays = {"drops", "times", "frequencies", "svg"}
        return {name: getattr(self, name) for name in self.__slots__ if name not in arrays}
