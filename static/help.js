/* The affiliate's chat: sends without leaving the page, takes files by drag and paste, and shows what is new within seconds. */
(() => {
  "use strict";
  const talks = document.getElementById("talks"), form = document.getElementById("write");
  if (!talks || !form) return;
  const box = document.getElementById("talk-box"), standing = document.getElementById("talk-standing");
  const text = form.elements.text, picker = form.elements.files, list = document.getElementById("talk-files");
  const refused = form.querySelector(".talk-refused"), none = document.querySelector(".talk-none");
  const kept = `chat:${location.pathname}`;
  let files = [], busy = false, key = crypto.randomUUID?.() ?? "", timer;

  const atEnd = () => box.scrollHeight - box.scrollTop - box.clientHeight < 80;
  const toEnd = () => (box.scrollTop = box.scrollHeight);
  let pinned = true; // to the newest: also while what stands beneath it grows
  box.addEventListener("scroll", () => { pinned = atEnd(); }, { passive: true });
  new ResizeObserver(() => { if (pinned) toEnd(); }).observe(box);
  const tell = (words) => { refused.textContent = words; refused.hidden = !words; };

  function show(news) {
    const end = atEnd();
    talks.dataset.mark = news.mark;
    talks.innerHTML = news.stream;
    standing.innerHTML = news.standing;
    talks.dataset.since = talks.querySelector(".talk[id]")?.id ?? "";
    none?.remove();
    if (end) toEnd();
    read();
  }

  async function look() {
    clearTimeout(timer);
    if (talks.dataset.news && !busy) {
      try {
        const asked = new URLSearchParams({ mark: talks.dataset.mark, since: talks.dataset.since });
        const answer = await fetch(`${talks.dataset.news}?${asked}`, { headers: { Accept: "application/json" } });
        if (answer.status === 200 && !busy) show(await answer.json());
      } catch { /* the next look tries again */ }
    }
    timer = setTimeout(look, document.hidden ? 10000 : 2000);
  }

  let seen = "";
  function read() {
    const last = [...talks.querySelectorAll(".talk[data-at]")].pop()?.dataset.at;
    if (!last || last === seen || document.hidden || !talks.dataset.read) return;
    seen = last;
    const body = new FormData();
    body.set("until", last);
    body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    fetch(talks.dataset.read, { method: "POST", body }).catch(() => (seen = ""));
    document.querySelector('.topnav [aria-current] .nav-count')?.remove();
  }

  async function send() {
    if (busy || (!text.value.trim() && !files.length)) return;
    busy = true;
    tell("");
    form.classList.add("sending");
    const body = new FormData();
    for (const name of ["text", "reply_to", "csrfmiddlewaretoken"]) body.set(name, form.elements[name].value);
    body.set("key", key);
    body.set("since", talks.dataset.since);
    files.forEach((file) => body.append("files", file, file.name));
    try {
      const response = await fetch(form.action, { method: "POST", body, headers: { "X-Requested-With": "fetch" } });
      if (response.status === 422) tell((await response.json()).refused);
      else if (!response.ok || response.redirected) throw new Error(String(response.status));
      else {
        show(await response.json());
        text.value = "";
        files = [];
        answer(null);
        key = crypto.randomUUID?.() ?? "";
        sessionStorage.removeItem(kept);
        showFiles();
        grow();
        toEnd();
        suggested.replaceChildren();
        asked = null;
        suggestSoon();
      }
    } catch {
      tell(form.dataset.failed);
    } finally {
      busy = false;
      form.classList.remove("sending");
      text.focus();
    }
  }

  // Which message is answered: shown above the box until it is sent or taken back.
  const answering = form.querySelector(".talk-answering"), answered = form.elements.reply_to;
  function answer(item) {
    answered.value = item?.id ?? "";
    answering.hidden = !item;
    answering.firstElementChild.textContent = item?.querySelector(".talk-text")?.textContent.slice(0, 90) ?? "";
    text.focus();
  }
  answering.querySelector("button").addEventListener("click", () => answer(null));
  talks.addEventListener("click", (event) => {
    const button = event.target.closest("[data-reply]");
    if (button) answer(document.getElementById(button.dataset.reply));
  });

  function add(more) {
    files.push(...more);
    showFiles();
    text.focus();
  }
  function showFiles() {
    list.hidden = !files.length;
    list.replaceChildren(...files.map((file, n) => {
      const item = document.createElement("li"), button = document.createElement("button");
      button.type = "button";
      button.textContent = "×";
      button.setAttribute("aria-label", file.name);
      button.onclick = () => { files.splice(n, 1); showFiles(); };
      item.append(file.name, button);
      return item;
    }));
  }
  function grow() {
    text.style.height = "auto";
    text.style.height = `${Math.min(text.scrollHeight + 2, 200)}px`;
  }

  // What may answer it at once, while it is being typed.
  const suggested = document.getElementById("talk-suggested");
  let asking, asked = null;
  function suggest() {
    const words = text.value.trim();
    if (words === asked || suggested.querySelector(".answer")) return;
    asked = words;
    window.htmx?.ajax("GET", `${suggested.dataset.ask}&q=${encodeURIComponent(words.slice(0, 500))}`, { target: suggested, swap: "innerHTML" });
  }
  const suggestSoon = () => { clearTimeout(asking); asking = setTimeout(suggest, 400); };
  suggested.addEventListener("message-sent", () => { text.value = ""; sessionStorage.removeItem(kept); look(); });

  form.addEventListener("submit", (event) => { event.preventDefault(); send(); });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && matchMedia("(pointer: fine)").matches) {
      event.preventDefault();
      send();
    }
  });
  text.addEventListener("input", () => { grow(); suggestSoon(); sessionStorage.setItem(kept, text.value); });
  text.addEventListener("paste", (event) => {
    const pasted = [...event.clipboardData.files];
    if (pasted.length) { event.preventDefault(); add(pasted); }
  });
  picker.addEventListener("change", () => { add([...picker.files]); picker.value = ""; });
  const card = form.closest(".talk-card");
  card.addEventListener("dragover", (event) => { event.preventDefault(); card.classList.add("dropping"); });
  card.addEventListener("dragleave", (event) => card.contains(event.relatedTarget) || card.classList.remove("dropping"));
  card.addEventListener("drop", (event) => {
    event.preventDefault();
    card.classList.remove("dropping");
    add([...event.dataTransfer.files]);
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { read(); look(); } });

  text.value ||= sessionStorage.getItem(kept) ?? "";
  grow();
  toEnd();
  talks.querySelectorAll("img").forEach((picture) => picture.addEventListener("load", () => atEnd() || toEnd(), { once: true }));
  read();
  suggestSoon();
  timer = setTimeout(look, 2000);
})();
