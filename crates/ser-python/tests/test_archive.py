"""Archives: Arrow rows and their answers, and folders of answers with one file for each shard."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import pyarrow
import pyarrow.parquet
import pytest
import ser_speech
from conftest import program, voice, whole_numbers, write_wav
from ser_speech.archive import answer_batches, answer_schema
from ser_speech.shards import Archive, dealt, summed


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pyarrow.RecordBatch:
    """Rows with voices, parts and channels, and rows that have no answer."""
    folder = tmp_path_factory.mktemp("archive")
    asked: list[dict[str, Any]] = []
    for number in range(40):
        path = write_wav(folder / f"{number}.wav", whole_numbers(voice(0.8, 100 + 5 * number)))
        asked.append({"id": f"voice {number}", "path": str(path)})
    stereo = write_wav(folder / "stereo.wav", whole_numbers(voice(2, 150))[None].repeat(2, 0))
    (folder / "page.wav").write_text("<!DOCTYPE html>")
    asked += [
        {"id": "part", "path": str(stereo), "start": 0.5, "end": 1.5},
        {"id": "second", "path": str(stereo), "channel": 2},
        {"id": "third", "path": str(stereo), "channel": 3},
        {"id": "nobody", "path": str(stereo), "speaker": "anna"},
        {"id": "backwards", "path": str(stereo), "start": 1.5, "end": 0.5},
        {"id": "page", "path": str(folder / "page.wav")},
        {"id": "missing", "path": str(folder / "missing.wav")},
        {"id": "folder", "path": str(folder)},
    ]
    kinds = {"start": pyarrow.float64(), "end": pyarrow.float64(), "channel": pyarrow.int32()}
    names = ("id", "path", "start", "end", "speaker", "channel")
    columns = {name: [row.get(name) for row in asked] for name in names}
    arrays = [pyarrow.array(values, kinds.get(name, pyarrow.string())) for name, values in columns.items()]
    return pyarrow.RecordBatch.from_arrays(arrays, names)


def answers(*batches: pyarrow.RecordBatch, **arguments: Any) -> list[dict[str, Any]]:
    return [row for batch in answer_batches(batches, **arguments) for row in batch.to_pylist()]


def test_rows_are_those_of_the_program(table: pyarrow.RecordBatch, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.parquet"
    # The program refuses a table that names a speaker who is not enrolled.
    known = table.filter(pyarrow.array([name is None for name in table["speaker"].to_pylist()]))
    pyarrow.parquet.write_table(pyarrow.Table.from_batches([known]), manifest)
    out = tmp_path / "answers"
    subprocess.run([program(), "predict", "--manifest", manifest, "--out", out], check=True)
    [file] = out.glob("*.parquet")
    expected = pyarrow.parquet.read_table(file)
    for threads in (1, 2, None):
        got = pyarrow.Table.from_batches(answer_batches([known], threads=threads))
        assert got.equals(expected)
    assert expected.schema.equals(answer_schema())


def test_a_broken_recording_is_a_row(table: pyarrow.RecordBatch) -> None:
    errors = {row["id"]: row["error"] for row in answers(table) if row["error"] is not None}
    assert list(errors) == ["third", "nobody", "backwards", "page", "missing", "folder"]
    assert "nobody is enrolled as anna" in errors["nobody"] and "a web page" in errors["page"]
    assert "missing.wav: No such file" in errors["missing"]


def test_bytes_and_urls_are_as_paths(table: pyarrow.RecordBatch) -> None:
    voices = table.slice(0, 3)
    expected = answers(voices)
    paths = [Path(path) for path in voices["path"].to_pylist()]
    store = fsspec.filesystem("memory")
    for path in paths:
        store.pipe_file(f"/archive/{path.name}", path.read_bytes())
    named = [f"memory://archive/{path.name}" for path in paths]
    for column, sounds in [
        ("bytes", [path.read_bytes() for path in paths]),
        ("path", named),
        ("PATH", [f"file://{path}" for path in paths]),
        ("path", [f"file:{path}" for path in paths]),
    ]:
        assert answers(pyarrow.record_batch({"ID": voices["id"], column: sounds})) == expected
    [gone] = answers(pyarrow.record_batch({"path": ["memory://archive/gone.wav"]}))
    assert gone["label"] is None and "memory://archive/gone.wav: No such file" in gone["error"]


@pytest.mark.parametrize("name", ["a ä.wav", "100%.wav", "take #2?.wav"])
def test_file_urls_are_decoded(tmp_path: Path, name: str) -> None:
    path = write_wav(tmp_path / name, whole_numbers(voice(0.8)))
    expected = answers(pyarrow.record_batch({"id": ["voice"], "path": [str(path)]}))
    assert expected[0]["error"] is None
    encoded = path.as_uri()
    # With a host and without two slashes; the last is how Spark's binaryFile names a file.
    urls = [encoded, encoded.replace("file://", "file://localhost"), encoded.replace("file://", "file:"), f"file:{path}"]
    for url in urls:
        assert answers(pyarrow.record_batch({"id": ["voice"], "path": [url]})) == expected, url


def test_a_file_of_another_machine_is_a_row(table: pyarrow.RecordBatch) -> None:
    [path] = table["path"].to_pylist()[:1]
    [row] = answers(pyarrow.record_batch({"path": [f"file://nas{path}"]}))
    assert row["label"] is None and "expected a file on this machine" in row["error"] and "'nas'" in row["error"]


def test_batches_come_as_they_went(table: pyarrow.RecordBatch) -> None:
    def batches() -> Iterator[pyarrow.RecordBatch]:
        yield from (table.slice(0, 0), table.slice(0, 1), table.slice(1, 20))

    got = list(answer_batches(batches()))
    assert [len(batch) for batch in got] == [0, 1, 20]
    assert all(batch.schema.equals(answer_schema()) for batch in got)
    assert list(answer_batches([])) == []


def test_layouts_of_arrow(table: pyarrow.RecordBatch) -> None:
    [path] = table["path"].to_pylist()[:1]
    [expected] = answers(pyarrow.record_batch({"path": [path]}))
    nothing = {"start": pyarrow.array([float("nan")]), "channel": pyarrow.array([None], pyarrow.float32())}
    for kind in (pyarrow.large_string(), pyarrow.string_view(), pyarrow.dictionary(pyarrow.int8(), pyarrow.string())):
        array = pyarrow.array([path]).cast(kind)
        empty = pyarrow.array([None], pyarrow.null())
        assert answers(pyarrow.record_batch({"path": array, "speaker": empty, **nothing})) == [expected]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"file": ["a.wav"]}, "expected a column `path`, or `id` and `bytes`, found file"),
        ({"bytes": [b"a"]}, "expected a column `path`, or `id` and `bytes`, found bytes"),
        ({"id": ["a"]}, "row 'a': expected a value in `path` or `bytes`, found none"),
        ({"path": ["a.wav", None]}, "column `path`: expected a value in each row, found none"),
        ({"path": [7]}, "column `path`: expected text, found int64"),
        ({"id": ["a"], "bytes": ["a"]}, "column `bytes`: expected bytes, found string"),
        ({"path": ["a.wav"], "start": ["0.5"]}, "column `start`: expected numbers, found string"),
        ({"path": ["a.wav"], "channel": [1.5]}, "column `channel`: expected uint16"),
        ({"path": ["a.wav"], "channel": [-1]}, "column `channel`: expected uint16"),
        ({"path": ["a.wav"], "channel": [0]}, "column `channel`, row 'a.wav': expected a number of 1 or more, found 0"),
    ],
)
def test_a_wrong_table_is_an_error(columns: dict[str, list[object]], message: str) -> None:
    with pytest.raises(ValueError) as raised:
        answers(pyarrow.record_batch(columns))
    assert message in str(raised.value)


def test_wrong_arguments_are_errors_at_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="threads: expected 1 or more, got 0"):
        answer_batches([], threads=0)
    with pytest.raises(ValueError, match="bored"):
        answer_batches([], labels=["bored"])
    with pytest.raises(ser_speech.SerError):
        answer_batches([], model=tmp_path / "missing.safetensors")


def test_labels_and_a_store_that_is_not_reached(table: pyarrow.RecordBatch) -> None:
    for row in answers(table.slice(0, 3), labels=["happy", "sad"]):
        assert row["label"] in ("happy", "sad") and row["probability_calm"] == 0
    # An outage must not become an error row for each recording.
    with pytest.raises(ValueError, match="Protocol not known"):
        answers(pyarrow.record_batch({"path": ["nowhere://archive/a.wav"]}))


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="this system has no file whose bytes cannot be read")
def test_a_disk_that_fails_is_no_row(table: pyarrow.RecordBatch, tmp_path: Path) -> None:
    [path] = table["path"].to_pylist()[:1]
    asked = pyarrow.record_batch({"path": [path, "/proc/self/mem"]})
    with pytest.raises(OSError, match="/proc/self/mem: Input/output error"):
        answers(asked)
    with pytest.raises(OSError, match="/proc/self/mem: Input/output error"):
        run(archive_of(tmp_path, 1), asked)
    assert [path.name for path in tmp_path.iterdir()] == ["_archive.json"]


def run(archive: Archive, table: pyarrow.RecordBatch) -> list[int]:
    """Does the work of an engine in one process. Returns the shards that it answered."""
    parts = [[table.slice(0, 7), table.slice(7, 2)], [table.slice(9)]]
    sums = [row for part in parts for batch in summed(part, shards=archive.shards) for row in batch.to_pylist()]
    counts, there = archive.begin((row["counts"], row["sum"]) for row in sums)
    left = pyarrow.Table.from_batches(dealt([table], shards=archive.shards, there=there)).sort_by("shard")
    done = [batch["shard"][0].as_py() for batch in archive.answer(left.to_batches(), counts=counts)]
    archive.check(sum(counts))
    return done


def archive_of(out: Path | str, shards: int = 5, **arguments: Any) -> Archive:
    given = {"model": None, "labels": None, "speakers": None, "threads": 1, **arguments}
    return Archive.of(out, shards, **given)


@pytest.mark.parametrize("out", ["folder", "memory://archive/answers"])
def test_a_folder_is_gone_on_with(table: pyarrow.RecordBatch, tmp_path: Path, out: str) -> None:
    archive = archive_of(out if "://" in out else tmp_path / out)
    assert sorted(run(archive, table)) == [0, 1, 2, 3, 4]
    store, folder = fsspec.core.url_to_fs(archive.out)
    names = {f"shard-{number}-of-5.parquet" for number in range(5)}
    assert {path.rsplit("/", 1)[-1] for path in store.ls(folder, detail=False)} == {*names, "_archive.json"}
    rows = [row for name in sorted(names) for row in read(store, f"{folder}/{name}")]
    assert sorted(rows, key=str) == sorted(answers(table), key=str)
    assert run(archive, table) == []
    # The state that a killed process leaves; the rows come in another order.
    store.rm_file(f"{folder}/shard-3-of-5.parquet")
    store.pipe_file(f"{folder}/.unfinished-shard-3-of-5.parquet.x7", b"half of wh")
    turned = table.take(pyarrow.array(range(len(table) - 1, -1, -1)))
    assert run(archive, turned) == [3]
    assert rows == [row for name in sorted(names) for row in read(store, f"{folder}/{name}")]
    assert not store.glob(f"{folder}/.unfinished*")


def test_a_stream_that_breaks_off_between_batches_makes_no_shard(table: pyarrow.RecordBatch, tmp_path: Path) -> None:
    archive = archive_of(tmp_path, 1)
    [sums] = [row for batch in summed([table], shards=1) for row in batch.to_pylist()]
    counts, _ = archive.begin([(sums["counts"], sums["sum"])])
    [rows] = dealt([table], shards=1, there=[])
    sink = pyarrow.BufferOutputStream()
    writer = pyarrow.ipc.new_stream(sink, rows.schema)
    writer.write_batch(rows.slice(0, 7))
    # A killed executor writes no end-of-stream marker, and a reader takes the missing rest for the end.
    cut = pyarrow.ipc.open_stream(sink.getvalue())
    with pytest.raises(RuntimeError, match="shard 0: expected 48 rows, found 7"):
        list(archive.answer(cut, counts=counts))
    assert [path.name for path in tmp_path.iterdir()] == ["_archive.json"]
    assert run(archive, table) == [0]


def read(store: Any, path: str) -> list[dict[str, Any]]:
    with store.open(path, "rb") as file:
        rows: list[dict[str, Any]] = pyarrow.parquet.read_table(file).to_pylist()
    return rows


def test_a_folder_of_another_call_is_refused(table: pyarrow.RecordBatch, tmp_path: Path, model: ser_speech.Model) -> None:
    run(archive_of(tmp_path), table.slice(0, 4))
    speaker = model.enroll([table["path"][0].as_py()])
    for archive, asked, message in [
        (archive_of(tmp_path), table.slice(0, 5), "rows: expected 5, found 4"),
        (archive_of(tmp_path), table.slice(1, 4), "table: expected"),
        (archive_of(tmp_path, 6), table.slice(0, 4), "shards: expected 6, found 5"),
        (archive_of(tmp_path, labels=["sad", "calm"]), table.slice(0, 4), "labels: expected"),
        (archive_of(tmp_path, speakers={"anna": speaker}), table.slice(0, 4), "speakers: expected"),
    ]:
        with pytest.raises(ValueError, match="another call started the answers") as raised:
            run(archive, asked)
        assert message in str(raised.value)


def test_a_table_without_rows_is_refused_and_takes_no_folder(table: pyarrow.RecordBatch, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected a row for each recording, found none"):
        run(archive_of(tmp_path), table.slice(0, 0))
    assert not list(tmp_path.iterdir())
    run(archive_of(tmp_path), table.slice(0, 2))


def test_a_model_that_is_another_elsewhere_is_refused(table: pyarrow.RecordBatch) -> None:
    question = replace(archive_of("memory://archive/another").question, fingerprint="0" * 32)
    with pytest.raises(ValueError, match="expected the model 0000"):
        next(question.answers([table]))


def test_two_rows_of_an_id_and_a_number_of_shards_that_is_none(table: pyarrow.RecordBatch, tmp_path: Path) -> None:
    twice = pyarrow.record_batch({"path": table["path"].take(pyarrow.array([0, 1, 0]))})
    with pytest.raises(ValueError, match="two rows have the same id"):
        run(archive_of(tmp_path), twice)
    with pytest.raises(ValueError, match="shards: expected 1 or more, got 0"):
        archive_of(tmp_path, 0)


@pytest.mark.parametrize("name", ["run [1]", "run*", "run{1,2}"])
def test_a_folder_that_reads_as_a_pattern_is_refused(tmp_path: Path, name: str) -> None:
    for out in (tmp_path / name, f"memory://archive/{name}"):
        with pytest.raises(ValueError, match="which stores and engines read as a pattern"):
            archive_of(out)


def test_speakers_travel(table: pyarrow.RecordBatch, model: ser_speech.Model) -> None:
    speaker = model.enroll([table["path"][0].as_py()])
    [row] = answers(table.slice(43, 1), speakers={"anna": speaker})
    heard = model.predict(table["path"][43].as_py(), speaker=speaker)
    assert row["id"] == "nobody" and row["label"] == heard.emotion
    assert row["error"] is None
