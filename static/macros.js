// The composer's macros: a chosen one's words go into the box, and the form remembers which it was.
(() => {
  "use strict";
  const find = (selector) => document.querySelector(selector);

  async function take(button) {
    const form = find("#composer");
    const answer = await fetch(button.dataset.macro, { headers: { Accept: "application/json" } }).catch(() => null);
    const got = answer && (await answer.json().catch(() => null));
    if (!got || form !== find("#composer")) return; // another ticket has been opened
    const box = find("#composer-body");
    const said = find(".macro-said");
    find(".macro-pop").open = false; // the button may have gone meanwhile, with the list that it stood in
    if (got.error) {
      said.textContent = got.error;
      missing = [];
      return;
    }
    box.value = box.value.trim() ? `${box.value.trimEnd()}\n\n${got.text}` : got.text;
    form.elements.macro.value = got.macro;
    said.textContent = [got.name, ...got.files, ...got.actions].join(" · ");
    missing = got.missing;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    box.focus();
    const [gap] = gaps(box);
    if (gap) {
      box.setSelectionRange(gap.index, gap.index + gap[0].length);
      box.reportValidity();
    }
  }

  /* What has no value is written as {{name}}: it is selected, said, and holds the form up until somebody has filled it in. */
  let missing = [];
  const gaps = (box) => [...box.value.matchAll(/\{\{\s*([A-Za-z_]+)\s*\}\}/g)].filter((found) => missing.includes(found[1]));

  document.addEventListener("input", (event) => {
    const box = event.target;
    if (box.id !== "composer-body") return;
    const names = [...new Set(gaps(box).map((found) => found[1]))];
    const said = find(".macro-said");
    const told = names.length ? `${said.dataset.missing} ${names.join(", ")}` : "";
    if (told || box.validationMessage) said.textContent = told;
    box.setCustomValidity(told);
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-macro]");
    if (button) take(button);
  });
  document.addEventListener("toggle", (event) => event.target.matches(".macro-pop[open]") && find("#macro-search").focus(), true);
  // Enter means what has been typed: where its answer is still under way, the first of it is taken once it is there.
  let shownFor = null, awaited = false;
  document.addEventListener("input", (event) => {
    if (event.target.id === "macro-search") awaited = false;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id === "ticket") shownFor = null;
    if (event.detail.target?.id !== "macro-found") return;
    shownFor = new URL(event.detail.xhr.responseURL).searchParams.get("q") || "";
    if (!awaited || shownFor !== find("#macro-search").value) return;
    awaited = false;
    find("#macro-found [data-macro]")?.click();
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.id !== "macro-search") return;
    if (event.key === "Enter") {
      event.preventDefault();
      if (shownFor === event.target.value) find("#macro-found [data-macro]")?.click();
      else awaited = true;
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      find("#macro-found [data-macro]")?.focus();
    }
  });
})();
