"use strict";
// Modes: atoms in a box, each moved by Re[W exp(i (2π q·r - ωt))]; turned by dragging or with the arrow keys.
(() => {
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const night = matchMedia("(prefers-color-scheme: dark)");
  const CYCLE_MS = 1700; // of every mode, whatever its frequency
  const FURTHEST = 0.22; // of the nearest distance: how far the longest displacement goes, at full amplitude
  const PER_UNIT = 1000;

  // Displacements of all shown atoms, x y z one after the other, longest 1, at the phase -ωt = `phase`.
  function displacements(modes, model, stop, band, phase) {
    const motion = modes.models[model].motion[stop][band];
    const q = modes.stops[stop].qpoint;
    return modes.sites.flatMap((site, atom) => {
      const wave = 2 * Math.PI * modes.fractional[atom].reduce((sum, part, i) => sum + part * q[i], 0) + phase;
      const [c, s] = [Math.cos(wave), Math.sin(wave)];
      return [0, 1, 2].map((i) => (motion[6 * site + 2 * i] * c - motion[6 * site + 2 * i + 1] * s) / PER_UNIT);
    });
  }

  // The phase at which a mode has moved its atoms the farthest: of z e^{iφ}, the sum of the squares of the real parts.
  function turn(modes, model, stop, band) {
    const real = displacements(modes, model, stop, band, 0);
    const imaginary = displacements(modes, model, stop, band, -Math.PI / 2);
    const squares = real.reduce((sum, one, i) => sum + one * one - imaginary[i] * imaginary[i], 0);
    return -Math.atan2(real.reduce((sum, one, i) => sum + 2 * one * imaginary[i], 0), squares) / 2;
  }

  // The stop on a segment that is nearest to a q-point of the path.
  function nearest(modes, segment, index) {
    const away = (stop) => (stop.segment === segment ? Math.abs(stop.index - index) : Infinity);
    return modes.stops.reduce((best, stop, i) => (away(stop) < away(modes.stops[best]) ? i : best), 0);
  }

  const element = (name, more = {}, ...inside) => {
    const made = Object.assign(document.createElement(name), more);
    made.append(...inside);
    return made;
  };
  const labelled = (text, input) => element("label", {}, `${text} `, input);
  const fill = (select, options, chosen) => {
    select.replaceChildren(...options.map(([value, text]) => element("option", {value, textContent: text})));
    select.value = chosen;
  };
  const plain = (text) => text.replace(/_(EF|E)\b/g, (_, kind) => ` ${[...kind].join(",")}`);

  class Viewer {
    constructor(place) {
      this.modes = JSON.parse(document.getElementById(`data-${place.dataset.modes}`).textContent);
      this.model = 0;
      this.stop = 0;
      this.band = this.modes.models[0].frequencies_cm1[0].length - 1;
      this.yaw = -0.55;
      this.pitch = 0.3;
      this.phase = 0;
      this.top = 0;
      this.playing = !still.matches;
      this.visible = false;
      this.build(place);
      this.choose();
      new IntersectionObserver(([entry]) => { this.visible = entry.isIntersecting; this.run(); }).observe(this.canvas);
      document.addEventListener("mode", ({detail}) => this.asked(detail));
      night.addEventListener("change", () => this.paint());
      new ResizeObserver(() => this.paint()).observe(this.canvas);
    }

    build(place) {
      this.canvas = element("canvas", {tabIndex: 0});
      this.canvas.setAttribute("role", "img");
      this.models = element("select");
      this.points = element("select");
      this.bands = element("select");
      this.button = element("button", {type: "button"});
      this.size = element("input", {type: "range", min: 0.2, max: 1.6, step: 0.1, value: 0.8});
      this.arrows = element("input", {type: "checkbox", checked: still.matches});
      this.said = element("output");
      this.models.addEventListener("change", () => { this.model = Number(this.models.value); this.choose(); });
      this.points.addEventListener("change", () => { this.stop = Number(this.points.value); this.choose(); });
      this.bands.addEventListener("change", () => { this.band = Number(this.bands.value); this.choose(); });
      this.button.addEventListener("click", () => { this.playing = !this.playing; this.run(); });
      this.size.addEventListener("input", () => this.paint());
      this.arrows.addEventListener("change", () => this.paint());
      this.turnable();
      const controls = element("div", {className: "controls"},
        labelled("Model", this.models), labelled("q-point", this.points), labelled("Mode", this.bands),
        this.button, labelled("Amplitude", this.size), labelled("Arrows", this.arrows), this.said);
      place.append(this.canvas, controls);
      place.hidden = false;
    }

    turnable() {
      let held = null;
      this.canvas.addEventListener("pointerdown", (event) => { held = [event.clientX, event.clientY]; this.canvas.setPointerCapture(event.pointerId); });
      this.canvas.addEventListener("pointerup", () => { held = null; });
      this.canvas.addEventListener("pointercancel", () => { held = null; });
      this.canvas.addEventListener("pointermove", (event) => {
        if (!held) return;
        this.turn((event.clientX - held[0]) / 120, (event.clientY - held[1]) / 120);
        held = [event.clientX, event.clientY];
      });
      const steps = {ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1]};
      this.canvas.addEventListener("keydown", (event) => {
        if (!(event.key in steps)) return;
        event.preventDefault();
        this.turn(...steps[event.key]);
      });
    }

    turn(yaw, pitch) {
      this.yaw += yaw;
      this.pitch = Math.max(-1.5, Math.min(1.5, this.pitch + pitch));
      this.paint();
    }

    asked({modes, model, segment, index, band}) {
      const known = this.modes.models.findIndex((one) => one.model === model);
      if (modes !== this.modes.name || known < 0) return;
      [this.model, this.stop, this.band] = [known, nearest(this.modes, segment, index), band];
      this.choose();
      this.canvas.scrollIntoView({block: "nearest", behavior: still.matches ? "auto" : "smooth"});
    }

    choose() {
      const {models, stops} = this.modes;
      const own = models[this.model];
      const frequencies = own.frequencies_cm1[this.stop];
      const seed = (one) => (one.seed === null ? "" : `, seed ${one.seed}`);
      const named = stops.map((stop, i) => [i, stop.label || stop.where]).filter(([i]) => stops[i].label || i === this.stop);
      fill(this.models, models.map((one, i) => [i, `${plain(one.title)}${seed(one)}${one.learned ? "" : ", not learned"}`]), this.model);
      fill(this.points, named, this.stop);
      fill(this.bands, frequencies.map((value, i) => [i, `${i + 1}: ${value.toFixed(1)} cm⁻¹`]), this.band);
      const value = frequencies[this.band];
      const unstable = value < -1 ? " An imaginary frequency: the crystal does not come back, the picture shows the direction." : "";
      const text = `${plain(own.title)}${seed(own)}: mode ${this.band + 1} at ${stops[this.stop].where}, ${value.toFixed(1)} cm⁻¹.${unstable}`;
      this.said.textContent = text;
      this.canvas.setAttribute("aria-label", `Atoms of ${this.modes.system} moving. ${text} Arrow keys turn the crystal.`);
      this.top = turn(this.modes, this.model, this.stop, this.band);
      if (!this.playing) this.phase = this.top;
      this.run();
    }

    run() {
      this.button.textContent = this.playing ? "Pause" : "Play";
      cancelAnimationFrame(this.next);
      this.paint();
      if (!this.playing || !this.visible) return;
      const before = performance.now();
      this.next = requestAnimationFrame(() => {
        this.phase = (this.phase - (2 * Math.PI * (performance.now() - before)) / CYCLE_MS) % (2 * Math.PI);
        this.run();
      });
    }

    rotated([x, y, z]) {
      const [cy, sy, cp, sp] = [Math.cos(this.yaw), Math.sin(this.yaw), Math.cos(this.pitch), Math.sin(this.pitch)];
      const [right, deep] = [x * cy - y * sy, x * sy + y * cy];
      return [right, z * cp - deep * sp, deep * cp + z * sp]; // right, up, away
    }

    paint() {
      const {modes, canvas} = this;
      const wide = canvas.clientWidth;
      if (!wide) return;
      const ratio = devicePixelRatio || 1;
      const high = canvas.clientHeight;
      if (canvas.width !== Math.round(wide * ratio)) [canvas.width, canvas.height] = [Math.round(wide * ratio), Math.round(high * ratio)];
      const pen = canvas.getContext("2d");
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.clearRect(0, 0, wide, high);
      const reach = Math.max(...modes.positions.map((one) => Math.hypot(...one)));
      const scale = Math.min(wide, high) / (2.15 * (reach + 0.4));
      const far = this.furthest() * Number(this.size.value);
      const moved = displacements(modes, this.model, this.stop, this.band, this.phase);
      const top = displacements(modes, this.model, this.stop, this.band, this.top);
      const place = (point) => {
        const [right, up, away] = this.rotated(point);
        return {x: wide / 2 + scale * right, y: high / 2 - scale * up, away};
      };
      const shifted = (i, by) => modes.positions[i].map((x, axis) => x + far * by[3 * i + axis]);
      const atoms = modes.positions.map((_, i) => ({...place(shifted(i, moved)), i}));
      this.outline(pen, place);
      const items = atoms.map((atom) => ({away: atom.away, draw: () => this.atom(pen, atom, scale, reach)}));
      for (const [a, b] of modes.bonds) items.push({away: (atoms[a].away + atoms[b].away) / 2 + 0.01, draw: () => this.bond(pen, atoms[a], atoms[b], scale)});
      items.sort((a, b) => b.away - a.away).forEach((one) => one.draw());
      if (this.arrows.checked) for (const atom of atoms) this.arrow(pen, place(modes.positions[atom.i]), place(shifted(atom.i, top.map((one) => 3 * one))));
    }

    furthest() {
      const [a, b] = this.modes.bonds.length ? this.modes.bonds[0] : [0, 0];
      const apart = Math.hypot(...[0, 1, 2].map((i) => this.modes.positions[a][i] - this.modes.positions[b][i]));
      return FURTHEST * (apart || 2);
    }

    outline(pen, place) {
      const {corner, box} = this.modes;
      const at = (n) => place([0, 1, 2].map((i) => corner[i] + n.reduce((sum, part, k) => sum + part * box[k][i], 0)));
      pen.strokeStyle = night.matches ? "#5c5c66" : "#b9b9c0";
      pen.lineWidth = 1;
      pen.beginPath();
      for (let axis = 0; axis < 3; axis += 1) {
        for (const [u, v] of [[0, 0], [0, 1], [1, 0], [1, 1]]) {
          const ends = [0, 1].map((w) => at([0, 1, 2].map((i) => (i === axis ? w : i === (axis + 1) % 3 ? u : v))));
          pen.moveTo(ends[0].x, ends[0].y);
          pen.lineTo(ends[1].x, ends[1].y);
        }
      }
      pen.stroke();
    }

    bond(pen, a, b, scale) {
      pen.strokeStyle = night.matches ? "#8a8a94" : "#9b9ba3";
      pen.lineWidth = Math.max(1, 0.1 * scale);
      pen.beginPath();
      pen.moveTo(a.x, a.y);
      pen.lineTo(b.x, b.y);
      pen.stroke();
    }

    atom(pen, {x, y, away, i}, scale, reach) {
      const site = this.modes.sites[i];
      const radius = scale * (0.12 + 0.28 * this.modes.radii_A[site]);
      pen.beginPath();
      pen.arc(x, y, radius, 0, 2 * Math.PI);
      pen.fillStyle = this.modes.colours[site];
      pen.fill();
      pen.fillStyle = night.matches ? `rgba(24,24,28,${0.3 + (0.3 * away) / reach})` : `rgba(255,255,255,${0.3 + (0.3 * away) / reach})`;
      pen.fill(); // what is farther away is nearer to the paper
      pen.strokeStyle = night.matches ? "#d8d8de" : "#33333a";
      pen.lineWidth = 0.8;
      pen.stroke();
    }

    arrow(pen, from, to) {
      const [dx, dy] = [to.x - from.x, to.y - from.y];
      const long = Math.hypot(dx, dy);
      if (long < 3) return;
      const head = Math.min(6, long / 2);
      const angle = Math.atan2(dy, dx);
      pen.strokeStyle = pen.fillStyle = night.matches ? "#ffb86b" : "#c2410c";
      pen.lineWidth = 1.6;
      pen.beginPath();
      pen.moveTo(from.x, from.y);
      pen.lineTo(to.x, to.y);
      pen.stroke();
      pen.beginPath();
      pen.moveTo(to.x, to.y);
      for (const side of [-0.45, 0.45]) pen.lineTo(to.x - head * Math.cos(angle + side), to.y - head * Math.sin(angle + side));
      pen.fill();
    }
  }

  const viewers = [...document.querySelectorAll("[data-modes]")].map((place) => new Viewer(place));
  window.latticefarm = {...window.latticefarm, displacements, turn, viewers};
})();
