// Asks every few seconds whether what the page shows has changed, and puts the new state in its place: what is unfolded,
// ticked, scrolled or in focus stays so. A tab that nobody sees does not ask.
(() => {
  const EVERY_MS = 5000;
  const live = () => document.getElementById("live");
  const named = (root, query, name) => new Map([...root.querySelectorAll(query)].map(one => [one.dataset[name], one]));

  const keepState = (old, fresh) => {
    const folds = named(fresh, "details[data-fold]", "fold");
    for (const [name, one] of named(old, "details[data-fold]", "fold")) if (folds.has(name)) folds.get(name).open = one.open;
    for (const box of old.querySelectorAll("input[type=checkbox]:checked")) {
      const same = fresh.querySelector(`input[name="${box.name}"][value="${CSS.escape(box.value)}"]`);
      if (same) same.checked = true;
    }
  };

  const spot = element => {
    if (!element || !live().contains(element)) return null;
    const kind = element.tagName;
    return { kind, place: [...live().querySelectorAll(kind)].indexOf(element) };
  };

  const renew = async () => {
    const answer = await fetch(location.href, { headers: { "X-Live": "1" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("live");
    const focus = spot(document.activeElement);
    keepState(live(), fresh);
    live().replaceWith(document.adoptNode(fresh));
    if (focus) live().querySelectorAll(focus.kind)[focus.place]?.focus({ preventScroll: true });
  };

  const busy = () => ["SELECT", "INPUT"].includes(document.activeElement?.tagName) && document.activeElement.type !== "checkbox";

  const look = async () => {
    const watch = document.getElementById("watch");
    if (document.hidden || busy()) return;
    try {
      const answer = await fetch(watch.dataset.address, { headers: { "X-Live": "1" } });
      if (answer.status === 401) { location.reload(); return; }
      if (!answer.ok) throw new Error(String(answer.status));
      const found = await answer.json();
      document.getElementById("pulse").textContent = "this page renews itself";
      document.getElementById("taken").textContent = found.taken;
      if (found.version !== watch.dataset.version) {
        await renew();
        document.getElementById("said").textContent = found.text;
      }
    } catch (error) {
      document.getElementById("pulse").textContent = "the server does not answer: what stands here may be old";
    }
  };

  setInterval(look, EVERY_MS);
  document.addEventListener("visibilitychange", look);
})();
