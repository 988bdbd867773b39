"""What is measured of the machine and its processes; Linux only."""

import os
import pathlib
import platform
import shutil
import subprocess

PROC = pathlib.Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")


def describe(folder: pathlib.Path) -> dict:
    """The machine in a few words."""
    cpu = next((line.split(":", 1)[1].strip() for line in open(PROC / "cpuinfo") if line.startswith("model name")), "?")
    memory = int(open(PROC / "meminfo").readline().split()[1]) // 1024
    mounts = [line.split() for line in open(PROC / "mounts")]
    inside = [mount for mount in mounts if folder.resolve().is_relative_to(mount[1])]
    filesystem = max(inside, key=lambda mount: len(mount[1]))[2]
    return {"cpu": cpu, "cores": os.cpu_count(), "memory_mb": memory, "kernel": platform.release(),
            "filesystem": filesystem, "python": platform.python_version(), "load": round(os.getloadavg()[0], 2)}


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for stat in PROC.glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has ended
        children.setdefault(parent, []).append(int(stat.parent.name))
    found = [pid]
    for member in found:
        found += children.get(member, [])
    return found


def memory_mb(pids: list[int]) -> float:
    """Resident memory; what processes share is counted once (Pss)."""
    def pss(pid):
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("Pss:")))

    return sum(map(pss, pids)) / 1024


def cpu_seconds(pids: list[int]) -> float:
    """Processor time so far, of user and system."""
    def ticks(pid):
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15]))  # utime, stime, and those of children that ended

    return sum(map(ticks, pids)) / TICKS


def disk_mb(folder: pathlib.Path) -> float:
    """Blocks taken by the files of a folder."""
    return sum(path.lstat().st_blocks for path in folder.rglob("*")) * 512 / 2**20


def program(name: str, *folders: str) -> str | None:
    """Where a program is: in the folders given, else on the PATH."""
    return shutil.which(name, path=os.pathsep.join([*folders, os.environ.get("PATH", "")]))


def package_version(name: str) -> str:
    """The version of a Debian package, unpacked by `run` or installed."""
    unpacked = pathlib.Path(os.environ.get("PEERS_DEBIAN", "")) / "versions"
    known = unpacked.read_text() if unpacked.is_file() else ""
    if name not in known.split():
        known = subprocess.run(["dpkg-query", "--show", name], capture_output=True, text=True, check=False).stdout
    return next((line.split()[1] for line in known.splitlines() if line.split()[0] == name), "of unknown version")
