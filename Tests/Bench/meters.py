"""What a build costs: wall and CPU seconds with children, and the peak memory of the largest process."""
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Cost:
    wall: float
    cpu: float
    """MB; of our builds the client's."""
    peak: float
    """Seconds between the build's start and its end in the server."""
    server: float = 0
    server_peak: float = 0


def run(command, environment):
    """Runs a command quietly to a good end; what it cost, and what it printed."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        child = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - began
        output.seek(0)
        errors.seek(0)
        if child.returncode:
            sys.exit(f"{' '.join(map(str, command))}\n{errors.read().decode(errors='replace')}")
        return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024), output.read().decode()


class Process:
    """A process that lives longer than what is measured."""

    def __init__(self, pid):
        self.proc = pathlib.Path(f"/proc/{pid}")

    def cpu(self):
        """Seconds of it and of the children it has waited for."""
        fields = (self.proc / "stat").read_text().rsplit(")", 1)[1].split()
        return sum(int(fields[i]) for i in (11, 12, 13, 14)) / TICK

    def memory(self, key="VmRSS"):
        return int(re.search(rf"{key}:\s+(\d+)", (self.proc / "status").read_text()).group(1)) / 1024

    def forget_peak(self):
        # "5 resets the peak resident set size to the process's current one" (proc(5), clear_refs).
        (self.proc / "clear_refs").write_text("5")


def median(costs, key):
    return statistics.median(getattr(cost, key) for cost in costs)
