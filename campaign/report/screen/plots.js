"use strict";
// Plots: each is drawn when it comes into view, in the colours that the reader's screen asks for, with a legend of switches.
(() => {
  const night = matchMedia("(prefers-color-scheme: dark)");
  const coarse = matchMedia("(pointer: coarse)"); // a finger scrolls the page
  const drawn = new Map();
  let printing = false;

  const painted = (value) => {
    if (typeof value === "string") return value.startsWith("paint ") ? value.split(" ")[night.matches && !printing ? 2 : 1] : value;
    if (Array.isArray(value)) return value.length && typeof value[0] === "object" ? value.map(painted) : value;
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, painted(one)]));
  };

  function draw(place) {
    const {document: source, on} = drawn.get(place);
    const data = painted(source.data).map((trace) => ({...trace, visible: trace.meta.switches.every((one) => on.get(one) !== false)}));
    const layout = painted(source.layout);
    layout.font.family = getComputedStyle(document.querySelector("nav")).fontFamily;
    layout.uirevision = "kept"; // a switch does not undo a zoom
    if (coarse.matches) layout.dragmode = false;
    const bar = {displaylogo: false, responsive: true, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"]};
    return Plotly.react(place, data, layout, bar);
  }

  function legend(place) {
    const {document: source, on} = drawn.get(place);
    const box = document.createElement("div");
    box.className = "legend";
    for (const group of new Set(source.switches.map((one) => one.group))) {
      const set = document.createElement("fieldset");
      const name = document.createElement("legend");
      name.textContent = group;
      set.append(name);
      for (const one of source.switches.filter((other) => other.group === group)) {
        const label = document.createElement("label");
        const tick = document.createElement("input");
        const patch = document.createElement("span");
        tick.type = "checkbox";
        tick.checked = one.on;
        tick.addEventListener("change", () => {
          on.set(one.id, tick.checked);
          draw(place);
        });
        patch.className = "patch";
        patch.dataset.colour = one.colour;
        const text = document.createElement("span");
        text.innerHTML = one.name; // ours, escaped when the page was made
        label.append(tick, ...(one.colour ? [patch] : []), text);
        set.append(label);
      }
      box.append(set);
    }
    place.before(box);
    colour(box);
  }

  function colour(box) {
    for (const patch of box.querySelectorAll(".patch")) patch.style.background = painted(patch.dataset.colour);
  }

  // Traces of bands hold, segment by segment and band by band, the q-points of the segment and a gap.
  function clicked(path, number) {
    for (let segment = 0, start = 0; segment < path.counts.length; segment += 1) {
      const long = path.counts[segment] + 1;
      const inside = number - start;
      if (inside < path.bands * long) return {model: path.model, segment, band: Math.floor(inside / long), index: inside % long};
      start += path.bands * long;
    }
    return null;
  }

  function begin(place) {
    const source = JSON.parse(document.getElementById(`data-${place.dataset.plot}`).textContent);
    drawn.set(place, {document: source, on: new Map(source.switches.map((one) => [one.id, one.on]))});
    place.hidden = false;
    place.closest("figure").classList.add("drawn");
    legend(place);
    draw(place).then(() => {
      place.on("plotly_click", (event) => {
        const [point] = event.points;
        const path = point.data.meta && point.data.meta.path;
        const found = path && source.modes ? clicked(path, point.pointNumber) : null;
        if (found) document.dispatchEvent(new CustomEvent("mode", {detail: {modes: source.modes, ...found}}));
      });
    });
  }

  const again = () => {
    document.querySelectorAll(".legend").forEach(colour);
    for (const place of drawn.keys()) draw(place);
  };
  night.addEventListener("change", again);
  addEventListener("beforeprint", () => { printing = true; again(); });
  addEventListener("afterprint", () => { printing = false; again(); });

  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries.filter((one) => one.isIntersecting)) {
      seen.unobserve(entry.target);
      begin(entry.target.querySelector(".plot"));
    }
  }, {rootMargin: "600px"});
  document.querySelectorAll("figure:has(.plot)").forEach((figure) => seen.observe(figure));
  window.latticefarm = {...window.latticefarm, clicked};
})();
