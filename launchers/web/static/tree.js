// A document as a tree that folds: what is inside is made when it is opened.
(() => {
  const isBranch = value => value !== null && typeof value === "object";
  const leaf = (name, value) => {
    const item = document.createElement("li");
    const text = document.createElement("span");
    text.className = "value";
    text.textContent = `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`;
    item.append(text);
    return item;
  };
  const branch = (name, value) => {
    const item = document.createElement("li");
    const fold = document.createElement("details");
    const head = document.createElement("summary");
    const size = Object.keys(value).length;
    head.textContent = `${name} (${Array.isArray(value) ? "list" : "object"} of ${size})`;
    fold.append(head);
    fold.addEventListener("toggle", () => { if (fold.open && fold.children.length === 1) fold.append(list(value)); });
    item.append(fold);
    return item;
  };
  const list = value => {
    const inside = document.createElement("ul");
    for (const [name, one] of Object.entries(value)) inside.append(isBranch(one) ? branch(name, one) : leaf(name, one));
    return inside;
  };
  for (const place of document.querySelectorAll("[data-tree]")) {
    place.append(list(JSON.parse(document.getElementById(place.dataset.tree).textContent)));
  }
})();
