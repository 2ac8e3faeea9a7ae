"""What a row costs on a cluster as rows become more: ``python cost.py spark|ray DIR ROWS…``.

DIR is what ``archives make`` wrote. A row is the first tenth of a second of one of its recordings, so that many rows take minutes; each
recording comes again until there are so many rows. Prints for each number of rows the time that the command took, the processor time of
the workers of Python a row, and the most memory that one of them held, and one of the executors of Java.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

import psutil
import pyarrow
import pyarrow.csv
import pyarrow.parquet
from clusters import CLUSTERS, Cluster, descendants, line

ROWS_OF_A_SHARD = 500


def main(engine: str, folder: str, *counts: str) -> None:
    source = Path(folder).resolve()
    for count in map(int, counts):
        with tempfile.TemporaryDirectory(prefix="engines-") as temporary:
            manifest = write_manifest(source, Path(temporary), count)
            cluster = CLUSTERS[engine](Path(temporary))
            try:
                measure(cluster, manifest, count)
            finally:
                cluster.end()


def write_manifest(source: Path, folder: Path, count: int) -> Path:
    names = pyarrow.csv.read_csv(source / "manifest.csv")["path"].to_pylist()
    columns = {
        "id": [str(number) for number in range(count)],
        "path": [str(source / name) for name in islice(cycle(names), count)],
        "end": [0.1] * count,
    }
    pyarrow.parquet.write_table(pyarrow.table(columns), folder / "manifest.parquet")
    return folder / "manifest.parquet"


def measure(cluster: Cluster, manifest: Path, count: int) -> None:
    began = time.monotonic()
    job = cluster.start(manifest, manifest.with_name("answers"), max(2, count // ROWS_OF_A_SHARD))
    seconds: dict[int, float] = {}
    megabytes = dict.fromkeys(cluster.victims, 0.0)
    while True:
        for process in [process for node in cluster.nodes for process in descendants(node.pid)]:
            for kind, words in cluster.victims.items():
                if words.search(line(process)):
                    sample(process, kind, seconds, megabytes)
        try:
            assert job.wait(0.5) == 0, "the command failed"
            break
        except subprocess.TimeoutExpired:
            pass
    wall = time.monotonic() - began
    memory = ", ".join(f"{most:.0f} MB at most in a {kind}" for kind, most in megabytes.items())
    each = 1000 * sum(seconds.values()) / count
    print(f"{cluster.engine}: {count} rows: {wall:.0f} s, {each:.2f} ms of workers' processor time a row, {memory}", flush=True)


def sample(process: psutil.Process, kind: str, seconds: dict[int, float], megabytes: dict[str, float]) -> None:
    try:
        times = process.cpu_times()
        held = process.memory_info().rss / 1e6
    except psutil.Error:
        return
    megabytes[kind] = max(megabytes[kind], held)
    if kind == "worker":
        seconds[process.pid] = times.user + times.system


if __name__ == "__main__":
    main(*sys.argv[1:])
