// Calling a colleague in an internal note: the list opens as one types @, or by its button; whom one chooses is written out.
(() => {
  "use strict";
  const find = (selector) => document.querySelector(selector);
  const items = (shown = "") => [...document.querySelectorAll(`[data-mention]${shown}`)];
  const begun = (box) => /(?:^|[^\w@.])@([\p{L}\p{N}]*)$/u.exec(box.value.slice(0, box.selectionStart));
  let typed = false; // opened by typing: Enter and Tab choose, and it closes as nothing fits

  function narrow(text) {
    for (const item of items()) item.hidden = !item.dataset.mention.toLowerCase().startsWith(text.toLowerCase());
    return items(":not([hidden])").length;
  }
  document.addEventListener("input", (event) => {
    const box = event.target, list = find(".mention-pop");
    if (box.id !== "composer-body" || !list) return;
    const found = box.form.elements.mode.value === "note" && begun(box);
    if (found && narrow(found[1])) list.open = typed = true;
    else if (typed) list.open = typed = false;
  });
  document.addEventListener("keydown", (event) => {
    if (!typed || event.target.id !== "composer-body") return;
    if (event.key === "Escape") find(".mention-pop").open = typed = false;
    else if (event.key === "ArrowDown") items(":not([hidden])")[0].focus();
    else if ((event.key === "Enter" && !event.ctrlKey && !event.metaKey) || event.key === "Tab") write(items(":not([hidden])")[0]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }, true);
  document.addEventListener("toggle", (event) => {
    if (event.target.matches?.(".mention-pop[open]") && !typed) narrow("");
  }, true);
  document.addEventListener("click", (event) => {
    const item = event.target.closest("[data-mention]");
    if (item) write(item);
  });
  function write(item) {
    const box = find("#composer-body"), found = begun(box), end = box.selectionStart;
    const start = found ? end - found[1].length - 1 : end;
    const before = start && !/\s$/.test(box.value.slice(0, start)) ? " " : "";
    box.setRangeText(`${before}@${item.dataset.mention} `, start, end, "end");
    find(".mention-pop").open = typed = false;
    box.focus();
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }
})();
