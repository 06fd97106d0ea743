"""The machine: its description, and measurements of its fastest matrix products and memory traffic."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from pathlib import Path

import torch

from results import EngineResult, synchronise
from work import Work

PACKAGES = ("torch", "transformers", "ctranslate2", "peft", "accelerate", "sacrebleu", "numpy", "snakemake")


def processor_name() -> str:
    """Returns the processor's name as the system gives it."""
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def cores() -> int:
    """Returns the number of cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_bytes() -> int:
    """Returns the memory of the whole machine, in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def versions() -> dict[str, str]:
    """Returns the versions of Python and of the compared packages that are installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def matrix_peak(device: torch.device, repeats: int = 5) -> float:
    """Measures several large float32 matrix products and returns the FLOP/s of the fastest."""
    best = 0.0
    for size in (4096, 8192) if device.type == "cuda" else (1024, 2048):
        one, other = (torch.randn(size, size, device=device) for _ in range(2))
        for _ in range(repeats):
            synchronise(device)
            started = time.perf_counter()
            one @ other
            synchronise(device)
            best = max(best, 2 * size**3 / (time.perf_counter() - started))
    return best


def memory_bandwidth(device: torch.device, repeats: int = 5) -> float:
    """Measures copies of 256 MiB and returns the bytes per second, read and written, of the fastest."""
    source = torch.ones(2**26, device=device)
    target = torch.empty_like(source)
    best = 0.0
    for _ in range(repeats):
        synchronise(device)
        started = time.perf_counter()
        target.copy_(source)
        synchronise(device)
        best = max(best, 2 * source.numel() * source.element_size() / (time.perf_counter() - started))
    return best


def describe(device: torch.device) -> dict:
    """Describes the machine: its limits, measured with this process's threads, and the packages' versions."""
    found = {
        "processor": processor_name(),
        "cores": cores(),
        "memory_gib": round(memory_bytes() / 2**30, 1),
        "threads": torch.get_num_threads(),
        "device": device.type,
        "matrix_peak_gflop_per_second": round(matrix_peak(device) / 1e9, 1),
        "memory_bandwidth_gb_per_second": round(memory_bandwidth(device) / 1e9, 1),
        "versions": versions(),
    }
    if device.type == "cuda":
        found["gpu"] = torch.cuda.get_device_name(device)
    return found


def run_machine(work: Work | None, device: torch.device) -> EngineResult:
    """Describes the machine as an engine does its work: in a process of its own, with an engine's threads."""
    return EngineResult({}, {}, {}, describe(device))
