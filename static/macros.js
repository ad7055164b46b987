// The composer's macros: a chosen one's words go into the box, and the form remembers which it was.
(() => {
  "use strict";
  const find = (selector) => document.querySelector(selector);

  async function take(button) {
    const form = find("#composer");
    const box = find("#composer-body");
    const said = find(".macro-said");
    const answer = await fetch(button.dataset.macro, { headers: { Accept: "application/json" } }).catch(() => null);
    const got = answer && (await answer.json().catch(() => null));
    if (!got) return;
    button.closest("details").open = false;
    if (got.error) {
      said.textContent = got.error;
      return;
    }
    box.value = box.value.trim() ? `${box.value.trimEnd()}\n\n${got.text}` : got.text;
    form.elements.macro.value = got.macro;
    said.textContent = [got.name, ...got.files, ...got.actions].join(" · ");
    box.dispatchEvent(new Event("input", { bubbles: true }));
    box.focus();
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-macro]");
    if (button) take(button);
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.id !== "macro-search") return;
    if (event.key === "Enter") {
      event.preventDefault();
      find("#macro-found [data-macro]")?.click();
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      find("#macro-found [data-macro]")?.focus();
    }
  });
})();
