"""Headers of extended XYZ: the grammar of the specification, what was written before it, and ASE as a second reader."""

from __future__ import annotations

import io

import numpy as np
import pytest
from ase import Atoms
from ase.io import write
from ase.io.extxyz import key_val_str_to_dict

from flows.labelling.header import FrameError, number, read_header

# a header, and the keys with the text of each value
HEADERS = {
    "a key is a whole word": ("REF_energy=1 xtb/energy=-1.5", {"REF_energy": "1", "xtb/energy": "-1.5"}),
    "escaped quotes do not end a text": (
        r'note="was \" energy=-7.5 \" before" pbc="T T T"',
        {"note": 'was " energy=-7.5 " before', "pbc": "T T T"},
    ),
    "an escaped backslash does not escape the quote": (r'dir="C:\\" energy=-1', {"dir": "C:\\", "energy": "-1"}),
    "an escaped n is a new line": (r'note="a\nb" x=1', {"note": "a\nb", "x": "1"}),
    "an equals sign in quotes": ('note="energy=-3" x=1', {"note": "energy=-3", "x": "1"}),
    "an equals sign in single quotes": ("note='energy=-3' x=1", {"note": "energy=-3", "x": "1"}),
    "an equals sign in braces": ("note={energy=-3} x=1", {"note": "energy=-3", "x": "1"}),
    "a vector": ("pbc=[T, T,F] x=1", {"pbc": "T T F", "x": "1"}),
    "a matrix": ("Lattice=[[1, 0, 0], [0, 2, 0], [0, 0, 3]] x=1", {"Lattice": "1 0 0 0 2 0 0 0 3", "x": "1"}),
    "a bracket in a text in a vector": ('names=["a]b", "c d"] x=1', {"names": "a]b c d", "x": "1"}),
    "a key inside of an array": ("old=[energy=1] x=1", {"old": "energy=1", "x": "1"}),
    "blanks around =": ("energy = -1.5\tx  =2", {"energy": "-1.5", "x": "2"}),
    "an empty value": ('energy= config=md pbc="T T T"', {"energy": "", "config": "md", "pbc": "T T T"}),
    "an empty value before a quoted key": ('energy= "my key"=md', {"energy": "", "my key": "md"}),
    "an empty value at the end": ("x=1 energy=", {"x": "1", "energy": ""}),
    "a quoted key": ('"my energy"=-1 x=1', {"my energy": "-1", "x": "1"}),
    "keys alone": ("relaxed energy=-1 done", {"energy": "-1"}),
    "= inside of a bare value": ("from=a.cfg?energy=-9 energy=-1", {"from": "a.cfg?energy=-9", "energy": "-1"}),
    "a quote inside of a bare value": ("by=O'Neill energy=-1 note=5\"", {"by": "O'Neill", "energy": "-1", "note": '5"'}),
    "no blank behind a quote": ('Lattice="1 2 3"energy=-1', {"Lattice": "1 2 3", "energy": "-1"}),
    "letters of no alphabet of ours": ("größe=1 energy=-1", {"größe": "1", "energy": "-1"}),
    "nothing": ("", {}),
    "no keys": ("frame 17 of the run", {}),
}


@pytest.mark.parametrize(("comment", "keys"), HEADERS.values(), ids=HEADERS)
def test_keys_of_a_header(comment: str, keys: dict[str, str]) -> None:
    found = read_header(comment)
    assert {key: found[key] for key in found} == keys


@pytest.mark.parametrize("comment", ['note="energy=-1 x=2', "pbc=[T, T, T", "m=[[1, 2], [3, 4]", "a={1 2", r'note="\"'])
def test_what_is_never_closed_is_refused(comment: str) -> None:
    with pytest.raises(FrameError, match="never closed"):
        read_header(f"energy=-1 {comment}")


def test_a_key_given_twice_is_an_error_where_it_is_used() -> None:
    header = read_header("energy=-1 note=a energy=-2 note=b x=1 x=1")
    assert header["x"] == "1"
    with pytest.raises(FrameError, match="energy is given twice: -1 and -2"):
        header["energy"]


def test_capitals_of_structural_keys() -> None:
    assert read_header("lattice=1 PBC=T").structural("Lattice") == "1"
    with pytest.raises(FrameError, match="Lattice is given twice, as lattice and Lattice"):
        read_header("lattice=1 Lattice=2").structural("Lattice")


def test_headers_that_ase_writes_are_read_as_ase_reads_them() -> None:
    random = np.random.default_rng(5)
    characters = list("""ab =,:'"[]{}_/-1.5""")  # ASE does not escape a backslash
    for _ in range(200):
        atoms = Atoms("Cu", cell=np.eye(3) * random.uniform(1, 9), pbc=True)
        for key in ("note", "my key", "x/energy", "energy"):
            atoms.info[key] = "a" + "".join(random.choice(characters, 12)) + "z"
        atoms.info["value"], atoms.info["vector"] = random.normal(), random.normal(size=4)
        text = io.StringIO()
        write(text, atoms, format="extxyz")
        comment = text.getvalue().splitlines()[1]
        ours, theirs = read_header(comment), key_val_str_to_dict(comment)
        assert set(ours) == set(theirs)
        for key in ("note", "my key", "x/energy", "energy"):
            assert ours[key] == theirs[key] == atoms.info[key]
        assert float(ours["value"]) == theirs["value"]
        assert [float(word) for word in ours["vector"].split()] == theirs["vector"].tolist()


@pytest.mark.parametrize(
    ("text", "value"),
    [("1.25D-02", 0.0125), ("-3d2", -300.0), ("+.5E+1", 5.0), ("4.", 4.0), ("7", 7.0), ("1e-3", 1e-3)],
)
def test_numbers_of_the_specification(text: str, value: float) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", ["1_0", "T", "", "1.5eV", "0x10", "1D", "--1", "1,5", "******"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a number$"):
        number(text)
