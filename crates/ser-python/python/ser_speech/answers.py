"""What is said of recordings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Answer:
    """What a recording expresses as a whole."""

    file: str
    """Name of the recording; ``signal`` of an array."""
    emotion: str
    """The most probable label."""
    confidence: float
    """Its probability."""
    uncertain: bool
    """Whether not to rely on it."""
    seconds: float
    """Length of the recording."""
    probabilities: dict[str, float]
    """Probability of each label."""
    warnings: list[str]
    """Remarks on the recording, in single words."""
    synthetic_model: bool
    """Whether the model was trained on generated voices."""

    def to_dict(self) -> dict[str, Any]:
        """The object that ``ser predict --json`` prints."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Span:
    """What a piece of speech expresses."""

    start: float
    """Where it begins, in seconds."""
    end: float
    """Where it ends, in seconds."""
    emotion: str
    """The most probable label."""
    confidence: float
    """Its probability."""
    uncertain: bool
    """Whether not to rely on it."""
    probabilities: dict[str, float]
    """Probability of each label."""
    channel: int | None = None
    """The channel, counted from 1, where each was heard by itself."""

    def to_dict(self) -> dict[str, Any]:
        """The object that ``ser timeline --json`` prints."""
        line = {name: getattr(self, name) for name in self.__slots__}
        if self.channel is None:
            del line["channel"]
        return line


class Region(TypedDict):
    """A part of a recording, and what the answer owes to it."""

    seconds: list[float]
    """From and to."""
    hertz: list[float]
    """From and to."""
    drop: float
    """Probability of the answer less that without the region."""


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """What the answer on a recording rests on."""

    file: str
    """Name of the recording; ``signal`` of an array."""
    emotion: str
    """The most probable label."""
    probability: float
    """Its probability."""
    uncertain: bool
    """Whether not to rely on it."""
    regions: list[Region]
    """The regions that the answer owes most to, the strongest first."""
    synthetic_model: bool
    """Whether the model was trained on generated voices."""
    drops: NDArray[numpy.float32]
    """``[frequencies, times]``: probability of the answer less that without what sounds there."""
    times: NDArray[numpy.float64]
    """``[times]``: middles of what was taken away, in seconds."""
    frequencies: NDArray[numpy.float64]
    """``[frequencies]``: middles of what was taken away, in Hz; evenly spaced in mel."""
    svg: str
    """The picture of ``ser explain``."""

    def to_dict(self) -> dict[str, Any]:
        """The object that ``ser explain --json`` prints, without its picture."""
        arrays = {"drops", "times", "frequencies", "svg"}
        return {name: getattr(self, name) for name in self.__slots__ if name not in arrays}
