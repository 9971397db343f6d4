"use strict";
// Tables: a click on a head sorts, a field above filters.
(() => {
  const LEAST = 4; // rows below which there is nothing to sort
  const number = (text) => {
    const found = text.replace("−", "-").match(/-?\d+(\.\d+)?(e[-+]?\d+)?/);
    return found ? parseFloat(found[0]) : null;
  };

  function sort(table, column, button) {
    const head = button.closest("th");
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const numeric = head.classList.contains("n");
    const value = (row) => {
      const text = row.cells[column].textContent.trim();
      return numeric ? number(text) : text;
    };
    const rows = [...table.tBodies[0].rows].map((row) => [value(row), row]);
    const known = rows.filter(([one]) => one !== null && one !== "·");
    known.sort(([a], [b]) => (numeric ? a - b : a.localeCompare(b, "en", {numeric: true})) * (down ? -1 : 1));
    const missing = rows.filter(([one]) => one === null || one === "·"); // last, whichever way
    table.tBodies[0].append(...[...known, ...missing].map(([, row]) => row));
  }

  function filter(table, words, said) {
    const asked = words.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      const text = [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase();
      row.hidden = !asked.every((word) => text.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    said.textContent = asked.length ? `${shown} of ${table.tBodies[0].rows.length} rows` : "";
  }

  for (const table of document.querySelectorAll(".table table")) {
    if (table.tBodies[0].rows.length < LEAST) continue;
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.title = "sort";
      button.addEventListener("click", () => sort(table, column, button));
      head.append(button);
    });
    const label = document.createElement("label");
    const field = document.createElement("input");
    const said = document.createElement("output");
    label.className = "filter";
    field.type = "search";
    field.placeholder = "words, as in diamond Γ";
    field.addEventListener("input", () => filter(table, field.value, said));
    label.append("Filter ", field, " ", said);
    table.parentElement.before(label);
  }
})();
