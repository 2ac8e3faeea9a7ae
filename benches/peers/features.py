"""Times how long other programs take from a WAV file to features, and prints a line of JSON per job, as `clips` does for ours.

    python features.py FOLDER

Takes every 17th WAV file of the folder, at 48 kHz as in RAVDESS; opensmile, the slowest, takes ten of those. Each job runs once
without being counted, then ROUNDS times; the median is printed.
"""

import os

# Each library uses one thread, unless a job says otherwise. The libraries read this when they are loaded.
for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import json
import multiprocessing
import statistics
import sys
import time
from importlib.metadata import version
from pathlib import Path

import kaldi_native_fbank
import librosa
import opensmile
import soundfile
import soxr
import torch
import torchaudio

ROUNDS = 3
STEP = 17
MFCC = "file to 40 MFCC, 48 kHz"
MFCC_22050 = "file to 40 MFCC, 22 050 Hz"


def librosa_native(path):
    samples, rate = librosa.load(path, sr=None)
    return librosa.feature.mfcc(y=samples, sr=rate, n_mfcc=40)


def librosa_22050(path):
    samples, rate = librosa.load(path)
    return librosa.feature.mfcc(y=samples, sr=rate, n_mfcc=40)


def read_mono(path):
    samples, rate = soundfile.read(path, dtype="float32")
    return (samples if samples.ndim == 1 else samples.mean(axis=1)), rate


def torchaudio_mfcc(rate):
    """Returns the transform for 40 MFCC with librosa's defaults."""
    chain = {
        "n_fft": 2048,
        "hop_length": 512,
        "n_mels": 128,
        "mel_scale": "slaney",
        "norm": "slaney",
        "pad_mode": "constant",
    }
    return torchaudio.transforms.MFCC(rate, n_mfcc=40, melkwargs=chain)


def torchaudio_jobs():
    native, low = torchaudio_mfcc(48_000), torchaudio_mfcc(22_050)
    resample = torchaudio.transforms.Resample(48_000, 22_050)

    def at_48000(path):
        return native(torch.from_numpy(read_mono(path)[0]))

    def at_22050(path):
        return low(resample(torch.from_numpy(read_mono(path)[0])))

    return at_48000, at_22050, lambda samples: resample(torch.from_numpy(samples))


def kaldi_mfcc(path):
    samples, rate = read_mono(path)
    options = kaldi_native_fbank.MfccOptions()
    options.frame_opts.samp_freq = rate
    options.frame_opts.dither = 0
    options.mel_opts.num_bins = 40
    options.num_ceps = 40
    frames = kaldi_native_fbank.OnlineMfcc(options)
    frames.accept_waveform(rate, samples)
    frames.input_finished()
    return [frames.get_frame(i) for i in range(frames.num_frames_ready)]


def report(job, who, threads, unit, value):
    line = {"job": job, "who": who, "threads": threads, "unit": unit, "value": value}
    print(json.dumps(line, ensure_ascii=False), flush=True)


def milliseconds(clips, work):
    """Returns the median time of `work(clips)`, in milliseconds per clip."""
    work(clips)
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work(clips)
        times.append(1e3 * (time.perf_counter() - start) / len(clips))
    return statistics.median(times)


def one_by_one(function):
    def work(clips):
        for clip in clips:
            function(clip)

    return work


def main(folder):
    clips = sorted(str(path) for path in Path(folder).rglob("*.wav"))[::STEP]
    if not clips:
        sys.exit(f"there are no WAV files under {folder}")
    torch.set_num_threads(1)
    names = {name: f"{name} {version(name)}" for name in ("librosa", "torchaudio", "soxr")}
    torchaudio_48000, torchaudio_22050, torchaudio_resample = torchaudio_jobs()

    def one(job, who, function, over=clips):
        time = milliseconds(over, one_by_one(function))
        report(job, who, 1, "ms/clip", time)
        return time

    for job, function in ((MFCC, librosa_native), (MFCC_22050, librosa_22050)):
        alone = one(job, names["librosa"], function)
        # Spawned, because a process that has loaded libraries with threads must not be forked.
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            both = milliseconds(clips, lambda clips: pool.map(function, clips, chunksize=5))
        report(job, f"{names['librosa']}, two processes", 2, "ms/clip", both)
        report(f"{job}: one thread's time over that of two", f"{names['librosa']}, two processes", 2, "×", alone / both)
    one(MFCC, names["torchaudio"], torchaudio_48000)
    one(MFCC_22050, f"{names['torchaudio']}, its shorter filter", torchaudio_22050)
    kaldi = f"kaldi-native-fbank {version('kaldi-native-fbank')}"
    one("file to 40 MFCC as Kaldi makes them, 48 kHz", kaldi, kaldi_mfcc)

    samples = [read_mono(clip)[0] for clip in clips]
    job = "resample 48 kHz to 22 050 Hz"
    one(job, f"{names['soxr']}, quality HQ", lambda x: soxr.resample(x, 48_000, 22_050), samples)
    one(job, f"{names['torchaudio']}, its shorter filter", torchaudio_resample, samples)

    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    one("file to eGeMAPS functionals", f"opensmile {version('opensmile')}", smile.process_file, clips[:10])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
