"""Runs one engine in a process of its own; bench/run.py starts one for every engine and round.

python bench/engine.py translation_engines:run_lslo --work FOLDER --threads 2 --output result.json
"""

from __future__ import annotations

import argparse
import importlib
import os
from pathlib import Path


def main() -> None:
    """Runs the engine that the command line names and writes its result."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("engine", help="module:function, called with the work and the device")
    parser.add_argument("--work", type=Path)
    parser.add_argument("--unchecked", action="store_true", help="make no more outputs than the work itself")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    # Set before PyTorch and CTranslate2 are imported, which read it once.
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

    import torch
    from transformers.utils import logging

    from results import peak_memory
    from work import Work

    torch.set_num_threads(options.threads)
    logging.disable_progress_bar()
    module, _, function = options.engine.partition(":")
    run = getattr(importlib.import_module(module), function)
    device = torch.device(options.device)
    result = run(Work(options.work, not options.unchecked) if options.work else None, device)
    # An engine that starts processes reports their memory itself.
    result.peak_memory_bytes = result.peak_memory_bytes or peak_memory(device)
    result.write(options.output)


if __name__ == "__main__":
    main()
