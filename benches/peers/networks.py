"""Times the networks of the recipes seed5-cnn and seed5-lstm in PyTorch: epochs of training, and one answer from start to end.

`networks.py` prints one JSON line per figure, for the same jobs and with clips of the same lengths as the program
`ser-benches-networks`. PyTorch gets the best conditions: clips are standardised once, channels come last, AdamW is fused, and
nothing unnecessary happens between clips and batches.
"""

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
import wave

import numpy
import torch
from torch import nn
from torch.nn import functional

FRAMES, COEFFICIENTS, CLASSES = 180, 64, 5
TRAINING, VALIDATION = 622, 69
BATCH, EPOCHS_OF_SCHEDULE = 32, 45
# Number of timed epochs, after one that warms up, and of timed starts, likewise.
EPOCHS, STARTS = 5, 3


def pooled(x, lengths):
    """Returns the mean and deviation over the frames before the end of each clip: [B, T, F] -> [B, 2F]."""
    mask = (torch.arange(x.shape[1]) < lengths.clamp(1, x.shape[1])[:, None]).float()[:, :, None]
    frames = mask.sum(1)
    mean = (x * mask).sum(1) / frames
    variance = ((x - mean[:, None]) * mask).square().sum(1) / frames
    return torch.cat([mean, (variance + 1e-5).sqrt()], 1)


class Cnn(nn.Module):
    # The channels, kernel, stride and pool of each block.
    BLOCKS = [(16, 5, 2, (2, 2)), (32, 3, 1, (2, 2)), (64, 3, 1, (1, 2)), (96, 3, 1, (1, 1))]

    def __init__(self):
        super().__init__()
        inputs, height, blocks = 1, COEFFICIENTS, []
        for channels, kernel, stride, pool in self.BLOCKS:
            blocks += [
                nn.Conv2d(inputs, channels, kernel, stride, kernel // 2, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(inplace=True),
            ]
            if pool != (1, 1):
                blocks.append(nn.MaxPool2d(pool, ceil_mode=True))
            if inputs > 1:
                blocks.append(nn.Dropout2d(0.05))
            inputs, height = channels, math.ceil(math.ceil(height / stride) / pool[1])
        self.blocks = nn.Sequential(*blocks)
        self.embed = nn.Linear(inputs * height, 128)
        self.embed_norm = nn.BatchNorm1d(128)
        self.dropout = nn.Dropout(0.3)
        self.output = nn.Linear(256, CLASSES)

    def forward(self, x, lengths):
        x = self.blocks(x.unsqueeze(1).contiguous(memory_format=torch.channels_last))
        for _, _, stride, pool in self.BLOCKS:
            lengths = (lengths + stride - 1) // stride
            lengths = (lengths + pool[0] - 1) // pool[0]
        x = self.embed(x.transpose(1, 2).flatten(2))
        x = functional.relu(self.embed_norm(x.transpose(1, 2)), inplace=True).transpose(1, 2)
        return self.output(self.dropout(pooled(x, lengths)))


class Lstm(nn.Module):
    """An LSTM on padded clips, as in ser, because packed clips would not use the LSTM of oneDNN."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(2 * COEFFICIENTS, 64, 2, batch_first=True, dropout=0.3, bidirectional=True)
        self.dropout = nn.Dropout(0.3)
        self.output = nn.Linear(256, CLASSES)

    def forward(self, x, lengths):
        x, _ = self.lstm(x.reshape(x.shape[0], -1, 2 * COEFFICIENTS))
        return self.output(self.dropout(pooled(x, (lengths + 1) // 2)))


# Each network with the number of its weights, which ser-benches-networks checks too.
NETWORKS = {"seed5-cnn": (Cnn, 129_973), "seed5-lstm": (Lstm, 199_941)}


def windows_of(clip):
    """Returns evenly spread windows that cover a clip."""
    count = math.ceil(len(clip) / FRAMES)
    starts = [k * (len(clip) - FRAMES) // (count - 1) if count > 1 else 0 for k in range(count)]
    return [clip[start : start + FRAMES] for start in starts]


def batch_of(windows):
    """Returns a batch [B, T, C], zero after the end of each clip, and the lengths of the clips."""
    x = torch.zeros(len(windows), FRAMES, COEFFICIENTS)
    for row, window in zip(x, windows):
        row[: len(window)] = window
    return x, torch.tensor([len(window) for window in windows])


def epoch(name):
    """Returns the seconds of an epoch: all training batches, a pass over the validation part, a copy of the best weights."""
    torch.manual_seed(0)
    clips = [torch.rand(120 + i * 37 % 141, COEFFICIENTS) * 2 - 1 for i in range(TRAINING + VALIDATION)]
    targets = torch.arange(len(clips)) % CLASSES
    frames = torch.cat(clips[:TRAINING])
    mean, deviation = frames.mean(0), frames.std(0, correction=0)
    clips = [(clip - mean) / deviation for clip in clips]
    validation = [(window, i) for i, clip in enumerate(clips[TRAINING:]) for window in windows_of(clip)]

    kind, weights = NETWORKS[name]
    network = kind().to(memory_format=torch.channels_last)
    assert sum(p.numel() for p in network.parameters()) == weights
    matrices = [p for p in network.parameters() if p.dim() > 1]
    vectors = [p for p in network.parameters() if p.dim() == 1]
    groups = [{"params": matrices}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=3e-3, weight_decay=0.01, fused=True)
    steps = TRAINING // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 3e-3, total_steps=EPOCHS_OF_SCHEDULE * steps, pct_start=0.2, div_factor=10, cycle_momentum=False
    )
    seconds, best, kept = [], math.inf, None
    for _ in range(1 + EPOCHS):
        start = time.perf_counter()
        network.train()
        order = torch.randperm(TRAINING).tolist()
        loss_sum, right = 0.0, 0
        for step in range(steps):
            chosen = order[step * BATCH : (step + 1) * BATCH]
            crops = []
            for i, u in zip(chosen, torch.rand(BATCH).tolist()):
                first = int(u * (max(len(clips[i]) - FRAMES, 0) + 1))
                crops.append(clips[i][first : first + FRAMES])
            scores = network(*batch_of(crops))
            loss = functional.cross_entropy(scores, targets[chosen], label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            schedule.step()
            loss_sum += loss.item()
            right += (scores.argmax(1) == targets[chosen]).sum().item()
        network.eval()
        sums = torch.zeros(VALIDATION, CLASSES)
        with torch.inference_mode():
            for first in range(0, len(validation), 64):
                windows, owners = zip(*validation[first : first + 64])
                sums.index_add_(0, torch.tensor(owners), network(*batch_of(windows)).softmax(1))
            loss = functional.nll_loss((sums / sums.sum(1, keepdim=True)).log(), targets[TRAINING:]).item()
        if loss < best:
            best, kept = loss, {key: value.clone() for key, value in network.state_dict().items()}
        seconds.append(time.perf_counter() - start)
    assert kept is not None and math.isfinite(loss_sum) and right <= TRAINING
    return statistics.median(seconds[1:])


def answer(weights, clip):
    """Does the work of `ser predict` with a model of seed5-cnn. The last line that it prints is the peak memory of this process."""
    import librosa

    torch.set_num_threads(1)
    network = Cnn()
    network.load_state_dict(torch.load(weights))
    network.eval()
    sound, rate = librosa.load(clip, sr=16_000)
    sound, _ = librosa.effects.trim(sound, top_db=30)
    mel = librosa.feature.melspectrogram(
        y=sound, sr=rate, n_fft=512, win_length=400, hop_length=160, window="hamming", n_mels=64, fmin=50, fmax=8000
    )
    frames = torch.from_numpy(librosa.power_to_db(mel).T)
    with torch.inference_mode():
        print(network(*batch_of(windows_of(frames))).softmax(1).mean(0).tolist())
    print(json.dumps(peak_memory()))


def peak_memory():
    """Returns the largest resident set of this process in MB, or None if the system is not Linux.

    getrusage is no substitute: on Linux its value begins with that of the process that started this one, and that one has trained
    networks.
    """
    if sys.platform != "linux":
        return None
    with open("/proc/self/status") as status:
        kilobytes = next(line for line in status if line.startswith("VmHWM:")).split()[1]
    return int(kilobytes) / 1024


def write_clip(path):
    """Writes 3.7 s of 16-bit mono sound at 48 kHz: a moving pitch with pauses."""
    t = numpy.arange(int(3.7 * 48_000)) / 48_000
    phase = 2 * numpy.pi * numpy.cumsum(140 + 30 * numpy.sin(4 * t)) / 48_000
    sound = sum(numpy.sin(k * phase) / k for k in range(1, 20)) * numpy.maximum(numpy.sin(2 * t), 0)
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes((0.2 * sound * 32_767).astype("<i2").tobytes())


def show(job, threads, unit, value):
    who = f"PyTorch {torch.__version__.split('+')[0]}"
    line = {"job": job, "who": who, "threads": threads, "unit": unit, "value": round(value, 4)}
    print(json.dumps(line), flush=True)


def main():
    for name in NETWORKS:
        for threads in [1, 2]:
            torch.set_num_threads(threads)
            show(f"epoch of {name}, {TRAINING + VALIDATION} clips", threads, "s", epoch(name))
    start_to_end()


def start_to_end():
    """Measures `answer` in processes of its own, on one thread."""
    one_thread = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    with tempfile.TemporaryDirectory() as folder:
        weights, clip = os.path.join(folder, "weights.pt"), os.path.join(folder, "clip.wav")
        torch.save(Cnn().state_dict(), weights)
        write_clip(clip)
        seconds, peaks = [], []
        for _ in range(1 + STARTS):
            start = time.perf_counter()
            command = [sys.executable, __file__, "answer", weights, clip]
            printed = subprocess.check_output(command, text=True, env=os.environ | one_thread)
            seconds.append(time.perf_counter() - start)
            peaks.append(json.loads(printed.splitlines()[-1]))
        job = "predict with seed5-cnn, process start to end"
        show(job, 1, "s", statistics.median(seconds[1:]))
        if None not in peaks:
            show(job, 1, "MB at most", max(peaks))


if __name__ == "__main__":
    if sys.argv[1:2] == ["answer"]:
        answer(*sys.argv[2:])
    else:
        main()
