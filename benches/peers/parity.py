"""Compares our features of real clips with librosa's, stage by stage.

    cargo build --release -p ser-cli -p ser-benches
    target/peers/bin/python benches/peers/parity.py target/release/ser FOLDER [--clips 60]

Takes clips at 48 kHz from all over the folder, and prints the largest deviation of each stage under several
configurations. Exits with 1 if one is above its limit.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import librosa
import numpy as np
from safetensors.numpy import load_file

NATIVE = {"sample_rate": 48_000}
SPEECH = {"n_fft": 2048, "win_length": 1200, "hop_length": 480}
# The differences from our defaults, which are those of librosa. The keys are ours.
CONFIGURATIONS = {
    "48 kHz": NATIVE,
    "22 050 Hz": {},
    "16 kHz": {"sample_rate": 16_000},
    "HTK mel, no norm": NATIVE | {"mel_scale": "htk", "mel_norm": "none"},
    "Hamming, 25/10 ms": NATIVE | SPEECH | {"window": "hamming"},
    "Blackman, center = false": NATIVE | {"window": "blackman", "center": False},
    "magnitude, reflected": NATIVE | {"power": 1.0, "pad_mode": "reflect"},
    "64 mels, 50 to 8000 Hz": NATIVE | {"n_mels": 64, "fmin": 50.0, "fmax": 8000.0, "n_mfcc": 20},
    "lifter": NATIVE | {"lifter": 22.0},
    "width 5, no top_db": NATIVE | {"delta_width": 5, "top_db": False},
    "trimmed, pre-emphasis": NATIVE | {"trim_db": 30.0, "pre_emphasis": 0.97},
}
STAGES = ("mel", "dB", "MFCC", "delta", "delta 2")
# All frames except those that reach beyond an end of the clip.
INNER, EDGE = "MFCC, inner", 3
# The limit of mel bands is relative to their value, those of the other stages are differences. The first two limits are wider than
# those of our tests, because single precision has that much error in the quietest band of a real frame beside the loudest.
LIMITS = {"mel": 5e-4, "dB": 1e-2, "MFCC": 2e-3, "delta": 2e-3, "delta 2": 2e-3}
# After resampling, the values differ where our filter and that of soxr roll off, just below half the lower rate. If soxr returns
# one sample less than librosa expects, librosa appends a 0. This is a click, which affects the outer frames.
RESAMPLED_LIMITS = {INNER: 0.2}
SAMPLES_LIMIT = 2e-3
ROW = "{:<28}{:<12}{:>12}{:>12}{:>12}"


def theirs(clip, config):
    """Returns the arrays of the stages from librosa."""
    get = config.get
    samples, rate = librosa.load(clip, sr=get("sample_rate", 22_050))
    n_fft, hop = get("n_fft", 2048), get("hop_length", 512)
    if "trim_db" in config:
        samples, _ = librosa.effects.trim(
            samples, top_db=config["trim_db"], frame_length=n_fft, hop_length=hop
        )
    if "pre_emphasis" in config:
        samples = librosa.effects.preemphasis(samples, coef=config["pre_emphasis"])
    mel = librosa.feature.melspectrogram(
        y=samples,
        sr=rate,
        n_fft=n_fft,
        hop_length=hop,
        win_length=get("win_length"),
        window=get("window", "hann"),
        center=get("center", True),
        pad_mode=get("pad_mode", "constant"),
        power=get("power", 2.0),
        n_mels=get("n_mels", 128),
        fmin=get("fmin", 0.0),
        fmax=get("fmax"),
        htk=get("mel_scale") == "htk",
        norm=None if get("mel_norm") == "none" else "slaney",
    )
    levels = librosa.power_to_db(mel, top_db=get("top_db", 80.0) or None)
    mfcc = librosa.feature.mfcc(S=levels, n_mfcc=get("n_mfcc", 40), lifter=get("lifter", 0))
    slopes = [
        librosa.feature.delta(mfcc, width=get("delta_width", 9), order=order) for order in (1, 2)
    ]
    return dict(zip(STAGES, (mel, levels, mfcc, *slopes)))


def ours(ser, clips, config):
    """Returns the arrays of the stages from ser, by clip."""
    stages = {clip: {} for clip in clips}
    with tempfile.TemporaryDirectory() as folder:
        file, out = Path(folder, "config.toml"), Path(folder, "out.safetensors")
        for output in ({"output": "mel"}, {"output": "log_mel"}, {"deltas": 2}):
            file.write_text("".join(toml_line(*item) for item in (config | output).items()))
            command = [ser, "extract", *clips, "--config", file, "--out", out]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            for clip, array in load_file(out).items():
                if output.get("output") == "mel":
                    stages[clip]["mel"] = array
                elif output.get("output") == "log_mel":
                    stages[clip]["dB"] = array
                else:
                    stages[clip] |= zip(STAGES[2:], np.split(array, 3))
    return stages


def toml_line(key, value):
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)
    return f"{key} = {text}\n"


def deviation(stage, ours, theirs, power):
    """Returns the largest difference, absolute and relative: to the value of a mel band, else to the largest value of the clip."""
    if ours.shape != theirs.shape:
        sys.exit(f"{stage}: our shape is {ours.shape}, librosa's {theirs.shape}")
    theirs = theirs.astype(np.float64)
    difference = np.abs(ours - theirs)
    if stage != "mel":
        return difference.max(), difference.max() / np.abs(theirs).max()
    # Single precision cannot represent values 100 dB below the loudest value of a frame, and a silent frame has no values at all.
    heard = theirs.max(axis=0) > 1e-10
    difference, theirs = difference[:, heard], theirs[:, heard]
    nothing = 1e-5**power * theirs.max(axis=0)
    return difference.max(), ((difference - nothing) / np.maximum(theirs, nothing)).max()


def resampling(resampled, clips, rate):
    """Returns the largest difference of samples, except the last, absolute and relative to the loudest sample of the clip."""
    largest = np.zeros(2)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "samples.npy")
        for clip in clips:
            subprocess.run([resampled, clip, str(rate), out], check=True)
            mine, soxr = np.load(out)[0, :-1], librosa.load(clip, sr=rate)[0][:-1]
            difference = np.abs(mine - soxr).max()
            largest = np.maximum(largest, (difference, difference / np.abs(soxr).max()))
    return largest


def show(name, stage, found, limit):
    """Prints a row, and returns whether the limit is exceeded."""
    # A deviation that is no number is above every limit.
    above = limit is not None and not found[1 if stage == "mel" else 0] <= limit
    shown = "" if limit is None else f"{limit:g}"
    row = ROW.format(name, stage, f"{found[0]:.1e}", f"{found[1]:.1e}", shown)
    print(row + ("  ABOVE" if above else ""))
    return above


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ser", type=Path, help="the built program; `resampled` must be in the same folder")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clips", type=int, default=60)
    args = parser.parse_args()
    clips = sorted(str(path) for path in args.folder.rglob("*.wav"))
    if not clips:
        sys.exit(f"there are no WAV files under {args.folder}")
    clips = [clips[i * len(clips) // args.clips] for i in range(min(args.clips, len(clips)))]

    ser = args.ser.resolve()
    print(f"librosa {librosa.__version__}, {len(clips)} clips: largest deviation")
    print(ROW.format("configuration", "stage", "absolute", "relative", "limit"))
    exceeded = 0
    for rate in (22_050, 16_000):
        largest = resampling(ser.with_name("resampled"), clips, rate)
        exceeded += show(f"48 kHz to {rate} Hz", "samples", largest, SAMPLES_LIMIT)
    for name, config in CONFIGURATIONS.items():
        resampled = config.get("sample_rate") != 48_000
        limits = RESAMPLED_LIMITS if resampled else LIMITS
        largest = {}
        mine = ours(ser, clips, config)
        for clip in clips:
            arrays = theirs(clip, config)
            if resampled:
                for stages in (mine[clip], arrays):
                    stages[INNER] = stages["MFCC"][:, EDGE:-EDGE]
            for stage, array in arrays.items():
                found = deviation(stage, mine[clip][stage], array, config.get("power", 2.0))
                largest[stage] = np.maximum(largest.get(stage, 0), found)
        for stage, found in largest.items():
            limit = limits.get(stage)
            if limit and stage not in ("mel", "dB"):
                # Liftering multiplies the coefficients, and so their deviations.
                limit *= 1 + config.get("lifter", 0) / 2
            exceeded += show(name, stage, found, limit)
    if exceeded:
        sys.exit(f"deviations above their limits: {exceeded}")


if __name__ == "__main__":
    main()
