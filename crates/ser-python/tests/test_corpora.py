"""Corpora, splits that are checked for leaks, and figures."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import audformat
import numpy
import pandas
import pytest
import ser_speech
from conftest import program, voice, whole_numbers, write_wav
from ser_speech import Corpus, SerError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight synthetic speakers."""
    folder = tmp_path_factory.mktemp("corpus") / "generated"
    subprocess.run([program(), "synth", folder, "--actors", "8"], check=True, stdout=subprocess.DEVNULL)
    return folder


@pytest.fixture(scope="module")
def corpus(folder: Path) -> Corpus:
    return Corpus.open(folder)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    for name, pitch in (("a", 110.0), ("b", 150.0), ("c", 200.0)):
        write_wav(tmp_path / f"{name}.wav", whole_numbers(voice(3, pitch)))
    table = "path,start,end,emotion,speaker,dialect\na.wav,0,1,Happy,anna,east\na.wav,1.5,3,sad,anna,\nb.wav,,,joy,ben,\nc.wav,,,sad,cem,west\n"
    (tmp_path / "clips.csv").write_text(table, encoding="utf-8")
    return tmp_path / "clips.csv"


def test_a_folder(corpus: Corpus) -> None:
    assert len(corpus) == 480 and corpus.synthetic and corpus.audit["clips"] == 480
    assert corpus[0].speaker in corpus.speakers and len(corpus[:3]) == 3
    assert [corpus.labels[target] for target in corpus.targets] == corpus.emotions
    assert len(set(corpus.files)) == 480 and len(corpus.checksum) == 32
    table = corpus.to_pandas()
    assert audformat.is_filewise_index(table) and list(table["emotion"]) == corpus.emotions


def test_a_manifest(manifest: Path) -> None:
    corpus = Corpus.open(manifest, labels={"happy": ["Happy", "joy"]})
    assert corpus.labels == ["happy", "sad"] and not corpus.synthetic
    first = corpus[0]
    assert (first.name, first.start, first.end, first.seconds) == ("a@0.000-1.000", 0.0, 1.0, 1.0)
    assert first.attributes == {"dialect": "east"}
    samples, rate = corpus.read(0)
    assert len(samples) == rate == 16_000 and samples.dtype == numpy.float32
    assert (corpus.read(-1)[0] == whole_numbers(voice(3, 200)) / 32_768).all()
    table = corpus.to_pandas()
    assert audformat.is_segmented_index(table) and table["dialect"].isna().sum() == 2
    with pytest.raises(IndexError):
        corpus.read(4)
    with pytest.raises(ValueError, match="seed: expected a number from 0"):
        corpus.splits("seed5", seed=-1)


def test_whole_seconds_and_a_column_name(manifest: Path) -> None:
    text = "path,start,end,emotion,speaker,name\na.wav,0,1,sad,anna,N1\nb.wav,1,2,sad,ben,N2\n"
    manifest.write_text(text, encoding="utf-8")
    table = Corpus.open(manifest).to_pandas()
    assert [str(kind) for kind in table.index.dtypes] == ["string", "timedelta64[ns]", "timedelta64[ns]"]
    assert table["name"].tolist() == ["a@0.000-1.000", "b@1.000-2.000"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_path_that_is_no_text_can_be_opened(folder: Path, tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/Col\xe8re"))
    shutil.copytree(folder / "Actor_01", odd)
    corpus = Corpus.open(tmp_path)
    assert all(Path(file).is_file() for file in corpus.files)
    assert corpus.to_pandas().index[0].endswith(".wav")


def test_one_spelling_is_not_read_letter_by_letter(manifest: Path) -> None:
    with pytest.raises(TypeError, match=r"labels: expected a list of spellings, \{'happy': \['joy'\]\}, got the text 'joy'"):
        Corpus.open(manifest, labels={"happy": "joy"})


def test_labels_are_chosen_and_merged(corpus: Corpus) -> None:
    merged = corpus.merge_labels({"calm": "neutral"})
    assert "calm" not in merged.labels and len(merged) == len(corpus)
    chosen = corpus.select(["sad", "happy"])
    assert chosen.labels == ["sad", "happy"] and set(chosen.emotions) == {"sad", "happy"}
    with pytest.raises(ValueError, match="no clip is labelled `bored`"):
        corpus.select(["bored"])


@pytest.mark.parametrize("protocol", ["speakers-5", "loso", "seed5", "random10"])
def test_splits(corpus: Corpus, protocol: str) -> None:
    speakers = numpy.array(corpus.speakers)
    for split in corpus.splits(protocol, seed=3):
        parts = [split.train, split.validation, split.test]
        together = numpy.concatenate(parts)
        assert len(set(together.tolist())) == len(together) == len(corpus)
        train, test = split
        assert set(train) == {*split.train, *split.validation} and (test == split.test).all()
        shared = set(speakers[train]) & set(speakers[test])
        assert bool(shared) == (protocol in ("seed5", "random10"))


def test_a_leak_names_the_clips(corpus: Corpus) -> None:
    of_one = [index for index, clip in enumerate(corpus) if clip.speaker == "01"]
    of_two = [index for index, clip in enumerate(corpus) if clip.speaker == "02"]
    with pytest.raises(SerError, match="the same speaker on both sides") as caught:
        corpus.split(of_one[:8], of_two, of_one[8:])
    error = caught.value
    assert error.kind == "leak" and error.clips
    (part, name), (other, _) = error.clips[0]
    assert {part, other} == {"train", "validation"} and name in str(error)
    split = corpus.split(numpy.array(of_one[:8]), of_two, of_one[8:], share_speakers=True)
    assert (split.validation == of_one[8:]).all()
    with pytest.raises(SerError, match="the same clip"):
        corpus.split(of_one, of_one[:1], share_speakers=True)


def test_what_is_wrong_is_told(corpus: Corpus, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no protocol `folds-z`; the protocols are seed5"):
        corpus.splits("folds-z")
    with pytest.raises(ValueError, match="from 0 to 479, got 480"):
        corpus.split([0], [480])
    with pytest.raises(ValueError, match="got an array of bool"):
        corpus.split(numpy.ones(480, bool), [1])
    with pytest.raises(ValueError, match="the test part is empty"):
        corpus.split([0], [])
    with pytest.raises(SerError, match="No such file") as caught:
        Corpus.open(tmp_path / "missing")
    assert caught.value.kind == "not-opened"
    with pytest.raises(SerError, match="no usable clip") as caught:
        Corpus.open(tmp_path)
    assert caught.value.kind == "no-clips" and caught.value.path == str(tmp_path)
    (tmp_path / "a.csv").write_text("path,emotion\na.wav,sad\n", encoding="utf-8")
    with pytest.raises(SerError, match="speaker") as caught:
        Corpus.open(tmp_path / "a.csv")
    assert caught.value.kind == "wrong-table"


def test_figures() -> None:
    truth = ["sad"] * 6 + ["happy"] * 4
    predicted = ["sad"] * 5 + ["happy"] * 3 + ["sad"] * 2
    speakers = ["a", "b"] * 5
    found = ser_speech.evaluate(truth, predicted, speakers=speakers)
    assert found.labels == ["happy", "sad"] and found.n == 10
    assert found.accuracy == pytest.approx(0.7) and found.uar == pytest.approx((5 / 6 + 1 / 2) / 2)
    assert found.confusion.tolist() == [[2, 2], [1, 5]]
    assert found.accuracy_interval is None and found.uar_interval is None
    of_six = ser_speech.evaluate(truth, predicted, speakers=list("abcdefabcd"))
    assert of_six.accuracy_interval is not None
    assert of_six.accuracy_interval[0] <= 0.7 <= of_six.accuracy_interval[1]
    assert found.log_loss is None and [row["group"] for row in found.speakers] == ["a", "b"]
    alone = ser_speech.evaluate(truth, predicted)
    assert alone.uar == found.uar and alone.uar_interval is None and alone.speakers == []
    sure = ser_speech.evaluate(["a", "b"], ["a", "b"], labels=["a", "b"], probabilities=numpy.eye(2))
    assert sure.log_loss == pytest.approx(0, abs=1e-6) and sure.brier == 0
    # Equal in 32 bits: the predicted label counts.
    close = [[0.5 + 1e-9, 0.5 - 1e-9], [0.5 - 1e-9, 0.5 + 1e-9], [0.5, 0.5]]
    tied = ser_speech.evaluate(["a", "b", "b"], ["a", "b", "b"], labels=["a", "b"], probabilities=close)
    assert tied.accuracy == 1
    with pytest.raises(ValueError, match="got 'b' where 'a' is"):
        ser_speech.evaluate(["a"], ["b"], labels=["a", "b"], probabilities=[[0.6, 0.4]])


@pytest.mark.parametrize("nothing", [None, float("nan"), numpy.float32("nan"), pandas.NA, pandas.NaT, ""])
def test_missing_values_are_no_speaker_and_no_label(nothing: Any) -> None:
    labels, speakers = ["sad", "sad", "sad", "sad"], ["a", nothing, "b", nothing]
    message = "expected a value for each clip, found 2 of 4 missing, at the positions 1, 3,"
    with pytest.raises(ValueError, match=f"speakers: {message}"):
        ser_speech.evaluate(labels, labels, speakers=speakers)
    with pytest.raises(ValueError, match=f"truth: {message}"):
        ser_speech.evaluate(speakers, labels)
    with pytest.raises(ValueError, match=f"predicted: {message}"):
        ser_speech.evaluate(labels, speakers)


def test_speakers_may_be_numbers() -> None:
    labels = ["sad", "happy"]
    for speakers in ([0, 1], numpy.array([0, 1])):
        found = ser_speech.evaluate(labels, labels, speakers=speakers)  # type: ignore[arg-type]
        assert [row["group"] for row in found.speakers] == ["0", "1"]


def test_labels_may_be_numbers() -> None:
    truth, predicted = numpy.array([0, 1, 1]), [0, 1, 0]
    for labels in (None, [0, 1]):
        found = ser_speech.evaluate(truth, predicted, labels=labels)  # type: ignore[arg-type]
        assert found.labels == ["0", "1"] and found.accuracy == pytest.approx(2 / 3)


def test_figures_of_answers(model: ser_speech.Model, speech: Path) -> None:
    answers = model.predict_files([speech, speech])
    found = ser_speech.evaluate(["sad", answers[0].emotion if isinstance(answers[0], ser_speech.Answer) else ""], answers)
    assert found.labels == model.labels and found.log_loss is not None
    with pytest.raises(ValueError, match="clip 1 has no answer: .*missing.wav"):
        ser_speech.evaluate(["sad", "sad"], model.predict_files([speech, "missing.wav"]))
    with pytest.raises(ValueError, match="got 1 and 2 for 2"):
        ser_speech.evaluate(["sad", "sad"], ["sad"])
    said = [answer.emotion for answer in answers if isinstance(answer, ser_speech.Answer)]
    others = [label for label in model.labels if label not in said]
    with pytest.raises(ValueError, match=f"labels: expected all labels .* got none for {', '.join(others)}: pass model.labels"):
        ser_speech.evaluate(said, answers, labels=said[:1])
    of_two = model.predict_files([speech, speech], labels=["happy", "sad"])
    assert ser_speech.evaluate(["happy", "sad"], of_two, labels=["happy", "sad"]).labels == ["happy", "sad"]
    with pytest.raises(ValueError, match="got 'bored'"):
        ser_speech.evaluate(["bored", "sad"], answers)
    with pytest.raises(ValueError, match="probabilities: expected none beside answers"):
        ser_speech.evaluate(["sad", "sad"], answers, probabilities=numpy.zeros((2, 8)))
    with pytest.raises(ValueError, match=r"expected the shape \(1, 2\)"):
        ser_speech.evaluate(["a"], ["b"], probabilities=[[1, 2, 3]])
    with pytest.raises(ValueError, match="most probable"):
        ser_speech.evaluate(["a", "b"], ["a", "b"], probabilities=[[0, 1], [0, 1]])
