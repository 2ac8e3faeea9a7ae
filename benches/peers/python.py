"""Compares the time of the Python package with librosa on the same arrays, and with the program on the same files.

    python python.py FOLDER

FOLDER holds WAV files. ser-speech must be installed in this environment. For each pair, which take turns for ROUNDS rounds, the
medians and their ratio are printed.
"""

import os

# The libraries read this when they are loaded.
for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import librosa
import ser_speech
from ser_speech import features

ROUNDS = 101
ROUNDS_OF_FILES = 5
SECONDS = 3.5
THREADS = 2
RATES = {16_000: {}, 22_050: {}, 48_000: {"n_mfcc": 40}}


def main():
    files = sorted(Path(sys.argv[1]).rglob("*.wav"))
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:1])
    for rate, arguments in RATES.items():
        signal, _ = librosa.load(files[0], sr=rate, duration=SECONDS)
        compare(
            f"mfcc of {len(signal) / rate:.1f} s at {rate} Hz {arguments}",
            ROUNDS,
            librosa=lambda: librosa.feature.mfcc(y=signal, sr=rate, **arguments),
            ser_speech=lambda: features.mfcc(y=signal, sr=rate, **arguments),
        )
    # The program uses as many threads as there are cores.
    os.sched_setaffinity(0, cores[:THREADS])
    model = ser_speech.Model.load()
    compare(
        f"answers to {len(files)} files on {THREADS} threads",
        ROUNDS_OF_FILES,
        ser=lambda: program(files),
        ser_speech=lambda: model.predict_files(files, threads=THREADS),
    )


def program(files):
    with tempfile.TemporaryDirectory() as folder:
        command = [Path(sys.executable).with_name("ser"), "predict", *files, "--out", Path(folder) / "answers.csv"]
        subprocess.run(command, check=True, capture_output=True)


def compare(name, rounds, **jobs):
    seconds = {job: [] for job in jobs}
    for counted in [False] + [True] * rounds:
        for job, function in jobs.items():
            begin = time.perf_counter()
            function()
            if counted:
                seconds[job].append(time.perf_counter() - begin)
    medians = {job: statistics.median(each) for job, each in seconds.items()}
    (first, _), (second, _) = jobs.items()
    ratio = medians[first] / medians[second]
    listed = ", ".join(f"{job} {1000 * median:.2f} ms" for job, median in medians.items())
    print(f"{name}: {listed}, ratio {ratio:.2f}", flush=True)


if __name__ == "__main__":
    main()
