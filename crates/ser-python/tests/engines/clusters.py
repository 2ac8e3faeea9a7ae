"""Clusters of two nodes on this machine, each with one core, and their processes that can be killed."""

from __future__ import annotations

import os
import random
import re
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import psutil

JOB = Path(__file__).with_name("job.py")


class Cluster:
    """Two nodes that run jobs."""

    engine: str
    address: str
    # The processes to kill besides the driver and a node, each with a pattern for its command line.
    victims: dict[str, re.Pattern[str]]

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # The token with which the nodes of Ray authenticate.
        self.token = secrets.token_hex(32)
        self.log: IO[bytes] = (folder / f"{self.engine}.log").open("ab")
        self.nodes: list[subprocess.Popen[bytes]] = []
        self.job: subprocess.Popen[bytes] | None = None
        self.begin()

    def begin(self) -> None:
        """Starts the processes that exist once, and the nodes."""
        raise NotImplementedError

    def node(self) -> list[str]:
        """Returns the command that starts a node."""
        raise NotImplementedError

    def spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
        environment |= {"SPARK_LOCAL_DIRS": str(self.folder), "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": self.token}
        return subprocess.Popen(command, stdout=self.log, stderr=self.log, env=environment)

    def start(self, manifest: Path, out: Path, shards: int, batch: int) -> subprocess.Popen[bytes]:
        """Starts the job. The command is the same each time."""
        command = [sys.executable, JOB, self.engine, self.address, manifest, out, shards, batch]
        self.job = self.spawn([str(part) for part in command])
        return self.job

    def kill(self, victim: str, choice: random.Random) -> bool:
        """Kills the driver, a node or another victim with ``kill -9``, together with all processes that it started. Returns whether
        there was a victim. Half of the executors die alone; their Python workers then see the end of the rows."""
        if victim == "driver":
            found = [] if self.job is None else [self.job.pid]
        elif victim == "node":
            found = [self.nodes[-1].pid]
        else:
            started = [process for node in self.nodes for process in descendants(node.pid)]
            found = [process.pid for process in started if self.victims[victim].search(line(process))]
            found = found and [choice.choice(found)]
        is_alone = victim == "executor" and choice.random() < 0.5
        for pid in found:
            kill_one(pid) if is_alone else kill_tree(pid)
        if victim == "node":
            self.nodes.pop().wait()
            self.nodes.append(self.spawn(self.node()))
        return bool(found)

    def end(self) -> None:
        """Kills all remaining processes."""
        for process in [*self.nodes, *([] if self.job is None else [self.job])]:
            kill_tree(process.pid)
            process.wait()
        self.log.close()


class Spark(Cluster):
    """A master and two workers, each with an executor."""

    engine = "spark"
    address = "spark://127.0.0.1:17077"
    victims = {"worker": re.compile("pyspark.daemon"), "executor": re.compile("CoarseGrainedExecutorBackend")}

    def begin(self) -> None:
        master = ["org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", "17077", "--webui-port", "0"]
        self.nodes.append(self.spawn([self._program(), *master]))
        time.sleep(4)
        self.nodes += [self.spawn(self.node()) for _ in range(2)]

    def node(self) -> list[str]:
        worker = ["org.apache.spark.deploy.worker.Worker", self.address, "--cores", "1", "--memory", "2g", "--webui-port", "0"]
        return [self._program(), *worker, "--host", "127.0.0.1", "--work-dir", str(self.folder / "spark-work")]

    def _program(self) -> str:
        import pyspark

        return str(Path(pyspark.__file__).parent / "bin/spark-class")


class Ray(Cluster):
    """A head and another node. Ray has no executors between a node and its workers; only workers that run our tasks are victims."""

    engine = "ray"
    address = "127.0.0.1:6399"
    victims = {"worker": re.compile("^ray::.*MapB")}

    def begin(self) -> None:
        head = ["--head", "--port", "6399", "--include-dashboard", "false"]
        self.nodes.append(self.spawn([*self._start(), *head]))
        time.sleep(10)
        self.nodes.append(self.spawn(self.node()))

    def node(self) -> list[str]:
        return [*self._start(), "--address", self.address]

    def _start(self) -> list[str]:
        program = str(Path(sys.executable).with_name("ray"))
        sizes = ["--num-cpus", "1", "--object-store-memory", "200000000"]
        return [program, "start", "--block", "--node-ip-address", "127.0.0.1", "--disable-usage-stats", *sizes]


CLUSTERS: dict[str, type[Cluster]] = {"spark": Spark, "ray": Ray}


def descendants(pid: int) -> list[psutil.Process]:
    """Returns all descendants of a process, parents before their children."""
    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def line(process: psutil.Process) -> str:
    """Returns the command line of a process, or the title that it gave itself."""
    try:
        return " ".join(map(str, process.cmdline()))
    except psutil.Error:
        return ""


def kill_tree(pid: int) -> None:
    """Kills a process and all its descendants with ``kill -9``."""
    for one in [pid, *(process.pid for process in descendants(pid))]:
        kill_one(one)


def kill_one(pid: int) -> None:
    """Kills a process with ``kill -9``, unless it has ended."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
