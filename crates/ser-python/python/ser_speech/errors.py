"""What is raised when a recording or a file is not as it should be."""

from __future__ import annotations

from typing import Any


class SerError(Exception):
    """What goes wrong with a recording or a file. A wrong argument is a ``ValueError`` or a ``TypeError``."""

    message: str
    """What is wrong, and what to do, in words."""
    kind: str
    """In one word: ``not-opened``, ``not-read``, ``no-such-channel``, ``too-long``, ``damaged``, ``no-speech``,
    ``sampling-rate-too-low``, ``too-short`` or ``no-answer``; of a corpus also ``no-clips``, ``wrong-table`` or ``leak``."""
    path: str | None
    """The file, if there is one."""
    expected: str | None
    """What should have been there, where that is a matter of one value."""
    actual: str | None
    """What was there."""
    clips: list[tuple[tuple[str, str], tuple[str, str]]]
    """Of a leak: the clips that two parts of a split share, each as its part and its name."""

    def __init__(
        self,
        message: str,
        kind: str = "no-answer",
        path: str | None = None,
        expected: str | None = None,
        actual: str | None = None,
        clips: list[tuple[tuple[str, str], tuple[str, str]]] | None = None,
    ) -> None:
        super().__init__(message, kind, path, expected, actual, clips)
        self.message = message
        self.kind = kind
        self.path = path
        self.expected = expected
        self.actual = actual
        self.clips = clips or []

    def __str__(self) -> str:
        return self.message

    def to_dict(self) -> dict[str, Any]:
        """Its fields."""
        return {
            "file": self.path,
            "error": self.message,
            "kind": self.kind,
            "expected": self.expected,
            "actual": self.actual,
        }
