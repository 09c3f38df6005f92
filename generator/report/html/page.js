
"use strict";
// Search and filters over what the page holds already. Without this script everything is there to read.
(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const one = (id) => document.getElementById(id);
  const checks = all("details.check").map((element) => ({
    element,
    text: element.textContent.toLowerCase(),
    outcomes: element.dataset.outcomes.split(" "),
    turn: element.dataset.turn,
    severity: element.dataset.severity,
  }));
  const pressed = (name) => all(`.chip[data-${name}][aria-pressed="true"]`).map((chip) => chip.dataset[name]);

  const filter = () => {
    const words = one("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const outcomes = pressed("outcome");
    const turns = pressed("turn");
    const severity = one("severity").value;
    let shown = 0;
    for (const check of checks) {
      const fits = words.every((word) => check.text.includes(word))
        && (outcomes.length === 0 || check.outcomes.some((outcome) => outcomes.includes(outcome)))
        && (turns.length === 0 || turns.includes(check.turn))
        && (severity === "" || severity === check.severity);
      check.element.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    one("shown").textContent = `${shown} of ${checks.length} checks`;
    document.querySelector(".empty").hidden = shown > 0;
  };

  const visible = () => checks.map((check) => check.element).filter((element) => !element.hidden);
  const unfold = () => {
    const open = visible().some((element) => !element.open);
    for (const element of visible()) element.open = open;
    one("unfold").textContent = open ? "Fold all" : "Unfold all";
  };

  const themes = ["auto", "light", "dark"];
  const turnTheme = () => {
    const root = document.documentElement;
    const next = themes[(themes.indexOf(root.dataset.theme ?? "auto") + 1) % themes.length];
    if (next === "auto") delete root.dataset.theme; else root.dataset.theme = next;
    one("theme").textContent = `Theme: ${next}`;
  };

  // A link to a check opens it.
  const follow = () => {
    const target = one(decodeURIComponent(location.hash.slice(1)));
    if (target instanceof HTMLDetailsElement) {
      target.hidden = false;
      target.open = true;
      target.scrollIntoView({ block: "center" });
    }
  };

  // Paper can't be unfolded.
  let folded = [];
  const beforePrint = () => {
    folded = visible().filter((element) => !element.open);
    for (const element of folded) element.open = true;
  };
  const afterPrint = () => {
    for (const element of folded) element.open = false;
  };

  one("search").addEventListener("input", filter);
  one("severity").addEventListener("change", filter);
  one("unfold").addEventListener("click", unfold);
  one("theme").addEventListener("click", turnTheme);
  for (const chip of all(".chip")) {
    chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
      filter();
    });
  }
  addEventListener("hashchange", follow);
  addEventListener("beforeprint", beforePrint);
  addEventListener("afterprint", afterPrint);
  document.querySelector(".tools").hidden = false;
  filter();
  if (location.hash) follow();
})();
