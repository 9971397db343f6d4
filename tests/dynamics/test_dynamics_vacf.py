"""Densities of states from velocities, against direct sums and signals whose spectra are known."""

from __future__ import annotations

import numpy as np
import pytest

from flows.dynamics import vacf, velocity_acf
from flows.dynamics.vacf import Lines, autocorrelations, densities, multiples
from flows.dynamics.windows import CM1_FS, WINDOWS, nyquist_cm1

SYMBOLS = ["Li", "H", "H", "Li", "H"]
MASSES = np.array([6.94, 1.008, 1.008, 6.94, 1.008])
ELEMENTS = ("Li", "H")


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return np.random.default_rng(3).normal(size=(400, 5, 3))


def directly(velocities: np.ndarray, last_lag: int) -> dict[str, np.ndarray]:
    frames = len(velocities)
    found = {}
    for element in ELEMENTS:
        of = [a for a, symbol in enumerate(SYMBOLS) if symbol == element]
        found[element] = np.array(
            [
                sum(MASSES[a] * (velocities[: frames - t, a] * velocities[t:, a]).sum() for a in of)
                / (frames - t)
                for t in range(last_lag + 1)
            ]
        )
    return found


def cosine_sum(series: np.ndarray, weights: np.ndarray, grid: np.ndarray, frame_fs: float) -> np.ndarray:
    k = np.arange(1, len(series))
    return np.array(
        [
            series[0] + 2 * (series[1:] * weights[1:] * np.cos(2 * np.pi * cm1 / CM1_FS * k * frame_fs)).sum()
            for cm1 in grid
        ]
    )


@pytest.mark.parametrize("last_lag", [1, 37, 200, 399])
def test_autocorrelations_are_the_direct_sums(noise, last_lag):
    found = autocorrelations(noise, MASSES, SYMBOLS, last_lag)
    for element, expected in directly(noise, last_lag).items():
        assert found[element] == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_blocks_of_atoms_change_nothing(noise, monkeypatch):
    at_once = autocorrelations(noise, MASSES, SYMBOLS, 50)
    monkeypatch.setattr(vacf, "BLOCK_BYTES", 4)
    for element, one_by_one in autocorrelations(noise, MASSES, SYMBOLS, 50).items():
        assert one_by_one == pytest.approx(at_once[element], rel=1e-12)


def test_too_few_frames_are_refused(noise):
    with pytest.raises(ValueError, match="400 frames have no lag of 400"):
        autocorrelations(noise, MASSES, SYMBOLS, 400)


@pytest.mark.parametrize("kind", WINDOWS)
def test_densities_are_the_direct_cosine_sums(noise, kind):
    lines = Lines(WINDOWS[kind], 120, 2.0, multiples(7.0, 5000.0))
    correlations = directly(noise, 120)
    found = densities(correlations, lines, 15)
    scale = 15 * 2 * 2.0 / CM1_FS / sum(c[0] for c in correlations.values())
    for element in ELEMENTS:
        expected = scale * cosine_sum(correlations[element], lines.window.weights(120), lines.grid, 2.0)
        assert found[element] == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("kind", WINDOWS)
def test_all_states_are_there_and_elements_sum_to_them(noise, kind):
    lines = Lines(WINDOWS[kind], 150, 2.0, np.linspace(0, nyquist_cm1(2.0), 301))
    found = densities(autocorrelations(noise, MASSES, SYMBOLS, 150), lines, 15)
    assert np.trapezoid(found["Li"] + found["H"], lines.grid) == pytest.approx(15, rel=1e-12)


def test_thermal_white_noise_is_flat_and_each_element_has_three_states_per_atom():
    """Equipartition: velocities of variance k T / m. Averages over half of the axis, within four deviations."""
    v = np.random.default_rng(4).normal(size=(6000, 5, 3)) / np.sqrt(MASSES)[:, None]
    lines = Lines(WINDOWS["gaussian"], 100, 2.0, np.linspace(0, nyquist_cm1(2.0), 201))
    found = densities(autocorrelations(v, MASSES, SYMBOLS, 100), lines, 15)
    for element, atoms in (("Li", 2), ("H", 3)):
        level = 3 * atoms / nyquist_cm1(2.0)
        for half in (slice(0, 101), slice(100, 201)):
            assert np.mean(found[element][half]) == pytest.approx(level, rel=0.05)


@pytest.mark.parametrize("kind", WINDOWS)
@pytest.mark.parametrize("resolution", [10.0, 25.0])
def test_a_sinusoid_is_a_line_of_the_stated_place_width_and_area(kind, resolution):
    cm1, frame_fs, frames = 807.3, 2.0, 12_000
    phase = np.random.default_rng(5).uniform(0, 2 * np.pi, (5, 3))
    t = 2 * np.pi * cm1 / CM1_FS * frame_fs * np.arange(frames)
    v = np.sqrt(2 / MASSES)[None, :, None] * np.cos(t[:, None, None] + phase)
    lines = Lines.of(WINDOWS[kind], resolution, frame_fs, multiples(0.25, 2000.0))
    found = densities(autocorrelations(v, MASSES, SYMBOLS, lines.last_lag), lines, 15)
    total = found["Li"] + found["H"]
    above = lines.grid[total > total.max() / 2]
    assert lines.resolution_cm1 == pytest.approx(resolution, rel=1e-2)
    assert lines.grid[total.argmax()] == pytest.approx(cm1, abs=0.5)
    assert np.ptp(above) == pytest.approx(resolution, abs=0.75)
    assert above.mean() == pytest.approx(cm1, abs=0.5)
    near = np.abs(lines.grid - cm1) < 40 * resolution
    assert np.trapezoid(total[near], lines.grid[near]) == pytest.approx(15, rel=0.02)


def test_two_lines_keep_their_areas():
    """Li at 400 cm^-1 and H at 900, with twice the energy in H: shares of the states go with the energy."""
    t = 2 * np.pi * 2.0 / CM1_FS * np.arange(12_000)
    phase = np.random.default_rng(6).uniform(0, 2 * np.pi, (5, 3))
    v = np.empty((12_000, 5, 3))
    for a, symbol in enumerate(SYMBOLS):
        cm1, energy = (400, 1) if symbol == "Li" else (900, 2)
        v[:, a] = np.sqrt(energy / MASSES[a]) * np.cos(cm1 * t[:, None] + phase[a])
    lines = Lines.of(WINDOWS["gaussian"], 20.0, 2.0, multiples(1.0, 2000.0))
    found = densities(autocorrelations(v, MASSES, SYMBOLS, lines.last_lag), lines, 15)
    areas = {e: np.trapezoid(found[e], lines.grid) for e in ELEMENTS}
    assert areas["H"] / areas["Li"] == pytest.approx(3, rel=0.02)
    assert sum(areas.values()) == pytest.approx(15, rel=1e-3)


@pytest.mark.parametrize("kind", ["gaussian", "hann"])
def test_the_mode_of_py_vacf_is_its_definition(noise, kind):
    """Direct sums for each component, the window by scipy, a plain FFT."""
    from scipy.signal import windows

    n = len(noise)
    window = (
        windows.gaussian(n, 120 / 2.3548200450309493, sym=False)
        if kind == "gaussian"
        else windows.hann(n, sym=False)
    )
    expected = {element: np.zeros(256) for element in ELEMENTS}
    for a, symbol in enumerate(SYMBOLS):
        for v in noise[:, a].T:
            acf = np.correlate(v, v, "full")[n - 1 :] / ((v - v.mean()) ** 2).sum()
            seen = np.fft.fft(acf * window / (window.sum() / n), 512) / n
            expected[symbol] += np.abs(seen[:256]) ** 2
    found = velocity_acf.intensities(noise, SYMBOLS, velocity_acf.window_of(kind, n, 120))
    for element in ELEMENTS:
        assert found[element] == pytest.approx(expected[element], rel=1e-9, abs=1e-14)
    assert velocity_acf.bins_cm1(n, 2.0) == pytest.approx(np.fft.fftfreq(512, 2e-15 * 2.99792458e10)[:256])


@pytest.mark.parametrize("kind", ["gaussian", "hann", "none"])
def test_the_mode_of_py_vacf_says_its_width(kind):
    frames, frame_fs, cm1 = 30_000, 0.5, 1332.0
    v = np.cos(2 * np.pi * cm1 / CM1_FS * frame_fs * np.arange(frames))[:, None, None] * np.ones((1, 1, 3))
    width = velocity_acf.gaussian_frames(10.4, frame_fs)
    assert width == pytest.approx(4000, rel=5e-3)
    window = velocity_acf.window_of(kind, frames, width)
    seen = velocity_acf.intensities(v, ["H"], window)["H"]
    bins = velocity_acf.bins_cm1(frames, frame_fs)
    assert bins[seen.argmax()] == pytest.approx(cm1, abs=bins[1])
    stated = velocity_acf.resolution_cm1(kind, frames, frame_fs, 10.4)
    above = bins[seen > seen.max() / 2]
    assert np.ptp(above) + bins[1] == pytest.approx(
        stated, abs=1.1 * bins[1] if kind == "gaussian" else 3 * bins[1]
    )
