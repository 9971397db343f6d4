"""Which energy and which forces are read: what other programs call them, and never one of several in silence."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from flows.labelling.former_headers import headers_of
from flows.labelling.label_set import label_set_key, read_label_set
from flows.labelling.published.frame import LabelError
from flows.labelling.settings import Expectations, MatchingSettings, PublishedFile

COUNT = 10


def _images():
    random = np.random.default_rng(3)
    for _ in range(COUNT):
        atoms = bulk("Al", "fcc", a=4.05, cubic=True)
        atoms.positions += random.normal(0, 0.05, (4, 3))
        atoms.calc = EMT()
        yield atoms.get_positions(), atoms.get_potential_energy(), atoms.get_forces()


IMAGES = list(_images())
LATTICE = 'Lattice="4.05 0 0 0 4.05 0 0 0 4.05"'


def file_text(header=LATTICE + " Properties=species:S:1:pos:R:3:forces:R:3 energy={e:.8f}", atom="Al {x} {f}"):
    """All frames; in a header e is the energy, in the line of an atom x and f are its position and force."""
    frames = []
    for positions, energy, forces in IMAGES:
        lines = (
            atom.format(x=" ".join(f"{v:.8f}" for v in x), f=" ".join(f"{v:.8f}" for v in f), f2=" ".join(f"{2 * v:.8f}" for v in f))
            for x, f in zip(positions, forces, strict=True)
        )
        frames.append("\n".join(["4", header.format(e=energy), *lines]) + "\n")
    return "".join(frames)


def read(content, **keys):
    content = content.encode() if isinstance(content, str) else content
    about = {"level": "dft", "forces": True, **keys}
    file = PublishedFile(name="al.xyz", sha256=hashlib.sha256(content).hexdigest(), **about)
    return read_label_set("al", [(file, content)], Expectations(composition={"Al": 4}), MatchingSettings())


def assert_right(result):
    label_set, labels = result
    found = [labels[key] for key in label_set.labels["dft"].values()]
    np.testing.assert_allclose([one.energy_eV for one in found], [energy for _, energy, _ in IMAGES], atol=1e-7)
    np.testing.assert_allclose([one.forces_eV_A for one in found], [forces for _, _, forces in IMAGES], atol=1e-7)
    assert label_set.set_aside == ()


def refusal(content, **keys):
    with pytest.raises(LabelError) as caught:
        read(content, **keys)
    return str(caught.value)


ONE = LATTICE + " Properties=species:S:1:pos:R:3:forces:R:3 "

# headers that say the same as a plain one
WRITTEN = {
    "plain": ONE + "energy={e:.8f}",
    "matrix": "Lattice=[[4.05, 0, 0], [0, 4.05, 0], [0, 0, 4.05]] Properties=species:S:1:pos:R:3:forces:R:3 energy={e:.8f} pbc=[T, T, T]",
    "commas": 'Lattice="4.05, 0, 0, 0, 4.05, 0, 0, 0, 4.05" Properties=species:S:1:pos:R:3:forces:R:3 energy={e:.8f} pbc="T, T, T"',
    "small letters, force": 'energy={e:.8f} lattice="4.05 0 0 0 4.05 0 0 0 4.05" properties=species:S:1:pos:R:3:force:R:3',
    "quoted Properties": LATTICE + ' Properties="species:S:1:pos:R:3:forces:R:3" energy={e:.8f}',
    "another energy in a text": ONE + r'energy={e:.8f} note="was \" energy=-7.5 \" before"',
    "the same energy twice": ONE + "energy={e:.8f} total_energy={e:.8f}",
    "energies that are no totals": ONE + "energy={e:.8f} kinetic_energy=0.5 config_energy_weight=1.0 formation_energy=-2.0 energy_weight=3",
}


@pytest.mark.parametrize("header", WRITTEN.values(), ids=WRITTEN)
def test_headers_that_say_the_same(header):
    assert_right(read(file_text(header)))


def test_exponents_of_fortran():
    text = file_text()
    for number in {word for line in text.splitlines() for word in line.split() if word.count(".") == 1 and word[-1].isdigit()}:
        text = text.replace(f" {number} ", f" {number}D+00 ")
    assert text.count("D+00") > 50
    assert_right(read(text))


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress])
def test_packed_files(pack):
    packed = pack(file_text().encode())
    assert_right(read(packed))
    assert "al.xyz cannot be unpacked" in refusal(packed[: len(packed) // 2])


def test_a_byte_order_mark():
    assert_right(read(b"\xef\xbb\xbf" + file_text().encode()))


def test_atomic_numbers_instead_of_species():
    header = ONE.replace("species:S:1", "Z:I:1") + "energy={e:.8f}"
    assert_right(read(file_text(header, "13 {x} {f}")))
    assert "atom 0 has Z=213, which is no element" in refusal(file_text(header, "213 {x} {f}"))
    both = ONE.replace("species:S:1", "species:S:1:Z:I:1") + "energy={e:.8f}"
    assert_right(read(file_text(both, "Al 13 {x} {f}")))
    assert "atom 0 is Al by its species and Si by its Z" in refusal(file_text(both, "Al 14 {x} {f}"))


def test_an_element_in_capitals_is_named():
    assert "wrong element AL: there is none of this name; if Al is meant, write it so" in refusal(file_text(atom="AL {x} {f}"))


NAMES = {
    "MACE": ("REF_energy={e:.8f}", "REF_forces", {"energy_key": "REF_energy", "forces_key": "REF_forces"}),
    "GAP": ("dft_energy={e:.8f}", "dft_forces", {"energy_key": "dft_energy", "forces_key": "dft_forces"}),
    "capital": ("Energy={e:.8f}", "force", {"energy_key": "Energy"}),
    "free energy": ("free_energy={e:.8f}", "forces", {"energy_key": "free_energy"}),
    "a path": ("x/energy=-1.5 y/energy={e:.8f}", "forces", {"energy_key": "y/energy"}),
    "another energy too": ("energy=-1.5 REF_energy={e:.8f}", "forces", {"energy_key": "REF_energy"}),
    "the usual one": ("energy={e:.8f} REF_energy=-1.5", "forces", {"energy_key": "energy"}),
}


@pytest.mark.parametrize(("energy", "forces", "keys"), NAMES.values(), ids=NAMES)
def test_the_named_energy_and_forces_are_read(energy, forces, keys):
    text = file_text(ONE.replace("forces", forces) + energy)
    assert_right(read(text, **keys))
    said = refusal(text)
    assert "energy_key" in said
    assert "is no usable" not in said


# a header and an atom with something else beside the energy or the forces, and what is said
SEVERAL = {
    "an evaluation": (ONE + "energy={e:.8f} REF_energy=-1.5", "it has several energies, energy and REF_energy"),
    "a path": (ONE + "energy={e:.8f} xtb/energy=-1.5", "it has several energies, energy and xtb/energy"),
    "no energy but others": (ONE + "REF_energy={e:.8f} xtb/energy=-1.5", "it has no energy= (its keys: Lattice, Properties, REF_energy, xtb/energy); if REF_energy is meant, say energy_key: REF_energy"),
    "an energy in a text": (ONE + r'note="\" energy={e:.8f} \""', "it has no energy= (its keys: Lattice, Properties, note)"),
    "capitals": (ONE + "energy={e:.8f} Energy=-1.5", "it has several energies, energy and Energy"),
    "given twice": (ONE + "energy={e:.8f} energy=-1.5", "energy is given twice"),
    "a cell given twice": (ONE + 'energy={e:.8f} Lattice="9 0 0 0 9 0 0 0 9"', "Lattice is given twice"),
    "a column twice": (ONE.replace("forces:R:3", "forces:R:3:forces:R:3") + "energy={e:.8f}", "names forces twice"),
    "no columns": (LATTICE + " energy={e:.8f}", "atom 0 has 7 columns instead of 4, and no Properties= says what they are"),
    "one energy for all": (ONE + "energy=-1.5", "all of its 10 energies are -1.5 eV"),
}


@pytest.mark.parametrize(("header", "said"), SEVERAL.values(), ids=SEVERAL)
def test_nothing_is_chosen_in_silence(header, said):
    assert said in refusal(file_text(header))


def test_forces_of_several_are_to_be_named():
    header = ONE.replace("forces:R:3", "forces:R:3:REF_forces:R:3") + "energy={e:.8f}"
    text = file_text(header, "Al {x} {f2} {f}")
    assert "it has several forces, forces and REF_forces: say which are meant, as in forces_key: REF_forces" in refusal(text)
    assert_right(read(text, forces_key="REF_forces"))
    assert "it has no column F (its columns: species, pos, forces, REF_forces)" in refusal(text, forces_key="F")
    assert read(text, forces=False)[0].forces == {"dft": False}
    only = file_text(ONE.replace("forces", "dft_forces") + "energy={e:.8f}")
    assert "if dft_forces are meant, say forces_key: dft_forces" in refusal(only)


def test_a_free_energy_that_differs_is_said():
    label_set, _ = read(file_text(ONE + "energy={e:.8f} free_energy={e:.8f}"))
    assert not any("free_energy" in warning for warning in label_set.audit["dft"].warnings)
    label_set, _ = read(file_text(ONE + "energy={e:.8f} free_energy=-0.5"))
    (said,) = [warning for warning in label_set.audit["dft"].warnings if "free_energy" in warning]
    assert f"differs by up to {0.5 + max(energy for _, energy, _ in IMAGES):.4g} eV" in said


def test_to_name_what_is_read_anyway_is_in_no_key():
    def key(**keys):
        file = PublishedFile(name="a", sha256="0" * 64, level="dft", forces=True, **keys)
        return label_set_key([file], Expectations(), MatchingSettings())

    assert key() == key(energy_key="energy", forces_key="forces")
    assert len({key(), key(energy_key="REF_energy"), key(forces_key="force"), key(energy_key="a", forces_key="b")}) == 4


# a header, and whether an earlier version read another energy of it, or one of several
FORMER = {
    "plain": (ONE + 'energy={e:.8f} pbc="T T T"', 1),
    "with more": (ONE + 'energy = -1.5 free_energy=-1.6 note="a=b" config=md', 1),
    "no energy": (ONE + "REF_energy=-1.5", 1),
    "a path": (ONE + "REF_energy=-1.5 xtb/energy=-1.5", 2),
    "in a text": (ONE + r'REF_energy=-1.5 note="was \" energy=-7.5 \""', 2),
    "several": (ONE + "energy=-1.5 REF_energy=-1.5", 2),
    "a path beside it": (ONE + "energy=-1.5 xtb/energy=-2.5", 2),
}


@pytest.mark.parametrize(("header", "headers"), FORMER.values(), ids=FORMER)
def test_files_that_were_read_otherwise_are_read_again(header, headers):
    content = file_text(header).encode()
    assert headers_of(content) == headers_of(gzip.compress(content)) == headers
    assert headers_of(b"\x1f\x8brest") == headers_of(b"\x00\x01") == headers_of(b"") == 1
    files = [PublishedFile(name="a", sha256="0", level="dft", headers=one) for one in (1, headers)]
    keys = {label_set_key([file], Expectations(), MatchingSettings()) for file in files}
    assert len(keys) == headers
