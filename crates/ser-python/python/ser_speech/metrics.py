"""Figures for answers whose true labels are known, with intervals over speakers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy

from ser_speech import _native
from ser_speech.answers import Answer
from ser_speech.errors import SerError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Interval = tuple[float, float]
"""Lower and upper limit of a 95 % interval."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Evaluation:
    """Figures from 0 to 1. The intervals resample speakers 1000 times, so they say what to expect from other speakers;
    with fewer than six there are none."""

    n: int
    """Number of clips."""
    labels: list[str]
    """The labels, in the order of ``classes`` and ``confusion``."""
    accuracy: float
    """Share of clips that are predicted correctly."""
    accuracy_interval: Interval | None
    """``None`` with fewer than two speakers."""
    uar: float
    """Unweighted average recall: the mean of the recalls of all classes that have clips."""
    uar_interval: Interval | None
    """``None`` with fewer than two speakers."""
    macro_f1: float
    """Mean F1 over the classes."""
    chance_accuracy: float
    """Accuracy of always predicting the most frequent class."""
    chance_uar: float
    """UAR of always predicting the same class."""
    classes: list[dict[str, Any]]
    """``label``, ``precision``, ``recall``, ``f1`` and ``support`` of each class."""
    confusion: NDArray[numpy.int64]
    """``[true label, predicted label]``: number of clips."""
    speakers: list[dict[str, Any]]
    """``group``, ``n``, ``accuracy`` and ``uar`` of each speaker."""
    log_loss: float | None
    """Mean of −ln of the true class's probability; ``None`` without probabilities."""
    brier: float | None
    """Mean of the squared distances between probabilities and true labels, from 0 to 2; ``None`` without probabilities."""
    calibration_error: float | None
    """Expected calibration error over 15 bins of confidence; ``None`` without probabilities."""


def evaluate(
    truth: Sequence[str],
    predicted: Sequence[str] | Sequence[Answer | SerError],
    *,
    speakers: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    probabilities: ArrayLike | None = None,
) -> Evaluation:
    """Compares answers with the true labels, clip by clip.

    ``predicted`` are labels, or what ``Model.predict_files`` returned, which includes probabilities. For labels, ``probabilities``
    can be given as well, ``[clips, labels]`` in the order of ``labels``. Without ``speakers`` there are no intervals, because clips
    of one voice are not independent. Labels that are no text, such as integers, are compared as text. A missing label or speaker,
    such as ``None`` or NaN, raises ``ValueError``.
    """
    truth = list(truth)
    names, given = _answers(list(predicted))
    voices = ["all"] * len(truth) if speakers is None else list(speakers)
    for argument, values in (("truth", truth), ("predicted", names), ("speakers", voices)):
        _complete(argument, values)
    if given and probabilities is not None:
        raise ValueError("probabilities: expected none beside answers, which have their own")
    truth, names = [str(label) for label in truth], [str(label) for label in names]
    if labels is None:
        labels = list(given) if given else sorted({*truth, *names})
    labels = [str(label) for label in labels]
    at = {label: position for position, label in enumerate(labels)}
    lacking = [label for label, values in given.items() if label not in at and any(values)]
    if lacking:
        raise ValueError(
            f"labels: expected all labels that the answers give a probability, got none for {', '.join(lacking)}: pass model.labels, or "
            "answer with predict_files(…, labels=…)"
        )
    unknown = [label for label in [*truth, *names] if label not in at]
    if unknown:
        raise ValueError(f"expected the labels {', '.join(labels)}, got {unknown[0]!r}")
    if not len(truth) == len(names) == len(voices):
        raise ValueError(
            "expected one prediction and one speaker for each true label, "
            f"got {len(names)} and {len(voices)} for {len(truth)}"
        )
    if given:
        probabilities = numpy.array([given.get(label, [0.0] * len(names)) for label in labels]).T
    if probabilities is None:
        rows = numpy.eye(len(labels), dtype=numpy.float32)[[at[name] for name in names]]
    else:
        exact = numpy.asarray(probabilities, numpy.float64)
        rows = numpy.array(exact, numpy.float32, order="C")
        if rows.shape != (len(truth), len(labels)):
            raise ValueError(
                f"probabilities: expected the shape {(len(truth), len(labels))}, got {rows.shape}"
            )
        for row, probable, name in zip(rows, exact, names, strict=True):
            best = probable.max()
            if probable[at[name]] < best:
                label = labels[probable.argmax()]
                raise ValueError(f"probabilities: expected the predicted label to be the most probable, got {name!r} where {label!r} is")
            if row.argmax() != at[name]:
                # Another label is as probable, or is after rounding. The figures are those of the label that was predicted.
                row[at[name]] = numpy.nextafter(row.max(), numpy.float32(2))
    found = _native.evaluate(labels, [at[label] for label in truth], rows, [str(voice) for voice in voices])
    metrics = found["metrics"]
    has_probabilities = probabilities is not None
    return Evaluation(
        **{name: metrics[name] for name in ("n", "labels", "accuracy", "uar", "macro_f1")},
        **{name: metrics[name] for name in ("chance_accuracy", "chance_uar", "classes")},
        accuracy_interval=_interval(found["accuracy_interval"]),
        uar_interval=_interval(found["uar_interval"]),
        confusion=numpy.array(metrics["confusion"], dtype=numpy.int64),
        speakers=[] if speakers is None else found["speakers"],
        log_loss=metrics["log_loss"] if has_probabilities else None,
        brier=metrics["brier"] if has_probabilities else None,
        calibration_error=metrics["calibration_error"] if has_probabilities else None,
    )


def _answers(
    predicted: Sequence[str | Answer | SerError],
) -> tuple[list[str], dict[str, list[float]]]:
    """Returns the predicted labels, and for answers the probabilities of each label."""
    names: list[str] = []
    given: dict[str, list[float]] = {}
    for number, answer in enumerate(predicted):
        if isinstance(answer, SerError):
            raise ValueError(f"clip {number} has no answer: {answer}; leave it out of truth and answers")
        names.append(answer.emotion if isinstance(answer, Answer) else answer)
        if isinstance(answer, Answer):
            for label, probability in answer.probabilities.items():
                given.setdefault(label, []).append(probability)
    return names, given


def _complete(argument: str, values: Sequence[object]) -> None:
    """Raises ``ValueError`` if values are missing. As text they would count as one more label, or as one more speaker."""
    missing = [position for position, value in enumerate(values) if _is_missing(value)]
    if missing:
        shown = ", ".join(map(str, missing[:10])) + (", …" if len(missing) > 10 else "")
        raise ValueError(
            f"{argument}: expected a value for each clip, found {len(missing)} of {len(values)} missing, at the positions {shown}, "
            "counted from 0: leave these clips out"
        )


def _is_missing(value: object) -> bool:
    try:
        return value is None or not str(value) or bool(value != value)
    except TypeError:
        # A comparison with pandas' NA is NA, which is neither true nor false.
        return True


def _interval(found: dict[str, float] | None) -> Interval | None:
    return None if found is None else (found["low"], found["high"])
