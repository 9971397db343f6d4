"""The paper's own labels, where they lie beside the project: their facts, and that dirt changes no other label."""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np
import pytest
from paper_labels import HOW, PAPER

from flows.labelling.label_set import read_label_set
from flows.labelling.settings import Expectations, MatchingSettings, PublishedFile
from flows.labelling.units import base_slope
from flows.labelling.work import out_of_work

pytestmark = pytest.mark.skipif(not PAPER.is_dir(), reason=HOW)

FILES = {
    "c": {"dft": "200221forcc.xyz", "hf": "200221forcc_hfe.xyz", "ccsd(t)": "200221forcc_ccsdt.xyz"},
    "lih": {"dft": "200222forcc.xyz", "hf": "200222forcc_hfe.xyz"},
}
COMPOSITION = {"c": {"C": 32}, "lih": {"Li": 32, "H": 32}}


def published(name, level, content):
    sha256 = hashlib.sha256(content).hexdigest()
    return PublishedFile(name=name, sha256=sha256, level=level, forces=level == "dft"), content


def read(system, change=lambda level, content: content):  # noqa: ARG005
    files = [
        published(name, level, change(level, (PAPER / system / name).read_bytes()))
        for level, name in FILES[system].items()
    ]
    return read_label_set(system, files, Expectations(composition=COMPOSITION[system]), MatchingSettings())


@cache
def clean(system):
    return read(system)


@pytest.mark.parametrize("system", FILES)
def test_all_labels_are_found(system):
    label_set, labels = clean(system)
    assert {level: len(found) for level, found in label_set.labels.items()} == dict.fromkeys(
        FILES[system], 200
    )
    assert label_set.set_aside == ()
    assert len(labels) == 200 * len(FILES[system])
    assert [level for level, forces in label_set.forces.items() if forces] == ["dft"]


@pytest.mark.parametrize(
    ("system", "level", "std", "left"),
    [("c", "hf", 17.6, 1.05), ("c", "ccsd(t)", 4.0, 0.52), ("lih", "hf", 2.6, 0.5)],
)
def test_differences_and_what_a_line_leaves(system, level, std, left):
    audit = clean(system)[0].audit[level]
    assert audit.delta_base == "dft"
    assert audit.delta_count == 200
    assert audit.delta_std_meV_atom == pytest.approx(std, abs=0.05)
    assert audit.line_rmse_meV_atom == pytest.approx(left, abs=0.005)
    assert len(audit.outliers) <= 1


@pytest.mark.parametrize(("system", "temperature_K"), [("c", 2127), ("lih", 525)])
def test_effective_temperature(system, temperature_K):
    audit = clean(system)[0].audit["dft"]
    assert audit.effective_temperature_K == pytest.approx(temperature_K, abs=1)


@pytest.mark.parametrize("system", FILES)
def test_forces_do_the_work_that_the_energies_say(system):
    label_set, labels = clean(system)
    base = {key: labels[label] for key, label in label_set.labels["dft"].items()}
    assert base_slope(base) == pytest.approx(1, abs=0.01)
    assert out_of_work(base) == []


@pytest.mark.parametrize("system", FILES)
@pytest.mark.parametrize("frame", [10, 100, 190])
def test_an_energy_that_does_not_belong_to_its_forces_is_found(system, frame):
    """One electronvolt off in a cell, cold or hot."""
    label_set, labels = clean(system)
    base = {key: labels[label] for key, label in label_set.labels["dft"].items()}
    key = list(base)[frame]
    off = base[key].model_copy(update={"energy_eV": base[key].energy_eV + 1.0})
    assert out_of_work(base | {key: off}) == [key]


def _shuffled_wrapped_noisy(content, seed):
    """The frames in another order; atoms moved by lattice vectors and by up to 1e-6 Å."""
    random = np.random.default_rng(seed)
    lines = content.decode().splitlines()
    size = int(lines[0]) + 2
    frames = [lines[i : i + size] for i in range(0, len(lines), size)]
    for frame in frames:
        lattice = np.array(frame[1].split('"')[1].split(), dtype=float)[::4]
        for number, line in enumerate(frame[2:], start=2):
            symbol, *words = line.split()
            moved = np.array(words[:3], dtype=float) + random.integers(-1, 2, 3) * lattice
            moved += random.uniform(-1e-6, 1e-6, 3)
            frame[number] = " ".join([symbol, *(f"{x:.9f}" for x in moved), *words[3:]])
    return "\n".join(line for i in random.permutation(len(frames)) for line in frames[i]).encode()


def test_shuffling_wrapping_and_noise_leave_the_matching_alone():
    other = read(
        "c", lambda level, content: content if level == "dft" else _shuffled_wrapped_noisy(content, 3)
    )
    assert other[0].labels == clean("c")[0].labels


def test_truncated_file_costs_one_label():
    def truncated(level, content):
        return content if level == "dft" else content[:-100]

    other, _ = read("c", truncated)
    assert [(item.file, item.frame) for item in other.set_aside] == [
        ("200221forcc_hfe.xyz", 199),
        ("200221forcc_ccsdt.xyz", 199),
    ]
    assert {level: len(found) for level, found in other.labels.items()} == {
        "dft": 200,
        "hf": 199,
        "ccsd(t)": 199,
    }


def test_energies_per_atom_are_refused():
    def per_atom(level, content):
        if level != "hf":
            return content
        words = content.decode().split("energy=")
        return "energy=".join(
            [words[0], *(f"{float(rest.split()[0]) / 64} {rest.split(maxsplit=1)[1]}" for rest in words[1:])]
        ).encode()

    other, _ = read("lih", per_atom)
    assert set(other.labels) == {"dft"}
    assert "eV/atom" in other.set_aside[-1].reason
