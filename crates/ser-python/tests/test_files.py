"""Many files: in their order, on several threads, with errors as rows."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import ser_speech
from conftest import printed, voice, whole_numbers, write_wav


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Recordings of voices, and among them files without an answer."""
    folder = tmp_path_factory.mktemp("files")
    files = [
        write_wav(folder / f"{number}.wav", whole_numbers(voice(1 + number % 3, 120 + 10 * number)))
        for number in range(12)
    ]
    (folder / "text.ogg").write_text("no sound at all")
    files[3:3] = [folder / "missing.wav", folder / "text.ogg", folder]
    files[9:9] = [write_wav(folder / "empty.wav", whole_numbers(voice(0)))]
    return files


@pytest.mark.parametrize("threads", [None, 1, 3])
def test_rows_are_those_of_the_program(
    model: ser_speech.Model, files: list[Path], threads: int | None
) -> None:
    answers = model.predict_files(map(str, files), threads=threads)
    answered = [row.to_dict() for row in answers if isinstance(row, ser_speech.Answer)]
    # Given a folder, the program would answer the files in it.
    assert answered == printed("predict", *[file for file in files if file.is_file()])
    kinds = [row.kind if isinstance(row, ser_speech.SerError) else None for row in answers]
    assert kinds[3:6] == ["not-opened", "not-read", "not-opened"] and kinds[9] == "too-short"
    assert kinds.count(None) == 12
    for error in answers.errors:
        assert error.path in list(map(str, files)) and str(error).startswith(f"{error.path}: ")


@pytest.mark.parametrize("threads", [None, 1, 3])
def test_a_collection_is_adapted_to_as_by_the_program(
    model: ser_speech.Model, files: list[Path], threads: int | None
) -> None:
    told: list[tuple[int, int]] = []
    answers = model.predict_files(
        files, threads=threads, adapt=True, progress=lambda done, total: told.append((done, total))
    )
    answered = [row.to_dict() for row in answers if isinstance(row, ser_speech.Answer)]
    assert answered == printed("predict", "--adapt", *[file for file in files if file.is_file()])
    speaker = model.enroll(files)
    assert [error.kind for error in answers.errors] == [error.kind for error in speaker.skipped]
    used = [file for file, row in zip(files, answers) if isinstance(row, ser_speech.Answer)]
    assert answered == [row.to_dict() for row in model.predict_files(used, speaker=speaker)]
    assert answered != [row.to_dict() for row in model.predict_files(used)]
    # A file that cannot be used is read only once.
    total = 2 * len(files)
    done = [*range(1, len(files) + 1), *range(total - len(used) + 1, total + 1)]
    assert told == [(number, total) for number in done]


def test_too_few_files_are_no_collection(model: ser_speech.Model, files: list[Path]) -> None:
    for few, used in (([], 0), (files[:5], 3)):
        with pytest.raises(ValueError, match=f"adapt: expected 4 files or more .* got {used}"):
            model.predict_files(few, adapt=True)
    with pytest.raises(ValueError, match="adapt: expected no speaker beside it"):
        model.predict_files(files, adapt=True, speaker=model.enroll(files))


def test_nothing_to_answer(model: ser_speech.Model) -> None:
    assert model.predict_files([]) == []


def test_wrong_arguments_are_refused(model: ser_speech.Model, speech: Path) -> None:
    for path in (speech, str(speech)):
        with pytest.raises(TypeError, match="expected a list of paths, got one path"):
            model.predict_files(path)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="threads: expected 1 or more, got 0"):
        model.predict_files([speech], threads=0)
    with pytest.raises(ValueError, match="threads: expected 1 or more, got -1"):
        model.predict_files([speech], threads=-1)
    with pytest.raises(TypeError):
        model.predict_files([7])  # type: ignore[list-item]


def test_progress_is_told_file_by_file(model: ser_speech.Model, files: list[Path]) -> None:
    told: list[tuple[int, int]] = []
    model.predict_files(files, progress=lambda done, total: told.append((done, total)))
    assert told == [(done, len(files)) for done in range(1, len(files) + 1)]


def test_what_progress_raises_ends_it(model: ser_speech.Model, speech: Path) -> None:
    calls = []

    def stop(done: int, total: int) -> None:
        calls.append(done)
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        model.predict_files([speech] * 1000, progress=stop)
    assert calls == [1]


def test_control_c_stops_between_files(speech: Path) -> None:
    script = (
        "import sys, ser_speech\n"
        "model = ser_speech.Model.load()\n"
        "tell = lambda done, total: done == 1 and print('begun', flush=True)\n"
        "model.predict_files([sys.argv[1]] * 100_000, progress=tell)\n"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", script, speech],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "begun\n"
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=20)
    assert "KeyboardInterrupt" in errors and running.returncode != 0


def test_the_interpreter_goes_on_meanwhile(model: ser_speech.Model, tmp_path: Path) -> None:
    file = write_wav(tmp_path / "long.wav", whole_numbers(voice(25)))
    ticks: list[float] = []
    is_over = threading.Event()

    def tick() -> None:
        while not is_over.wait(0.005):
            ticks.append(time.monotonic())

    ticking = threading.Thread(target=tick)
    ticking.start()
    begin = time.monotonic()
    for _ in range(3):
        model.predict(file)
    end = time.monotonic()
    is_over.set()
    ticking.join()
    # If the interpreter lock were held, there would be three ticks at most, one between two answers.
    assert len([at for at in ticks if begin < at < end]) > 6


def test_threads_ask_one_model(model: ser_speech.Model, files: list[Path]) -> None:
    expected = model.predict_files(files)
    got: list[ser_speech.Answers] = []
    threads = [threading.Thread(target=lambda: got.append(model.predict_files(files))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 4
    for answers in got:
        assert [row.to_dict() for row in answers] == [row.to_dict() for row in expected]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_answers_too(model: ser_speech.Model, files: list[Path]) -> None:
    expected = model.predict_files(files)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        answers = pool.apply_async(model_rows, [files]).get(timeout=60)
    assert answers == [row.to_dict() for row in expected]


def model_rows(files: list[Path]) -> list[dict[str, object]]:
    return [row.to_dict() for row in ser_speech.Model.load().predict_files(files)]


def test_errors_travel(model: ser_speech.Model) -> None:
    [error] = model.predict_files(["missing.wav"])
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, ser_speech.SerError) and again.to_dict() == error.to_dict()
    assert str(again) == str(error) and again.path == "missing.wav"
