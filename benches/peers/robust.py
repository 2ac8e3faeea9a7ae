"""Runs the built-in model, robust, with librosa, NumPy and PyTorch: the same features and networks, with the weights of the model.

    python robust.py MODEL CLIP...

prints a line of JSON per clip. docs/features.md and docs/model-format.md have the formulas. Two things that `ser` does are left
out: detecting damaged or noisy recordings, and restoring them.
"""

import json
import math
import sys

import librosa
import numpy as np
import torch
from safetensors import safe_open
from torch import nn
from torch.nn import functional

NEPERS = np.log(10) / 10


def levels(samples, features):
    """Returns the power of the frames and their mel levels in dB, frames first."""
    power = np.abs(
        librosa.stft(
            samples,
            n_fft=features["n_fft"],
            hop_length=features["hop_length"],
            win_length=features.get("win_length"),
            window=features["window"],
        )
    ) ** features["power"]
    mel = librosa.feature.melspectrogram(
        S=power,
        sr=features["sample_rate"],
        n_fft=features["n_fft"],
        n_mels=features["n_mels"],
        fmin=features["fmin"],
        fmax=features["fmax"],
    )
    decibels = librosa.power_to_db(mel, amin=features["amin"], top_db=features["top_db"])
    return power.T, decibels.T


def statistics(tracks):
    """Returns mean, deviation and five percentiles: [T, N] -> [N, 7]; zeros without frames."""
    if len(tracks) == 0:
        return np.zeros((tracks.shape[1], 7))
    percentiles = np.percentile(tracks, [5, 25, 50, 75, 95], axis=0)
    return np.vstack([tracks.mean(0), deviation(tracks), percentiles]).T


def deviation(tracks):
    return tracks.std(0, ddof=1) if len(tracks) > 1 else np.zeros(tracks.shape[1:])


def mean(tracks):
    return tracks.mean(0) if len(tracks) else np.zeros(tracks.shape[1:])


def slopes(tracks, reach):
    padded = np.pad(tracks, [(reach, reach), (0, 0)], mode="edge")
    count = len(tracks)
    steps = [i * (padded[reach + i :][:count] - padded[reach - i :][:count]) for i in range(1, reach + 1)]
    return sum(steps) / (2 * sum(i * i for i in range(1, reach + 1)))


def thirds(tracks):
    """Returns the differences between the means of the three thirds: [T, N] -> [N, 3]."""
    one, two, three = (part.mean(0) if len(part) else np.full(tracks.shape[1], np.nan) for part in np.array_split(tracks, 3))
    return np.nan_to_num(np.stack([two - one, three - two, three - one], axis=1))


def shape(x, centres):
    """Returns the shape of the spectrum of each frame, from its levels in nepers: [T, 7]."""
    p = np.exp(x)
    total = p.sum(1)
    centroid = p @ centres / total
    variance = (p * (centres - centroid[:, None]) ** 2).sum(1) / total
    below = [np.searchsorted(centres, hz) for hz in (1000, 2000, 5000)]
    low, mid, high = p[:, : below[0]].sum(1), p[:, below[0] : below[2]].sum(1), p[:, below[2] :].sum(1)
    return np.stack(
        [
            np.log(centroid),
            np.log1p(np.sqrt(variance)),
            x.mean(1) - np.log(p.mean(1)),
            np.log(low / mid),
            np.log(mid / high),
            x[:, : below[1]].max(1) - x[:, below[1] : below[2]].max(1),
            np.log(total),
        ],
        axis=1,
    )


def modulation(tracks, rate):
    """Returns the log power in six bands of modulation frequency: [T, N] -> [N, 6]."""
    count = len(tracks)
    size = max(256, 1 << (count - 1).bit_length())
    window = librosa.filters.get_window("hann", count)[:, None]
    power = np.abs(np.fft.rfft((tracks - tracks.mean(0)) * window, size, axis=0)) ** 2
    edges = [min(int(np.ceil(hz * size / rate)), size // 2 + 1) for hz in (0.3, 1.5, 3, 5, 8, 13, 25)]
    bands = [power[a:b].sum(0) / max(b - a, 1) for a, b in zip(edges, edges[1:])]
    return np.log(np.stack(bands, axis=1) + 1e-3)


def yin(samples, rate, length, hop):
    """Returns the F0 of each frame, 0 if there is none, and its aperiodicity."""
    shortest, longest = int(rate // 600), int(np.ceil(rate / 60))
    terms = length - longest
    frames = librosa.util.frame(np.pad(samples, length // 2), frame_length=length, hop_length=hop).T
    squares = np.cumsum(np.pad(frames.astype(np.float64) ** 2, [(0, 0), (1, 0)]), axis=1)
    size = 1 << (length - 1).bit_length()
    spectrum = np.fft.rfft(frames, size) * np.fft.rfft(frames[:, :terms], size).conj()
    products = np.fft.irfft(spectrum, size)[:, : longest + 1]
    energy = squares[:, terms : terms + longest + 1] - squares[:, : longest + 1]
    difference = np.maximum(squares[:, terms, None] + energy - 2 * products, 0)
    periods = np.arange(1, longest + 1)
    d = np.ones((len(frames), longest + 1))
    d[:, 1:] = difference[:, 1:] * periods / np.maximum(np.cumsum(difference[:, 1:], axis=1), 1e-30)
    inner = d[:, shortest:longest]
    trough = (inner < 0.1) & (inner < d[:, shortest - 1 : longest - 1]) & (inner <= d[:, shortest + 1 :])
    period = shortest + np.where(trough.any(1), trough.argmax(1), inner.argmin(1))
    at = np.arange(len(frames))
    before, here, after = d[at, period - 1], d[at, period], d[at, period + 1]
    curve = before - 2 * here + after
    shift = np.where(curve > 0, (before - after) / (2 * np.where(curve > 0, curve, 1)), 0)
    centre = at * hop
    inside = np.minimum(centre + length // 2, len(samples)) - np.maximum(centre - length // 2, 0)
    heard = (inside >= 2 * longest) & (squares[:, -1] > 1e-10)
    aperiodicity = np.where(heard, here, 1)
    f0 = np.where(aperiodicity < 0.4, rate / (period + np.clip(shift, -1, 1)), 0)
    return f0, aperiodicity


def harmonics(power, width, f0):
    """Returns eight values in dB for each frame that has an F0, zeros for the others: [T, 8]."""
    rows = np.zeros((len(f0), 8))
    last = power.shape[1] - 1
    for t in np.flatnonzero(f0):
        row, hz = power[t], f0[t]

        def highest(centres, reach):
            low = np.minimum(np.ceil((centres - reach) / width).astype(int), last)
            high = np.clip(np.floor((centres + reach) / width).astype(int), low, last)
            # The last bin is repeated, because a range of `reduceat` cannot end with it.
            bounds = np.stack([low, high + 1], axis=1).ravel()
            return np.maximum.reduceat(np.append(row, row[-1]), bounds)[::2]

        floor = row.max() * 1e-8
        voice = 10 * np.log10(np.maximum(highest(hz * np.array([1, 2, 4]), 0.3 * hz), floor))
        formants = np.maximum(highest(np.array([650, 1750, 3250]), np.array([350, 750, 750])), floor)
        k = np.arange(1, int(min(7000, (last + 1) * width) / hz) + 1)
        k = k[(k + 0.5) * hz < min(7000, (last + 1) * width)]
        tone, noise = highest(k * hz, 0.2 * hz), highest((k + 0.5) * hz, 0.2 * hz)
        ranges = np.searchsorted([1000, 3000], k * hz, side="right")
        sums = [np.bincount(ranges, values, 3) for values in (tone, noise)]
        ratio = 10 * np.log10(np.maximum(sums, 1e-38))
        rows[t, :2] = voice[0] - voice[1], voice[1] - voice[2]
        rows[t, 2:5] = voice[0] - 10 * np.log10(formants)
        rows[t, 5:] = ratio[0] - ratio[1]
    return rows


def formants(samples, rate, frames, hop):
    """Returns the frequencies and bandwidths of the first three formants of each frame: [T, 6]."""
    length, order = round(0.032 * rate), 2 + rate // 1000
    emphasised = np.append(samples[:1], samples[1:] - 0.97 * samples[:-1])
    padded = np.pad(emphasised, (length // 2, length))
    cut = librosa.util.frame(padded, frame_length=length, hop_length=hop).T[:frames].astype(np.float64)
    cut = cut * librosa.filters.get_window("hamming", length)
    spectrum = np.abs(np.fft.rfft(cut, 2 * length)) ** 2
    r = np.fft.irfft(spectrum)[:, : order + 1]
    r[:, 0] *= 1 + 1e-4
    silent = r[:, 0] < 1e-30
    r[silent, 0] = 1
    toeplitz = r[:, np.abs(np.arange(order)[:, None] - np.arange(order))]
    prediction = np.linalg.solve(toeplitz, r[:, 1:, None])[:, :, 0]
    size = 1 << int(np.ceil(rate / 16) - 1).bit_length()
    step = rate / size
    response = np.fft.rfft(np.hstack([np.ones((len(r), 1)), -prediction]), size)
    level = -20 * np.log10(np.maximum(np.abs(response[:, : int(5500 / step) + 3]), 1e-150))
    before, here, after = level[:, :-2], level[:, 1:-1], level[:, 2:]
    curve = before - 2 * here + after
    is_peak = (here > before) & (here >= after) & (curve < 0)
    curve = np.where(is_peak, curve, -1)
    frequency = (1 + np.arange(here.shape[1]) + (before - after) / (2 * curve)) * step
    bandwidth = 2 * step * np.sqrt(20 / np.log(10) / -curve)
    is_peak &= (frequency >= 150) & (frequency < 5500) & (bandwidth < 700)
    number = np.cumsum(is_peak, axis=1)
    rows = np.zeros((len(r), 6))
    found = (number[:, -1] >= 3) & ~silent
    for n in range(3):
        place = (number == n + 1).argmax(1)[found]
        rows[found, n] = frequency[found, place]
        rows[found, 3 + n] = bandwidth[found, place]
    return rows


def course(positions, values):
    if len(values) == 0:
        return np.zeros(7)
    places = np.linspace(positions[0], positions[-1], 32)
    sampled = np.interp(places, positions, values)
    k, j = np.arange(1, 8)[:, None], np.arange(32)
    return np.cos(np.pi * k * (j + 0.5) / 32) @ sampled / 32


def slope(positions, values):
    return np.polyfit(positions, values, 1)[0] if len(values) > 1 else 0.0


def run_lengths(lengths):
    lengths = np.asarray(lengths, dtype=float)
    return [mean(lengths), deviation(lengths), lengths.max(initial=0)]


def voice(f0, companions, is_loud, energy, cepstrum):
    """Returns the functionals of melody, rhythm and voice quality."""
    frames = np.flatnonzero(is_loud & (f0 > 0))
    log_f0 = np.log(f0[frames])
    steps = np.diff(log_f0)
    row = [*statistics(log_f0[:, None])[0], *statistics(steps[:, None])[0]]
    row += [mean(np.abs(steps)), *thirds(log_f0[:, None])[0]]
    adjacent = np.diff(frames) == 1
    for values in (log_f0, energy[frames]):
        change = np.abs(np.diff(values))[adjacent]
        row += [mean(change), np.median(change) if len(change) else 0]
    quarter = min(max(len(frames) // 4, 2), len(frames))
    row += [slope(frames[:quarter], log_f0[:quarter]), slope(frames[len(frames) - quarter :], log_f0[len(frames) - quarter :])]
    if len(frames):
        span = max(frames[-1] - frames[0], 1)
        row += [(frames[pick(log_f0)] - frames[0]) / span for pick in (np.argmax, np.argmin)]
    else:
        row += [0, 0]
    related = len(frames) > 1 and log_f0.std() > 0 and energy[frames].std() > 0
    row.append(np.corrcoef(log_f0, energy[frames])[0, 1] if related else 0)
    row += [*course(frames, log_f0), *course(np.arange(len(energy)), energy)]
    runs = np.split(frames, np.flatnonzero(~adjacent) + 1) if len(frames) else []
    row += run_lengths([len(run) for run in runs])
    row += run_lengths([after[0] - before[-1] - 1 for before, after in zip(runs, runs[1:])])
    unvoiced = (f0 == 0) & (energy > energy.max() - 9.21)
    row += [(f0 > 0).mean(), unvoiced.mean(), (energy < energy.max() - 4.605).mean(), len(runs) / len(f0)]
    voiced = cepstrum[frames]
    row += np.stack([mean(voiced), deviation(voiced), mean(cepstrum[unvoiced])], axis=1).ravel().tolist()
    for track in companions.T:
        row += statistics(track[is_loud & (track != 0)][:, None])[0].tolist()
    return row


def functionals(samples, features):
    """Returns the functionals of a clip, one row: [1, C]."""
    rate, hop, n_fft = features["sample_rate"], features["hop_length"], features["n_fft"]
    power, x = levels(samples, features)
    x = (x - x.mean()) * NEPERS
    cepstrum = librosa.feature.mfcc(S=x.T, n_mfcc=features["n_mfcc"]).T
    edges = librosa.mel_frequencies(features["n_mels"] + 2, fmin=features["fmin"], fmax=features["fmax"])
    shapes = shape(x, edges[1:-1])
    energy = shapes[:, -1]
    is_loud = energy >= np.percentile(energy, 40)
    weights = np.exp(energy - energy.max())
    moves = slopes(cepstrum, 2)
    slow = slopes(cepstrum[:, :20], 5)
    row = [statistics(cepstrum), statistics(x)]
    row.append(np.stack([deviation(moves), np.abs(moves).mean(0), deviation(slopes(moves, 2))], axis=1))
    row.append(np.stack([deviation(slow), np.abs(slow).mean(0)], axis=1))
    loud = cepstrum[is_loud]
    row.append(np.stack([loud.mean(0), deviation(loud), weights @ cepstrum / weights.sum()], axis=1))
    row.append(thirds(cepstrum[:, :13]))
    row.append(np.hstack([statistics(shapes), thirds(shapes), statistics(slopes(shapes, 2))]))
    row.append(statistics(np.maximum(np.diff(x, axis=0), 0).mean(1)[:, None]))
    width = x.shape[1] // 8
    groups = [x[:, g * width : (g + 1) * width if g < 7 else None].mean(1) for g in range(8)]
    row.append(modulation(np.stack([energy, *groups], axis=1), rate / hop))
    # Three periods of 60 Hz, whatever `n_fft` is.
    f0, aperiodicity = yin(samples, rate, math.ceil(3 * rate / 60), hop)
    voiced = f0 > 0
    companions = np.hstack(
        [
            aperiodicity[:, None],
            harmonics(power, rate / n_fft, f0),
            formants(samples, rate, len(f0), hop) * voiced[:, None],
        ]
    )
    row.append(np.array(voice(f0, companions, is_loud, energy, cepstrum)))
    peaks = (energy[1:-1] > energy[:-2]) & (energy[1:-1] > energy[2:])
    row.append(np.array([len(x), (energy > energy.max() - 3).mean(), peaks.sum() / len(x)]))
    return np.concatenate([part.ravel() for part in row])[None]


def extract(samples, rate, features, semitones):
    """Returns the features of a clip that is played faster by a number of semitones: [T, C]."""
    # Rounded to 100 Hz, as in ser.
    played = rate if semitones == 0 else round(rate * 2 ** (semitones / 12) / 100) * 100
    samples = librosa.resample(samples, orig_sr=played, target_sr=features["sample_rate"])
    samples, _ = librosa.effects.trim(
        samples, top_db=features["trim_db"], frame_length=features["n_fft"], hop_length=features["hop_length"]
    )
    if features["output"] == "functionals":
        return functionals(samples, features)
    return levels(samples, features)[1]


class Cnn(nn.Module):
    def __init__(self, description, inputs):
        super().__init__()
        channels, height, blocks = 1, inputs, []
        self.shrinking = []
        for block in description["blocks"]:
            out, kernel, stride, pool = (block[key] for key in ("channels", "kernel", "stride", "pool"))
            layers = [nn.Conv2d(channels, out, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(out), nn.ReLU()]
            if pool != [1, 1]:
                layers.append(nn.MaxPool2d(pool, ceil_mode=True))
            blocks.append(nn.Sequential(*layers))
            self.shrinking += [stride, pool[0]]
            channels, height = out, -(-(-(-height // stride)) // pool[1])
        self.blocks = nn.Sequential(*blocks)
        self.embed = nn.Linear(channels * height, description["embedding"])
        self.embed_norm = nn.BatchNorm1d(description["embedding"])
        self.output = nn.Linear(2 * description["embedding"], 8)

    def forward(self, x, lengths):
        x = self.blocks(x[:, None])
        for step in self.shrinking:
            lengths = -(-lengths // step)
        x = self.embed(x.transpose(1, 2).flatten(2))
        x = functional.relu(self.embed_norm(x.transpose(1, 2))).transpose(1, 2)
        mask = (torch.arange(x.shape[1]) < lengths[:, None]).float()[:, :, None]
        frames = mask.sum(1)
        average = (x * mask).sum(1) / frames
        variance = ((x - average[:, None]) * mask).square().sum(1) / frames
        return self.output(torch.cat([average, (variance + 1e-5).sqrt()], 1))


class Mlp(nn.Module):
    def __init__(self, description, inputs):
        super().__init__()
        self.hidden = nn.ModuleList()
        for size in description["hidden"]:
            self.hidden.append(nn.Sequential(nn.Linear(inputs, size), nn.BatchNorm1d(size), nn.ReLU()))
            inputs = size
        self.output = nn.Linear(inputs, 8)

    def forward(self, x, _lengths):
        x = x[:, 0]
        for layer in self.hidden:
            x = layer(x)
        return self.output(x)


# The names of our tensors, and their names in PyTorch's modules.
RENAMED = {
    "cnn": {r: n for i in range(4) for r, n in ((f"blocks.{i}.weight", f"blocks.{i}.0.weight"), (f"blocks.{i}.norm.", f"blocks.{i}.1."))},
    "mlp": {r: n for i in range(2) for r, n in ((f"hidden.{i}.norm.", f"hidden.{i}.1."), (f"hidden.{i}.weight", f"hidden.{i}.0.weight"), (f"hidden.{i}.bias", f"hidden.{i}.0.bias"))},
}


class Member:
    """A network of the model, with the configuration of its input."""

    def __init__(self, about, tensors):
        self.weight = about["weight"]
        self.features = about["features"]
        self.semitones = [0.0, *about["test_semitones"]]
        self.input = about["input"]
        self.mean, self.deviation = (np.array(about["standardiser"][key], np.float32) for key in ("mean", "deviation"))
        kind = about["network"]["architecture"]
        self.network = {"cnn": Cnn, "mlp": Mlp}[kind](about["network"], len(self.mean))
        weights = {}
        for name, tensor in tensors.items():
            for theirs, ours in RENAMED[kind].items():
                name = name.replace(theirs, ours)
            weights[name] = tensor.float()
        # Only our file has the average voice (`centre`), and only PyTorch has counts of batches.
        missing, unexpected = self.network.load_state_dict(weights, strict=False)
        assert all("num_batches" in name for name in missing) and unexpected == ["centre"], (missing, unexpected)
        self.network.eval()

    def windows(self, clip):
        """Returns windows that cover a clip, and the number of frames of the clip in each."""
        group, size = self.input["average"], self.input["frames"]
        frames = max(len(clip) // group, 1)
        clip = np.stack([clip[i * group : (i + 1) * group].mean(0) for i in range(frames)])
        if self.input["relative_level"]:
            clip = clip - clip.mean()
        clip = np.clip((clip - self.mean) / self.deviation, -5, 5).astype(np.float32)
        count = -(-frames // size)
        starts = [k * (frames - size) // (count - 1) if count > 1 else 0 for k in range(count)]
        cut = [clip[start : start + size] for start in starts]
        padded = [np.pad(window, [(0, size - len(window)), (0, 0)]) for window in cut]
        return torch.from_numpy(np.stack(padded)), torch.tensor([len(window) for window in cut])

    def probabilities(self, samples, rate):
        views = [self.windows(extract(samples, rate, self.features, s)) for s in self.semitones]
        scores = self.network(torch.cat([x for x, _ in views]), torch.cat([lengths for _, lengths in views]))
        parts = scores.softmax(1).split([len(x) for x, _ in views])
        return torch.stack([part.mean(0) for part in parts]).mean(0)


class Model:
    def __init__(self, path):
        with safe_open(path, "pt") as file:
            about = json.loads(file.metadata()["ser"])["model"]
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        if isinstance(about, str):
            about = json.loads(about)
        self.labels, self.temperature = about["labels"], about["temperature"]
        self.members = [
            Member(network, {name[2:]: tensor for name, tensor in tensors.items() if name.startswith(f"{i}.")})
            for i, network in enumerate(about["networks"])
        ]

    def answer(self, file):
        """Returns the probability of each label for the recording in a file."""
        samples, rate = librosa.load(file, sr=None)
        with torch.inference_mode():
            parts = [member.weight * member.probabilities(samples, rate) for member in self.members]
            average = sum(parts) / sum(member.weight for member in self.members)
            scaled = (average.clamp_min(1e-30).log() / self.temperature).softmax(0)
        return dict(zip(self.labels, scaled.tolist()))


def main(path, *clips):
    torch.set_num_threads(1)
    model = Model(path)
    for clip in clips:
        print(json.dumps({"file": clip, "probabilities": model.answer(clip)}))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
