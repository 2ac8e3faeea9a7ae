"""Lists of answers, converted to tables."""

from __future__ import annotations

from pathlib import Path

import audformat
import numpy
import pandas
import pyarrow
import pyarrow.parquet
import ser_speech
from conftest import RATE, program, voice, whole_numbers, write_wav


def test_answers_on_a_filewise_index(model: ser_speech.Model, speech: Path) -> None:
    answers = model.predict_files([speech, "missing.wav"])
    table = answers.to_pandas()
    pandas.testing.assert_index_equal(table.index, audformat.filewise_index([str(speech), "missing.wav"]))
    first = answers[0]
    assert isinstance(first, ser_speech.Answer)
    row = table.loc[str(speech)]
    assert row["emotion"] == first.emotion and row["uncertain"] == first.uncertain
    assert row["seconds"] == 2 and row["warnings"] == " ".join(first.warnings)
    for label in model.labels:
        assert row[label] == numpy.float32(first.probabilities[label])
    assert pandas.isna(row["error"])
    missing = table.loc["missing.wav"]
    assert missing["error"] == answers.errors[0].message
    assert missing.drop("error").isna().all()
    assert table["confidence"].dtype == "float32" and table["uncertain"].dtype == "boolean"


def test_answers_as_the_program_writes_them(
    model: ser_speech.Model, speech: Path, tmp_path: Path
) -> None:
    import subprocess

    written = tmp_path / "answers.parquet"
    subprocess.run([program(), "predict", speech, "--out", written], check=True, stdout=subprocess.PIPE)
    table = model.predict_files([speech]).to_arrow()
    expected = pyarrow.parquet.read_table(written)
    assert table.drop_columns("error").to_pydict() == expected.to_pydict()
    assert table.drop_columns("error").schema.types == expected.schema.types
    assert table.drop_columns("error").schema.names == expected.schema.names


def test_labels_have_the_order_of_the_model(model: ser_speech.Model, speech: Path) -> None:
    spans = model.timeline(voice(12), RATE)
    assert spans
    for table in (model.predict_files([speech]).to_arrow(), spans.to_arrow()):
        assert [name for name in table.schema.names if name in model.labels] == model.labels
    for answer in (model.predict(speech), spans[0]):
        assert list(answer.probabilities) == model.labels


def test_tables_without_answers(model: ser_speech.Model, speech: Path) -> None:
    names = model.predict_files([speech]).to_arrow().schema.names
    for paths in ([], ["missing.wav"]):
        answers = model.predict_files(paths)
        assert len(answers.to_pandas()) == answers.to_arrow().num_rows == len(paths)
        assert answers.to_arrow().schema.names == [*answers.to_pandas().reset_index()] == names
    spans = model.timeline(numpy.zeros(RATE, numpy.float32), RATE)
    assert len(spans.to_pandas()) == spans.to_arrow().num_rows == 0
    assert spans.to_arrow().schema.names == model.timeline(voice(12), RATE).to_arrow().schema.names


def test_spans_on_a_segmented_index(model: ser_speech.Model, tmp_path: Path) -> None:
    call = numpy.stack([whole_numbers(voice(12)), whole_numbers(voice(12, pitch=250))])
    file = write_wav(tmp_path / "call.wav", call)
    for spans in (model.timeline(file), model.timeline(file, channel="each")):
        table = spans.to_pandas()
        expected = audformat.segmented_index(
            [str(file)] * len(spans),
            [f"{span.start}s" for span in spans],
            [f"{span.end}s" for span in spans],
        )
        pandas.testing.assert_index_equal(table.index, expected)
        assert audformat.is_segmented_index(table)
        assert table["emotion"].tolist() == [span.emotion for span in spans]
        assert [span.channel for span in spans] == list(table.get("channel", [None] * len(spans)))
        arrow = spans.to_arrow()
        assert arrow["start"].to_pylist() == [span.start for span in spans]
        assert arrow["emotion"].to_pylist() == table["emotion"].tolist()
