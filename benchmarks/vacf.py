"""VACF-DOS of a long MD from HDF5, against a bare FFT of the same array, the direct sum, and its own memory.

    OMP_NUM_THREADS=1 python benchmarks/vacf.py [--atoms 512] [--frames 30000] [--directory DIR]

Prints one Markdown table. Every measurement is a process of its own, one after the other; memory is the peak of
that process beyond what its imports take. `VACF-DOS` reads chunked HDF5 (in the page cache) and ends with the
densities by element. The bare FFT transforms all series, in memory, in float64, laid out for it, to as many
points as there are frames. The direct sum is measured on fewer atoms and frames, and scaled by its law: atoms times
the pairs of frames up to the last lag. Velocities are random numbers, which no method here can tell from others.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from flows.dynamics.chunk import Chunk, State
from flows.dynamics.md import CHUNK_STEPS
from flows.dynamics.trajectory import PRODUCTION, Trajectory
from flows.dynamics.vacf import Lines, autocorrelations, densities, multiples
from flows.dynamics.windows import WINDOWS

FRAME_FS, RESOLUTION_CM1 = 0.5, 10.0
LINES = Lines.of(WINDOWS["gaussian"], RESOLUTION_CM1, FRAME_FS, multiples(2.0, 2000.0))
PIECE_ATOMS, PIECE_FRAMES = 4, 4000


def main() -> None:
    asked = arguments()
    if asked.measure:
        print(json.dumps(MEASURES[asked.measure](asked)))
        return
    with TemporaryDirectory(dir=asked.directory) as directory:
        table(asked, Path(directory))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--atoms", type=int, default=512)
    parser.add_argument("--frames", type=int, default=30_000)
    parser.add_argument("--directory", type=Path, default=None, help="for the trajectory: 12 bytes per atom and frame")
    parser.add_argument("--measure", choices=MEASURES, help=argparse.SUPPRESS)
    return parser.parse_args()


def table(asked: argparse.Namespace, directory: Path) -> None:
    print(f"| {asked.atoms} atoms | frames | s | of the bare FFT | peak memory, MiB |\n|---|---|---|---|---|")
    bare = measured("bare", asked.atoms, asked.frames, directory)
    row("bare FFT, in memory", asked.frames, bare, bare)
    row("direct sum, scaled", asked.frames, measured("direct", asked.atoms, asked.frames, directory), bare)
    for frames in (asked.frames, 2 * asked.frames, 4 * asked.frames):
        write(directory / str(frames), asked.atoms, frames)
        found = measured("vacf", asked.atoms, frames, directory / str(frames))
        row("VACF-DOS, from HDF5", frames, found, bare if frames == asked.frames else None)
        for path in (directory / str(frames)).iterdir():
            path.unlink()


def row(what: str, frames: int, found: dict[str, float], bare: dict[str, float] | None) -> None:
    ratio = f"{found['seconds'] / bare['seconds']:.3g}" if bare else ""
    memory = f"{found['MiB']:.0f}" if "MiB" in found else ""
    print(f"| {what} | {frames} | {found['seconds']:.3g} | {ratio} | {memory} |", flush=True)


def measured(measure: str, atoms: int, frames: int, directory: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", measure, "--directory", str(directory)]
    command += ["--atoms", str(atoms), "--frames", str(frames)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def write(directory: Path, atoms: int, frames: int) -> None:
    trajectory = Trajectory(directory, "benchmark")
    random = np.random.default_rng(1)
    state = State(np.zeros((atoms, 3)), np.zeros((atoms, 3)), "")
    for first in range(0, frames, CHUNK_STEPS):
        last = min(first + CHUNK_STEPS, frames)
        velocities = random.standard_normal((last - first, atoms, 3), dtype=np.float32)
        trajectory.append(Chunk(PRODUCTION, first, last, {"velocities": velocities}, state, 0.0))


def peak_MiB() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def vacf(asked: argparse.Namespace) -> dict[str, float]:
    import h5py  # noqa: F401
    from scipy import fft, signal  # noqa: F401

    # opening a trajectory checks every byte of it: part of a resume, not of the analysis
    velocities = Trajectory(asked.directory, "benchmark").velocities()
    symbols = ["Li", "H"] * (asked.atoms // 2) + ["H"] * (asked.atoms % 2)
    before, started = peak_MiB(), time.perf_counter()
    found = autocorrelations(velocities, np.ones(asked.atoms), symbols, LINES.last_lag)
    densities(found, LINES, 3 * asked.atoms)
    return {"seconds": time.perf_counter() - started, "MiB": peak_MiB() - before}


def bare(asked: argparse.Namespace) -> dict[str, float]:
    from scipy import fft

    before = peak_MiB()
    series = np.random.default_rng(1).standard_normal((3 * asked.atoms, asked.frames))
    started = time.perf_counter()
    fft.rfft(series, axis=1)
    return {"seconds": time.perf_counter() - started, "MiB": peak_MiB() - before}


def direct(asked: argparse.Namespace) -> dict[str, float]:
    atoms, frames = min(PIECE_ATOMS, asked.atoms), min(PIECE_FRAMES, asked.frames)
    lags = min(LINES.last_lag, frames // 2)
    v = np.random.default_rng(1).standard_normal((3 * atoms, frames))
    started = time.perf_counter()
    for lag in range(lags + 1):
        np.einsum("st,st->", v[:, : frames - lag], v[:, lag:])
    seconds = time.perf_counter() - started
    return {"seconds": seconds * work(asked.atoms, asked.frames, LINES.last_lag) / work(atoms, frames, lags)}


def work(atoms: int, frames: int, last_lag: int) -> float:
    return atoms * sum(frames - lag for lag in range(min(last_lag, frames - 1) + 1))


MEASURES = {"vacf": vacf, "bare": bare, "direct": direct}

if __name__ == "__main__":
    main()
