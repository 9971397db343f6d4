"""Published files are not clean: each kind of dirt is set aside by file and frame, and the rest goes on."""

from __future__ import annotations

import dataclasses
import hashlib
from functools import cache

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from flows.labelling.label_set import label_set_key, read_label_set
from flows.labelling.published.frame import LabelError
from flows.labelling.settings import Expectations, MatchingSettings, PublishedFile

CU3AU = Expectations(composition={"Cu": 12, "Au": 4})
COUNT = 20


@dataclasses.dataclass
class ToyFrame:
    """One frame that knows how to write itself; `energy` is text, so that it may be nonsense."""

    symbols: list[str]
    cell: np.ndarray
    positions: np.ndarray
    forces: np.ndarray | None
    energy: str | None
    pbc: str | None = "T T T"

    def but(self, **changes):
        return dataclasses.replace(self, **changes)

    def at(self, number):
        """At another level: no forces, a line in the energy, and something that is no line."""
        energy = -100 + 1.2 * float(self.energy) + 1e-3 * np.sin(7 * number)
        return self.but(energy=f"{energy:.3f}", forces=None)

    def text(self):
        lattice = " ".join(f"{x:.8f}" for x in self.cell.ravel())
        columns = "species:S:1:pos:R:3" + (":forces:R:3" if self.forces is not None else "") + ":energies:R:1"
        energy = "" if self.energy is None else f"energy={self.energy} "
        pbc = "" if self.pbc is None else f'pbc="{self.pbc}"'
        lines = [str(len(self.symbols)), f'Lattice="{lattice}" Properties={columns} {energy}{pbc}']
        for i, symbol in enumerate(self.symbols):
            numbers = [*self.positions[i], *(self.forces[i] if self.forces is not None else ())]
            lines.append(" ".join([symbol, *(f"{x:.8f}" for x in numbers), "0.0"]))
        return "\n".join(lines) + "\n"


@cache
def _toy():
    atoms = bulk("Cu", "fcc", a=3.75, cubic=True)
    atoms.symbols[0] = "Au"
    atoms = atoms.repeat((2, 2, 1))
    atoms.calc = EMT()
    ideal = atoms.get_positions()
    random = np.random.default_rng(7)
    frames = []
    for i in range(COUNT):
        atoms.set_positions(ideal + (0.01 + 0.005 * i) * random.normal(size=ideal.shape))
        frames.append(
            ToyFrame(
                symbols=atoms.get_chemical_symbols(),
                cell=atoms.cell.array.copy(),
                positions=atoms.get_positions(),
                forces=atoms.get_forces(),
                energy=f"{atoms.get_potential_energy():.8f}",
            )
        )
    return frames


@pytest.fixture
def dft():
    return list(_toy())


@pytest.fixture
def hf():
    return [frame.at(number) for number, frame in enumerate(_toy())]


def text(frames):
    return "".join(frame if isinstance(frame, str) else frame.text() for frame in frames)


def published(name, level, frames, forces=False):
    content = frames if isinstance(frames, bytes) else text(frames).encode()
    sha256 = hashlib.sha256(content).hexdigest()
    return PublishedFile(name=name, sha256=sha256, level=level, forces=forces), content


def read(dft_frames, hf_frames=None, *more, expectations=CU3AU, hf_forces=False):
    files = [published("dft.xyz", "dft", dft_frames, forces=True)]
    if hf_frames is not None:
        files.append(published("hf.xyz", "hf", hf_frames, forces=hf_forces))
    return read_label_set("cu3au", [*files, *more], expectations, MatchingSettings())


def aside(label_set):
    return [(item.file, item.frame, item.reason) for item in label_set.set_aside]


def only_aside(label_set, file, frame, *words):
    """Exactly one thing is set aside: this."""
    ((found_file, found_frame, reason),) = aside(label_set)
    assert (found_file, found_frame) == (file, frame)
    for word in words:
        assert word in reason


def energies(result, level):
    """Energies of a level by the energy of the same structure at the base level."""
    label_set, labels = result
    base = label_set.labels["dft"]
    return {
        labels[base[key]].energy_eV: labels[label].energy_eV for key, label in label_set.labels[level].items()
    }


def test_clean_files_give_all_labels(dft, hf):
    label_set, labels = read(dft, hf)
    assert {level: len(found) for level, found in label_set.labels.items()} == {"dft": COUNT, "hf": COUNT}
    assert label_set.forces == {"dft": True, "hf": False}
    assert label_set.set_aside == ()
    assert len(labels) == 2 * COUNT
    some = labels[next(iter(label_set.labels["dft"].values()))]
    assert some.source == "dft.xyz frame 0"
    np.testing.assert_allclose(some.forces_eV_A, dft[0].forces, atol=1e-8)
    assert some.structure.key() == some.structure_key
    hartree_fock = labels[label_set.labels["hf"][some.structure_key]]
    assert hartree_fock.forces_eV_A is None
    assert hartree_fock.structure == some.structure


def test_forces_are_used_only_where_the_level_has_them(dft, hf):
    repeated = [h.but(forces=d.forces) for h, d in zip(hf, dft, strict=True)]
    label_set, labels = read(dft, repeated)
    assert all(labels[key].forces_eV_A is None for key in label_set.labels["hf"].values())


def test_forces_of_the_base_repeated_at_a_level_that_claims_them(dft, hf):
    repeated = [h.but(forces=d.forces) for h, d in zip(hf, dft, strict=True)]
    label_set, _ = read(dft, repeated, hf_forces=True)
    assert "hf" not in label_set.labels
    only_aside(label_set, None, None, "forces are those of dft, repeated")


def test_data_set_without_energies(dft):
    with pytest.raises(
        LabelError, match=r"level dft has no usable frame: it has no energy= .* \(20 of the 20"
    ):
        read([frame.but(energy=None) for frame in dft])


def test_level_without_energies_is_set_aside_whole(dft, hf):
    label_set, _ = read(dft, [frame.but(energy=None) for frame in hf])
    assert set(label_set.labels) == set(label_set.audit) == {"dft"}
    assert aside(label_set)[-1][:2] == (None, None)
    assert "no usable frame: it has no energy=" in aside(label_set)[-1][2]
    assert len(label_set.set_aside) == COUNT + 1


def test_empty_energy(dft, hf):
    label_set, _ = read(dft, [*hf[:4], hf[4].but(energy=""), *hf[5:]])
    only_aside(label_set, "hf.xyz", 4, "energy= is empty")
    assert len(label_set.labels["hf"]) == COUNT - 1


def test_empty_energy_before_a_key_without_quotes():
    from flows.labelling.header import read_header

    assert dict(read_header('energy= config=md pbc="T T T"')) == {"energy": "", "config": "md", "pbc": "T T T"}
    assert read_header("energy = -1.5 Lattice={1 0 0 0 1 0 0 0 1}")["energy"] == "-1.5"


def test_integer_energy_is_a_number(dft, hf):
    integer = str(round(float(hf[0].energy)))
    label_set, labels = read(dft, [hf[0].but(energy=integer), *hf[1:]])
    assert label_set.set_aside == ()
    assert energies((label_set, labels), "hf")[float(dft[0].energy)] == float(integer)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("NaN", "not finite"),
        ("inf", "not finite"),
        ("-1e999", "not finite"),
        ("none", "not a number"),
        ("T", "number"),
    ],
)
def test_energy_that_is_no_finite_number(dft, hf, value, reason):
    label_set, _ = read(dft, [*hf[:-1], hf[-1].but(energy=value)])
    only_aside(label_set, "hf.xyz", COUNT - 1, reason)


def test_energy_given_twice(dft, hf):
    label_set, _ = read(dft, [hf[0].but(energy="-1.0 energy=-2.0"), *hf[1:]])
    only_aside(label_set, "hf.xyz", 0, "twice")


def test_forces_missing_on_a_level_that_claims_them(dft):
    label_set, _ = read([*dft[:3], dft[3].but(forces=None), *dft[4:]])
    only_aside(label_set, "dft.xyz", 3, "no forces")
    with pytest.raises(LabelError, match="level dft has no usable frame: it has no forces"):
        read([frame.but(forces=None) for frame in dft])


def test_files_of_a_level_that_disagree_about_forces(dft):
    more = published("more.xyz", "dft", [dft[0].but(forces=None)])
    with pytest.raises(LabelError, match=r"more\.xyz: level dft has forces in one file and none in another"):
        read(dft, None, more)


@pytest.mark.parametrize("what", ["positions", "forces"])
def test_numbers_that_are_not_finite(dft, what):
    broken = getattr(dft[2], what).copy()
    broken[5, 1] = np.nan
    label_set, _ = read([*dft[:2], dft[2].but(**{what: broken}), *dft[3:]])
    only_aside(label_set, "dft.xyz", 2, "of atom 5 are not finite")


def test_levels_with_different_counts_and_order(dft, hf):
    some = [hf[i] for i in (7, 3, 11, 0, 19, 5, 2, 13, 17)]
    result = read(dft, some)
    assert result[0].set_aside == ()
    expected = {float(dft[i].energy): float(hf[i].energy) for i in (7, 3, 11, 0, 19, 5, 2, 13, 17)}
    assert energies(result, "hf") == expected


def test_frame_that_the_base_level_lacks_is_unmatched(dft, hf):
    label_set, _ = read([*dft[:6], *dft[7:]], hf)
    only_aside(label_set, "hf.xyz", 6, "unmatched")
    assert len(label_set.labels["hf"]) == COUNT - 1


def test_duplicate_frame_keeps_the_first(dft, hf):
    label_set, _ = read([*dft, dft[4]], hf)
    only_aside(label_set, "dft.xyz", COUNT, "duplicate of dft.xyz frame 4")
    assert label_set.audit["dft"].warnings == ()
    assert len(label_set.labels["dft"]) == COUNT


def test_duplicate_frame_with_another_energy_warns(dft, hf):
    label_set, labels = read(dft, [*hf, hf[4].but(energy="-50.0")])
    only_aside(label_set, "hf.xyz", COUNT, "duplicate of hf.xyz frame 4", "another energy (-50.0")
    assert any("frame 20: duplicate" in warning for warning in label_set.audit["hf"].warnings)
    assert energies((label_set, labels), "hf")[float(dft[4].energy)] == float(hf[4].energy)


def test_duplicate_in_another_file_of_the_level(dft, hf):
    label_set, _ = read(dft, hf, published("hf-again.xyz", "hf", [hf[4]]))
    only_aside(label_set, "hf-again.xyz", 0, "duplicate of hf.xyz frame 4")


def test_wrong_element(dft):
    label_set, _ = read([dft[0].but(symbols=["Ag", *dft[0].symbols[1:]]), *dft[1:]])
    only_aside(label_set, "dft.xyz", 0, "wrong element Ag", "Au, Cu")


def test_element_that_does_not_exist(dft):
    label_set, _ = read(
        [dft[0].but(symbols=["Qq", *dft[0].symbols[1:]]), *dft[1:]], expectations=Expectations()
    )
    only_aside(label_set, "dft.xyz", 0, "wrong element Qq")


def test_files_that_ase_writes_are_read(dft, tmp_path):
    frames = []
    for frame in dft:
        atoms = Atoms(frame.symbols, positions=frame.positions, cell=frame.cell, pbc=True)
        results = {"energy": float(frame.energy), "forces": frame.forces, "stress": np.zeros(6)}
        atoms.calc = SinglePointCalculator(atoms, **results)
        atoms.info["comment"] = "a = b, and a 'quote'"
        frames.append(atoms)
    write(tmp_path / "dft.xyz", frames, format="extxyz")
    label_set, labels = read((tmp_path / "dft.xyz").read_bytes())
    assert label_set.set_aside == ()
    assert set(labels) == set(read(dft)[1])


def test_other_number_of_atoms(dft):
    fewer = dft[0].but(symbols=dft[0].symbols[:-1])
    label_set, _ = read([fewer, *dft[1:]])
    only_aside(label_set, "dft.xyz", 0, "15 atoms", "Au4Cu12")
    label_set, _ = read([fewer, *dft[1:]], expectations=Expectations())
    only_aside(label_set, "dft.xyz", 0, "15 atoms", "Au4Cu12")


def test_truncated_last_frame(dft, hf):
    whole = text(hf)
    label_set, _ = read(dft, whole[: whole.rindex("Cu")].encode())
    only_aside(label_set, "hf.xyz", COUNT - 1, "should have 16 lines of atoms and has 15", "truncated")


def test_line_cut_in_the_middle(dft, hf):
    whole = text(hf)
    label_set, _ = read(dft, whole[:-12].encode())
    only_aside(label_set, "hf.xyz", COUNT - 1, "atom 15 has", "columns instead of 5")


def _without_line(frame, number):
    lines = frame.text().splitlines(keepends=True)
    return "".join(lines[:number] + lines[number + 1 :])


@pytest.mark.parametrize("line", [0, 1, 2, 10, 17])
def test_lost_line_costs_only_its_own_frame(dft, hf, line):
    label_set, _ = read(dft, [*hf[:5], _without_line(hf[5], line), *hf[6:]])
    only_aside(label_set, "hf.xyz", 5)
    assert len(label_set.labels["hf"]) == COUNT - 1


@pytest.mark.parametrize(
    ("old", "new"), [("16\n", "1x\n"), ("Cu ", "Cu 1.0.0 "), ("pos:R:3", "pos:R:x"), ("Cu ", "\xff ")]
)
def test_garbled_text_costs_only_its_own_frame(dft, hf, old, new):
    garbled = hf[5].text().replace(old, new, 1)
    label_set, _ = read(dft, text([*hf[:5], garbled, *hf[6:]]).encode("latin-1"))
    only_aside(label_set, "hf.xyz", 5)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"pbc": "F F F"}, "not periodic"),
        ({"pbc": "T T F"}, "not periodic"),
        ({"cell": np.zeros((3, 3))}, "no volume"),
        ({"cell": np.ones((3, 3)) + 1e-4 * np.eye(3)}, "no volume"),
    ],
)
def test_cell_that_is_none(dft, change, reason):
    label_set, _ = read([dft[0].but(**change), *dft[1:]])
    only_aside(label_set, "dft.xyz", 0, reason)


def test_cell_without_pbc_key_is_periodic(dft):
    assert read([dft[0].but(pbc=None), *dft[1:]])[0].set_aside == ()


def test_cell_against_the_training_cell(dft):
    cell = dft[0].cell
    near = Expectations(composition=CU3AU.composition, cell=(1.002 * cell).tolist())
    label_set, _ = read(dft, expectations=near)
    assert label_set.set_aside == ()
    assert label_set.audit["dft"].warnings[0] == "dft.xyz: cells differ by up to 0.2 % from the training cell"
    far = Expectations(composition=CU3AU.composition, cell=(1.05 * cell).tolist())
    with pytest.raises(LabelError, match=r"off the training cell of the YAML by e_xx = -4\.8 %"):
        read(dft, expectations=far)


UNITS = {
    "Hartree": 1 / 27.211386,
    "Rydberg": 1 / 13.605693,
    "meV": 1e3,
    "kJ/mol": 96.485,
    "kcal/mol": 23.0605,
    "eV/atom": 1 / 16,
}


@pytest.mark.parametrize("unit", UNITS)
def test_wrong_unit_of_a_level(dft, hf, unit):
    other = [frame.but(energy=repr(float(frame.energy) * UNITS[unit])) for frame in hf]
    label_set, labels = read(dft, other)
    assert set(label_set.labels) == {"dft"}
    assert {label.level for label in labels.values()} == {"dft"}
    only_aside(label_set, None, None, "the whole level", "slope", unit)


@pytest.mark.parametrize(
    ("energy", "force", "word"),
    [
        (1 / 27.211386, 1, "energies in Hartree"),
        (1 / 27.211386, 0.529177 / 27.211386, "Hartree/Bohr"),
        (1, 1 / 51.422067, "forces in Hartree/Bohr"),
        (1, -1, "wrong sign"),
        (1 / 16, 1, "eV/atom"),
        (1, 0, "all forces are zero"),
    ],
)
def test_wrong_units_of_the_base_level(dft, energy, force, word):
    other = [f.but(energy=repr(float(f.energy) * energy), forces=f.forces * force) for f in dft]
    with pytest.raises(LabelError, match="level dft") as caught:
        read(other)
    assert word in str(caught.value)


def test_too_few_structures_to_judge_a_unit_is_said(dft, hf):
    label_set, _ = read(dft[:4], hf[:4])
    assert len(label_set.labels["hf"]) == 4
    for level in ("dft", "hf"):
        assert any("unit could not be checked" in warning for warning in label_set.audit[level].warnings)


def test_outlier_is_named(dft, hf):
    label_set, labels = read(dft, [*hf[:6], hf[6].but(energy="-20.0"), *hf[7:]])
    (key,) = label_set.audit["hf"].outliers
    assert labels[label_set.labels["hf"][key]].source == "hf.xyz frame 6"
    assert (
        "hf.xyz frame 6: its ΔE lies far from the straight line in E_dft" in label_set.audit["hf"].warnings[0]
    )


def test_base_energy_that_does_not_belong_to_its_forces_is_named(dft):
    wrong = f"{float(dft[9].energy) + 0.5:.6f}"
    label_set, labels = read([*dft[:9], dft[9].but(energy=wrong), *dft[10:]])
    (key,) = label_set.audit["dft"].outliers
    assert labels[label_set.labels["dft"][key]].source == "dft.xyz frame 9"
    assert "dft.xyz frame 9: its energy" in label_set.audit["dft"].warnings[0]


def test_base_level_must_be_there(hf):
    files = [published("hf.xyz", "hf", hf)]
    with pytest.raises(LabelError, match=r"no file of level dft is given \(levels: hf\)"):
        read_label_set("cu3au", files, CU3AU, MatchingSettings())


@pytest.mark.parametrize("content", [b"", b"\n\n", b"PK\x03\x04rest", b"just words\n"])
def test_file_that_is_no_extended_xyz(content):
    with pytest.raises(LabelError, match=r"dft\.xyz has no frames"):
        read(content)


def test_level_whose_only_file_is_empty(dft):
    label_set, _ = read(dft, b"")
    assert aside(label_set)[0] == (
        "hf.xyz",
        None,
        "hf.xyz has no frames of extended XYZ text: convert it, or unpack it",
    )
    assert set(label_set.labels) == {"dft"}


def test_file_that_changed(dft):
    file, content = published("dft.xyz", "dft", dft, forces=True)
    with pytest.raises(LabelError, match="has changed"):
        read_label_set("cu3au", [(file, content + b"\n")], CU3AU, MatchingSettings())


def test_label_keys_are_of_content_only(dft, hf):
    _, labels = read(dft, hf)
    renamed = published("other.xyz", "hf", list(reversed(hf)))
    _, again = read(dft, None, renamed)
    assert set(labels) == set(again)
    _, repaired = read(dft, [*hf[:6], hf[6].but(energy="-42.0"), *hf[7:]])
    assert len(set(labels) - set(repaired)) == 1


def test_golden_label_key():
    from flows.labelling.label_set import label_key

    assert (
        label_key("s", "hf", -1, None)
        == label_key("s", "hf", -1.0, None)
        == "41e8b0af4b2a9252266884e8ade5521725aeee8d"
    )
    assert (
        label_key("s", "dft", -1.5, np.array([[0.5, -0.0, 0.25]]))
        == "4f327c9ba0c18257352128e3444b5258bc206100"
    )


def test_label_set_key_ignores_names_but_not_content(dft, hf):
    (one, _), (two, _) = published("a.xyz", "dft", dft, forces=True), published("b.xyz", "hf", hf)
    matching = MatchingSettings()
    key = label_set_key([one, two], CU3AU, matching)
    renamed = one.model_copy(update={"name": "elsewhere/c.xyz"})
    assert label_set_key([two, renamed], CU3AU, matching) == key
    assert label_set_key([one], CU3AU, matching) != key
    assert label_set_key([one, two], Expectations(), matching) != key
    assert read(dft, hf)[0].key == key
