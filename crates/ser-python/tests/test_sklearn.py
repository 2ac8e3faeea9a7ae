"""Functionals as a step of a scikit-learn pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import joblib
import numpy
import pytest
import ser_speech
from conftest import RATE, voice, whole_numbers, write_wav
from ser_speech import features
from ser_speech.sklearn import Functionals
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks


@parametrize_with_checks([Functionals(), Functionals(voice=True, n_mels=40)])  # type: ignore[untyped-decorator]
def test_it_is_an_estimator(estimator: Any, check: Any) -> None:
    check(estimator)


def test_clips_are_files_or_signals(tmp_path: Path) -> None:
    signals = [whole_numbers(voice(1)), whole_numbers(voice(0.5, 220))]
    files = [write_wav(tmp_path / f"{number}.wav", signal) for number, signal in enumerate(signals)]
    step = Functionals(RATE, voice=True)
    rows = step.fit_transform(files)
    assert rows.shape == (2, len(step.get_feature_names_out()))
    assert (step.transform(signals) == rows).all()
    assert (step.transform(numpy.array(list(map(str, files)))) == rows).all()
    assert (step.transform(numpy.array([signals[1]])) == rows[1]).all()
    expected = features.functionals(y=signals[1], sr=RATE, voice=True)
    assert dict(zip(step.get_feature_names_out(), rows[1].tolist(), strict=True)) == expected
    # The length of an array is that of the last fit alone.
    assert step.fit(numpy.array([signals[1]])).n_features_in_ == len(signals[1])
    assert not hasattr(step.fit(signals), "n_features_in_")


@pytest.mark.parametrize("kind", ["uint8", "int8", "int16", ">i2", "uint16", "int32", "uint32", "float32", "float64"])
def test_an_array_is_scaled_as_a_list_is(kind: str) -> None:
    dtype = numpy.dtype(kind)
    full_scale = 1.0 if dtype.kind == "f" else 2.0 ** (8 * dtype.itemsize - 1)
    middle = full_scale if dtype.kind == "u" else 0.0
    signals = [(middle + 0.5 * full_scale * voice(1, pitch)).astype(dtype) for pitch in (120, 220)]
    step = Functionals(RATE, relative_level=False)
    rows = step.fit_transform(signals)
    assert (step.transform(numpy.stack(signals)) == rows).all()
    # scikit-learn requires that 64-bit integers are accepted, but they have no scale.
    assert (step.transform([[0, 1] * 500]) == step.transform([numpy.array([0.0, 1.0] * 500)])).all()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ser_speech.SerError, match="missing.wav") as caught:
        Functionals().fit_transform([tmp_path / "missing.wav"])
    assert caught.value.kind == "not-opened"
    with pytest.raises(ValueError, match="n_mfcc: expected 13 to"):
        Functionals(n_mfcc=5).fit([voice(1)])


def test_it_is_searched_in_a_pipeline(tmp_path: Path) -> None:
    rng = numpy.random.default_rng(1)
    pitches = [(label, pitch) for label, pitch in (("low", 110.0), ("high", 260.0)) for _ in range(6)]
    clips = [voice(0.5, pitch * rng.uniform(0.9, 1.1)) for _, pitch in pitches]
    labels = [label for label, _ in pitches]
    steps = make_pipeline(Functionals(RATE), StandardScaler(), LogisticRegression())
    grid = {"functionals__n_mfcc": [13, 20], "functionals__voice": [False, True]}
    search = GridSearchCV(steps, grid, cv=3, n_jobs=2).fit(clips, labels)
    assert search.best_score_ == 1.0
    kept = tmp_path / "model.joblib"
    joblib.dump(search.best_estimator_, kept)
    assert list(joblib.load(kept).predict(clips)) == labels
    assert clone(steps).get_params()["functionals__sampling_rate"] == RATE


def test_splits_are_what_cv_takes(ravdess: list[Path]) -> None:
    folder = ravdess[0].parents[1]
    corpus = ser_speech.Corpus.open(folder).select(["neutral", "happy", "sad", "angry"])
    rows = Functionals(48_000).fit_transform(corpus.files)
    splits = corpus.splits("folds-a")
    steps = make_pipeline(StandardScaler(), LogisticRegression(C=1e-3, max_iter=300))
    predicted = cross_val_predict(steps, rows, corpus.emotions, cv=splits)
    found = ser_speech.evaluate(corpus.emotions, predicted, speakers=corpus.speakers)
    assert found.uar_interval is not None
    low, high = found.uar_interval
    assert 0.4 < low < found.uar < high < 0.95
