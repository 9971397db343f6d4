"""Bad input through the command line: one clear line, the right exit code, and what is good goes on."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import toy_campaign

pytestmark = pytest.mark.usefixtures("toy_folder", "no_database")

# what is set on the command line, and the whole complaint
SPECS = {
    "unknown key": ("training.seed=[1]", "--set training.seed=[1]: training.seed: unknown key; did you mean seeds?"),
    "wrong element": (
        "systems.carbon.structure.symbols=[Cc]",
        "systems.carbon.structure.symbols[0]: 'Cc' is no element; did you mean",
    ),
    "zero supercell": ("systems.carbon.cells.training=[0, 1, 1]", "[0, 1, 1] spans no cell"),
    "missing file": ("systems.carbon.levels.hf.data=gone.xyz", "no file gone.xyz (looked in"),
    "text for a number": ("systems.carbon.mace.max_epochs=ten", "systems.carbon.mace.max_epochs"),
    "no assignment": ("training.seeds", "write it as key=value"),
    "unknown system": ("systems.carbom.mace.max_epochs=1", "no such system; did you mean carbon?"),
}


@pytest.mark.parametrize(("override", "complaint"), SPECS.values(), ids=SPECS)
def test_a_wrong_spec(latticefarm, override: str, complaint: str) -> None:
    assert complaint in latticefarm("plan", "toy.yaml", "--set", override).complaint


def test_several_mistakes_are_a_line_each_with_file_and_line(latticefarm) -> None:
    text = toy_campaign.YAML.replace("seeds:", "sedes:").replace("[1, 1, 1]", "[1, 1, 0]")
    Path("toy.yaml").write_text(text)
    said = latticefarm("plan", "toy.yaml")
    assert said.code == 2
    assert len(said.error.splitlines()) == 2
    assert "toy.yaml:5: systems.carbon.cells.training" in said.error
    assert "toy.yaml:11: training.sedes: unknown key; did you mean seeds?" in said.error


@pytest.mark.parametrize(("arguments", "complaint"), [
    (("plan", "nowhere.yaml"), "nowhere.yaml: no such file, and no example of that name"),
    (("plan", "toy.yaml", "--data", "nowhere"), "--data: nowhere is no folder"),
    (("plan", "toy.yaml", "--show", "zz"), "'zz' starts 0 keys"),
    (("init", "diamont"), "no example is called diamont; there are diamond-cc4s, diamond-demo, diamond-espresso, diamond-paper"),
    (("work", "--deadline", "soon"), "write 90m, 3.5h, 600s"),
    (("status",), "start one with `latticefarm db start`"),
])
def test_wrong_arguments(latticefarm, arguments: tuple[str, ...], complaint: str) -> None:
    assert complaint in latticefarm(*arguments).complaint


@pytest.mark.parametrize("arguments", [("nonsense",), ("plan",), ("plan", "toy.yaml", "--no-such-option"), ("work", "--slots", "0")])
def test_wrong_usage(latticefarm, arguments: tuple[str, ...]) -> None:
    said = latticefarm(*arguments)
    assert said.code == 2
    assert "Error: " in said.error


def test_debug_shows_where(latticefarm) -> None:
    said = latticefarm("--debug", "plan", "nowhere.yaml")
    assert said.code == 2
    assert "Traceback" in said.error
    assert "Traceback" not in latticefarm("plan", "nowhere.yaml").error


def edit(name: str, change: Callable[[list[str]], list[str]]) -> None:
    """Change the frames of a file: each one text."""
    lines = Path(name).read_text().splitlines(keepends=True)
    size = int(lines[0]) + 2
    frames = ["".join(lines[start : start + size]) for start in range(0, len(lines), size)]
    Path(name).write_text("".join(change(frames)))


def with_energy(text: str, *numbers: int) -> Callable[[list[str]], list[str]]:
    """In these frames (none: in all) `energy=...` becomes `text`."""

    def change(frames: list[str]) -> list[str]:
        chosen = numbers or range(len(frames))
        return [re.sub(r"energy=\S+", text, one) if number in chosen else one for number, one in enumerate(frames)]

    return change


def without_forces(frames: list[str]) -> list[str]:
    return [re.sub(r"(?m)^(C(?: +\S+){3}).*$", r"\1", one.replace(":forces:R:3", "")) for one in frames]


def facts(latticefarm, *options: str) -> dict:
    said = latticefarm("plan", "toy.yaml", "--json", *options)
    assert said.code == 0, said
    return json.loads(said.out)


def counts(found: dict) -> dict[str, int]:
    return {level: audit["count"] for level, audit in found["labels"]["carbon"]["audit"].items()}


def aside(found: dict) -> dict[tuple[str, int | None], str]:
    items = found["labels"]["carbon"]["set_aside"]
    return {(item["file"] or item["level"], item["frame"]): item["reason"] for item in items}


# how hf.xyz is spoiled, the labels of hf that are left, and who is set aside with what reason
FRAMES = {
    "empty energy": (with_energy("energy=", 3), 11, {3: "its energy= is empty"}),
    "no energy": (with_energy("", 3, 4), 10, {3: "it has no energy=", 4: "it has no energy="}),
    "NaN energy": (with_energy("energy=nan", 0), 11, {0: "its energy=nan is not finite"}),
    "a word": (with_energy("energy=soon", 0), 11, {0: "its energy=soon is not a number"}),
    "integer energy": (with_energy("energy=-79", 5), 12, {}),
    "other order and fewer": (lambda frames: frames[:2:-1], 9, {}),
    "duplicate": (lambda frames: [*frames, frames[2]], 12, {12: "duplicate of hf.xyz frame 2"}),
    "wrong element": (lambda frames: [frames[0].replace("\nC ", "\nSi "), *frames[1:]], 11, {0: "wrong element Si"}),
    "truncated": (lambda frames: ["".join(frames[0].splitlines(True)[:-1]), *frames[1:]], 11, {0: "truncated or garbled"}),
}


@pytest.mark.parametrize(("change", "left", "reasons"), FRAMES.values(), ids=FRAMES)
def test_a_bad_frame_is_named_and_the_rest_goes_on(latticefarm, change, left: int, reasons: dict[int, str]) -> None:
    edit("hf.xyz", change)
    found = facts(latticefarm)
    assert counts(found) == {"dft": 12, "hf": left}
    assert {frame for _, frame in aside(found)} == set(reasons)
    assert all(reason in aside(found)["hf.xyz", frame] for frame, reason in reasons.items())
    assert {work["state"] for work in found["work"] if work["stage"] == "train"} == {"to do"}
    assert len(found["work"]) == 20
    shown = latticefarm("plan", "toy.yaml").out
    assert all(f"set aside: carbon: hf.xyz frame {frame}: " in shown for frame in reasons)


def test_a_structure_that_the_base_lacks_is_unmatched(latticefarm) -> None:
    edit("dft.xyz", lambda frames: frames[1:])
    found = facts(latticefarm)
    assert counts(found) == {"dft": 11, "hf": 11}
    assert "unmatched" in aside(found)["hf.xyz", 0]


# a level that is lost whole: its models become gaps, those of the base are planned
LEVELS = {
    "no energies": (with_energy(""), (), "it has no energy="),
    "claims forces": (lambda frames: frames, ("--set", "systems.carbon.levels.hf.forces=true"), "it has no forces"),
    "no frames": (lambda frames: ["nothing\n"], (), "no frames of extended XYZ"),  # noqa: ARG005
}


@pytest.mark.parametrize(("change", "options", "reason"), LEVELS.values(), ids=LEVELS)
def test_a_lost_level_costs_its_own_models_only(latticefarm, change, options: tuple[str, ...], reason: str) -> None:
    edit("hf.xyz", change)
    found = facts(latticefarm, *options)
    assert counts(found) == {"dft": 12}
    assert reason in aside(found)["hf", None]
    assert {work["model"] for work in found["work"]} == {"dft_ef"}
    (gap,) = found["gaps"]
    assert gap["model"] == "hf-dft"
    assert gap["why"].startswith("no labels of hf can be used: the whole level: ")
    assert reason in gap["why"]
    said = [line for line in latticefarm("plan", "toy.yaml", *options).out.splitlines() if "set aside: " in line]
    assert said[0].strip().startswith("set aside: carbon: hf: the whole level: ")


BASE = {
    "no energies": (with_energy(""), "level dft has no usable frame: it has no energy="),
    "empty energies": (with_energy("energy="), "level dft has no usable frame: its energy= is empty (12 of the"),
    "claims forces": (without_forces, "it has no forces, and its level is said to have them"),
    "wrong element": (lambda frames: [one.replace("\nC ", "\nSi ") for one in frames], "wrong element Si"),
}


@pytest.mark.parametrize(("change", "complaint"), BASE.values(), ids=BASE)
def test_a_base_without_labels_ends_it(latticefarm, change, complaint: str) -> None:
    edit("dft.xyz", change)
    assert complaint in latticefarm("plan", "toy.yaml").complaint
