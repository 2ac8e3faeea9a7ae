"""The error for problems with recordings and files."""

from __future__ import annotations

from typing import Any


class SerError(Exception):
    """A problem with a recording or a file. A wrong argument raises ``ValueError`` or ``TypeError`` instead."""

    message: str
    """A sentence that says what is wrong and what to do."""
    kind: str
    """The kind of problem, as one word: ``not-opened``, ``not-read``, ``no-such-channel``, ``too-long``, ``damaged``, ``no-speech``,
    ``sampling-rate-too-low``, ``too-short`` or ``no-answer``; for a corpus also ``no-clips``, ``wrong-table`` or ``leak``."""
    path: str | None
    """The file, if there is one."""
    expected: str | None
    """The expected value, if the problem is a single value."""
    actual: str | None
    """The value that was found."""
    clips: list[tuple[tuple[str, str], tuple[str, str]]]
    """For a leak: the clips that two parts of a split share, each as its part and its name."""

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
        """Returns the fields as a dictionary, without ``clips``."""
        return {
            "file": self.path,
            "error": self.message,
            "kind": self.kind,
            "expected": self.expected,
            "actual": self.actual,
        }
