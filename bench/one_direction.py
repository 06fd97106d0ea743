"""Translation as the paper's authors published it: a fresh process for each direction."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from results import EngineResult, peak_memory, say
from work import Work


def run_processes(work: Work, device: torch.device) -> EngineResult:
    """Translates each direction in a process of its own, as the paper's authors did.

    The process imports the libraries, loads the model, merges the direction's LSLo and generates. Only some
    directions are run; their time and amount of work are scaled to all directions.
    """
    directions = work.directions
    # The sample is spread over the list of directions, so that source languages differ.
    step = max(1, len(directions) // work.size.sampled)
    sample = directions[::step][: work.size.sampled]
    translations, seconds, memory = {}, 0.0, 0
    with tempfile.TemporaryDirectory(dir=work.folder) as temporary:
        for number, direction in enumerate(sample, start=1):
            output = Path(temporary) / "translations.json"
            command = [sys.executable, __file__, str(work.folder), *direction, str(output)]
            started = time.perf_counter()
            subprocess.run(
                [*command, "--device", str(device), "--threads", str(torch.get_num_threads())], check=True
            )
            seconds += time.perf_counter() - started
            found = json.loads(output.read_text())
            translations["-".join(direction)] = found["translations"]
            memory = max(memory, found["peak_memory_bytes"])
            say(f"{number} of {len(sample)} directions")
    scale = len(directions) / len(sample)
    lines = [tokens for of in translations.values() for tokens in of]
    # All directions have equally many sentences and about equally many tokens, so that both can be scaled.
    counted = {
        "sentences": round(scale * len(lines)),
        "target_tokens": round(scale * sum(len(tokens) + 1 for tokens in lines)),
    }
    note = f"timed on {len(sample)} of {len(directions)} directions and scaled by {scale:g}"
    parts = {"a process": seconds / len(sample)}
    return EngineResult({"": scale * seconds}, counted, parts, translations, [note], memory)


def main() -> None:
    """Translates one direction, in the process that `run_processes` starts for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("output", type=Path)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    from transformers.utils import logging

    from models import Merger
    from translation_engines import generate_direction

    torch.set_num_threads(options.threads)
    logging.disable_progress_bar()
    work, device = Work(options.work), torch.device(options.device)
    direction = options.source, options.target
    model = Merger(work.base_model, work.adapter, device).merge(direction)
    translations = generate_direction(model, work, direction, device)
    found = {"translations": translations, "peak_memory_bytes": peak_memory(device)}
    options.output.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
