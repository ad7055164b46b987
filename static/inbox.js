/* The inbox with a script: the keyboard, what comes by itself, drafts kept while one types, who else is here. Without one, every row is
   a link and every action a form. */
(() => {
  "use strict";
  const inbox = document.getElementById("inbox");
  if (!inbox) return;
  const find = (selector, node = document) => node.querySelector(selector);
  const all = (selector, node = document) => [...node.querySelectorAll(selector)];
  const wide = matchMedia("(min-width: 992px)");
  const told = (template, values) => template.replace(/\{(\w+)\}/g, (_all, name) => values[name]);
  const headers = JSON.parse(document.body.getAttribute("hx-headers"));
  const talk = () => find(".talk");
  const openId = () => talk()?.dataset.ticket || "";

  // What comes by itself: a short question every two seconds, answered at once.
  let timer, sent = false, asking = false, left = "", typedAt = 0, here = [];
  async function ask() {
    clearTimeout(timer);
    if (asking) return;
    asking = true;
    const query = new URLSearchParams();
    if (openId()) query.set("ticket", openId());
    if (left) query.set("left", left);
    if (openId() && Date.now() - typedAt < 6000) query.set("writing", "1");
    left = "";
    try {
      const answer = await fetch(`${inbox.dataset.news}?${query}`, { headers: { Accept: "application/json" }, redirect: "error" });
      if (answer.ok) hear(await answer.json());
    } catch {
      // No connection: the next question may have one.
    }
    asking = false;
    timer = setTimeout(ask, document.hidden ? 5000 : 2000);
  }
  function hear(news) {
    here = news.here;
    showHere();
    const away = find("#queue-away");
    if (away) away.hidden = !news.away;
    if (news.queue !== find("#queue-mark")?.dataset.mark) refreshQueue();
    // To load what was written says that it was read: in a page that nobody sees it waits until somebody does.
    if (!document.hidden && news.ticket && news.ticket !== find("#ticket-mark")?.dataset.mark) refreshTicket();
  }
  function showHere() {
    const box = find("#here");
    if (!box) return;
    const writing = here.filter((one) => one.writing), shown = writing.length ? writing : here;
    const words = shown.length ? told(writing.length ? inbox.dataset.writes : inbox.dataset.looks, { who: shown.map((one) => one.name).join(", ") }) : "";
    if (box.textContent !== words) box.textContent = words;
    box.hidden = !words;
  }
  const busy = (node) => Boolean(node && (find("details.pop[open]", node) || node.contains(document.activeElement) && document.activeElement.matches("input:not([type=checkbox]), select")));

  // Fetched first and put in at once: what the reader does while an answer is under way is still true when it is shown.
  async function fetched(url, target) {
    try {
      const answer = await fetch(url, { headers: { ...headers, "HX-Request": "true", "HX-Target": target }, redirect: "error" });
      return answer.ok ? await answer.text() : null;
    } catch {
      return null;
    }
  }
  const show = (target, html) => htmx.swap(target, html, { swapStyle: "innerHTML", swapDelay: 0, settleDelay: 0 });

  let missed = 0;
  const title = () => document.title.replace(/^\(\d+\) /, "");
  function badge() {
    document.title = missed ? `(${missed}) ${title()}` : title();
  }
  async function refreshQueue() {
    const box = find("#queue-rows");
    if (!box) return; // beside a ticket the queue comes a moment later
    const html = busy(box) ? null : await fetched(box.dataset.url, box.id);
    if (html === null || busy(box)) return;
    const before = new Map(all(".queue-row").map((row) => [row.dataset.id, row.dataset.last]));
    const picked = new Set(all("input[name=selected]:checked").map((input) => input.value));
    const current = find(".row-current")?.dataset.id, focused = document.activeElement?.closest?.(".queue-row")?.dataset.id;
    const scrolled = find("#queue-list")?.scrollTop || 0;
    show(box, html);
    const rows = all(".queue-row");
    for (const row of rows) {
      if (row.dataset.id === current) row.classList.add("row-current");
      if (row.dataset.id === focused) find(".queue-link", row).focus({ preventScroll: true });
      const input = find("input[name=selected]", row);
      if (input && picked.has(input.value)) input.checked = true;
    }
    if (picked.size) rows[0]?.dispatchEvent(new Event("change", { bubbles: true }));
    if (find("#queue-list")) find("#queue-list").scrollTop = scrolled;
    markOpen();
    countPicked();
    const fresh = rows.filter((row) => row.dataset.last && (!before.has(row.dataset.id) || row.dataset.last > before.get(row.dataset.id)));
    for (const row of fresh) {
      if (row.dataset.id !== openId()) row.classList.add("is-new");
      notify(row);
    }
    if (fresh.length && (document.hidden || !document.hasFocus())) {
      missed += fresh.length;
      badge();
    }
  }
  async function refreshTicket() {
    const held = () => busy(find("#ticket-head")) || find("#ticket dialog[open]");
    const id = openId(), html = held() ? null : await fetched(talk().dataset.url, "ticket-stream");
    if (html === null || held() || openId() !== id) return;
    const stream = find("#ticket-stream");
    const open = all("details[open][id]", stream).map((details) => details.id);
    const framed = all("iframe.msg-frame", stream).map((one) => [one.closest(".msg").id, one.getAttribute("src")]);
    const atEnd = stream.scrollHeight - stream.scrollTop - stream.clientHeight < 80;
    show(stream, html);
    for (const one of open) {
      const details = document.getElementById(one);
      if (details) details.open = true;
    }
    for (const [id, address] of framed) {
      const link = document.getElementById(id)?.querySelector("a[data-frame]");
      if (link) frame(link, address);
    }
    if (atEnd) stream.scrollTop = stream.scrollHeight;
    showHere();
  }
  addEventListener("focus", () => {
    missed = 0;
    badge();
    ask();
  });
  document.addEventListener("visibilitychange", () => document.hidden || ask());

  // Notifications of the browser: only where the reader has asked for them.
  const wanted = () => "Notification" in window && Notification.permission === "granted" && localStorage.getItem("inbox-notify") === "on";
  function showBell() {
    const bell = find("#notify");
    if (!bell || !("Notification" in window)) return;
    bell.hidden = false;
    bell.setAttribute("aria-pressed", String(wanted()));
  }
  document.addEventListener("click", async (event) => {
    if (!event.target.closest("#notify")) return;
    if (wanted()) localStorage.removeItem("inbox-notify");
    else if ((await Notification.requestPermission()) === "granted") localStorage.setItem("inbox-notify", "on");
    showBell();
  });
  function notify(row) {
    if (!wanted() || (document.hasFocus() && !document.hidden)) return;
    const { who, subject, id } = row.dataset, url = find(".queue-link", row).href;
    const note = new Notification(who, { body: subject, tag: id, icon: find("link[rel=icon]").href });
    note.onclick = () => {
      focus();
      location.assign(url);
    };
  }
  showBell();

  // Opening a ticket beside the queue; on a phone its row is a link to its page.
  function markOpen() {
    for (const row of all(".queue-row")) {
      const open = row.dataset.id === openId();
      row.classList.toggle("is-open", open);
      find(".queue-link", row).setAttribute("aria-current", open);  // an empty value would say that it is not
      if (open) row.classList.remove("is-new");
    }
  }
  // A key that is meant for the ticket while an answer is under way waits for it, with all that is typed behind it: what it opened would
  // be replaced at once.
  let underway = false, waiting = [];
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target?.id === "ticket") underway = true;
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.target?.id !== "ticket" || event.detail.successful) return;
    underway = false;
    waiting = [];
  });
  async function openTicket(url) {
    keepDraft(true);
    left = openId();
    typedAt = 0;
    here = [];
    await htmx.ajax("GET", url, { target: "#ticket", swap: "innerHTML" });
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".queue-link");
    if (!link || !wide.matches || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    openTicket(link.href);
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (!sent || event.detail.target?.id !== "ticket") return;
    document.activeElement?.blur(); // htmx gives the box its focus back: keys are meant for the ticket again, at once
    sent = false;
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.elt?.id === "queue") {
      markOpen();
      countPicked();
      showBell();
    }
    if (event.detail.target?.id !== "ticket") return;
    inbox.classList.toggle("inbox-open", Boolean(openId()));
    const subject = find("#ticket-subject");
    if (subject) document.title = `${subject.textContent} · ${document.title.split(" · ").pop()}`;
    badge();
    toEnd();
    markOpen();
    ask();
    underway = false;
    waiting.splice(0).forEach(retype);
  });
  function toEnd() {
    const stream = find("#ticket-stream");
    if (!stream) return;
    const asked = location.hash && document.getElementById(location.hash.slice(1));
    if (asked && stream.contains(asked)) asked.scrollIntoView();
    else if (wide.matches) stream.scrollTop = stream.scrollHeight;
  }

  // Drafts: kept when the writer pauses, and before they turn elsewhere.
  let pause;
  function keepDraft(now = false) {
    clearTimeout(pause);
    const form = find("#composer");
    if (!form || form.dataset.dirty !== "yes") return;
    const send = async () => {
      form.dataset.dirty = "no";
      const body = new URLSearchParams({ body: form.elements.body.value, mode: form.elements.mode.value });
      let kept = false;
      try {
        kept = (await fetch(form.dataset.draft, { method: "POST", headers, body, keepalive: body.toString().length < 60000 })).ok;
      } catch {
        kept = false;
      }
      if (!kept) form.dataset.dirty = "yes";
      const state = find("#draft-state", form);
      if (state) state.textContent = kept ? inbox.dataset.kept : inbox.dataset.notKept;
    };
    if (now) send();
    else pause = setTimeout(send, 700);
  }
  document.addEventListener("input", (event) => {
    if (event.target.id !== "composer-body") return;
    const begins = Date.now() - typedAt > 6000;
    typedAt = Date.now();
    event.target.form.dataset.dirty = "yes";
    keepDraft();
    if (begins) ask();
  });
  document.addEventListener("change", (event) => {
    const form = event.target.closest("#composer");
    if (form && event.target.name === "mode" && form.elements.body.value) {
      form.dataset.dirty = "yes";
      keepDraft();
    }
    if (form && event.target.name === "attached") {
      const chosen = find(".composer-chosen", form);
      chosen.dataset.empty ??= chosen.textContent;
      chosen.textContent = event.target.files.length ? [...event.target.files].map((file) => file.name).join(", ") : chosen.dataset.empty;
    }
    if (event.target.matches("input[name=selected], input[name=all_matching]")) countPicked();
  });
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "composer") return;
    clearTimeout(pause);
    event.target.dataset.dirty = "no";
    typedAt = 0;
    sent = true;
  });
  addEventListener("pagehide", () => keepDraft(true));
  function countPicked() {
    const label = find(".queue-bulk .bulk-count");
    if (!label) return;
    const everything = find("input[name=all_matching]:checked");
    const count = everything ? everything.dataset.count : all("input[name=selected]:checked").length;
    label.textContent = told(label.dataset.picked, { count });
  }

  // A mail as it was formatted: in a frame in which nothing runs, its pictures from elsewhere only when asked for.
  function frame(link, address) {
    const box = link.closest(".msg-whole");
    const shown = box.nextElementSibling?.matches("iframe") ? box.nextElementSibling : null;
    if (shown && shown.getAttribute("src") === address) return shown.remove();
    const one = shown || document.createElement("iframe");
    one.className = "msg-frame";
    one.title = link.dataset.title;
    one.setAttribute("sandbox", "allow-popups allow-popups-to-escape-sandbox");
    one.referrerPolicy = "no-referrer";
    one.src = address;
    box.after(one);
    if (find("[data-with-images]", box)) return;
    const more = document.createElement("button");
    more.type = "button";
    more.className = "btn btn-quiet";
    more.dataset.withImages = "";
    more.textContent = link.dataset.images;
    more.addEventListener("click", () => {
      frame(link, `${link.getAttribute("href")}?images=1`);
      more.remove();
    });
    box.append(more);
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-frame]");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    frame(link, link.getAttribute("href"));
  });

  // What a step needs to be told: a link to its page, whose form is shown here. What is typed meanwhile is meant for it.
  let opening = false;
  async function openDialog(url) {
    all("details.pop[open]").forEach((details) => (details.open = false));
    opening = true;
    const dialog = find("#dialog"), html = await fetched(url, "dialog");
    opening = false;
    const typed = waiting.splice(0);
    if (html === null) return location.assign(url);
    if (!dialog.isConnected) return;
    show(dialog, html);
    dialog.showModal();
    typed.forEach(retype);
  }
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.button) {
      event.preventDefault();
      if (!opening) openDialog(opener.href);
    }
    if (event.target.closest(".talk-about")) {
      event.preventDefault();
      if (find("#ticket").classList.toggle("about-shown") || wide.matches) find("#about").focus();
      if (!wide.matches) find("#about").scrollIntoView();
    }
    if (event.target.closest("dialog [data-close]")) {
      event.preventDefault();
      event.target.closest("dialog").close();
    }
  });

  // The keyboard: a key presses what says that it is its own.
  const places = { gh: '.nav-entry[href$="/manage/"]', ga: '.nav-entry[href$="/affiliates/"]' };
  let leader = 0;
  function step(by) {
    const rows = all(".queue-row");
    if (!rows.length) return;
    let now = rows.findIndex((row) => row.classList.contains("row-current"));
    if (now < 0) now = rows.findIndex((row) => row.classList.contains("is-open"));
    const next = rows[Math.min(Math.max(now + by, 0), rows.length - 1)];
    all(".row-current").forEach((row) => row.classList.remove("row-current"));
    next.classList.add("row-current");
    next.scrollIntoView({ block: "nearest" });
    find(".queue-link", next).focus({ preventScroll: true });
  }
  function press(element) {
    if (element.matches("input[type=radio]")) {
      element.checked = true;
      element.dispatchEvent(new Event("change", { bubbles: true }));
      const box = find("#composer-body");
      box.focus();
      box.setSelectionRange(box.value.length, box.value.length);
    } else if (element.matches("input, textarea")) {
      element.focus();
      element.select();
    } else if (element.matches("summary")) {
      element.parentElement.open = true;
      find("button, input, select, a", element.nextElementSibling)?.focus();
    } else {
      element.click();
    }
  }
  const keys = {
    j: () => step(1),
    k: () => step(-1),
    o: () => find(".row-current .queue-link")?.click(),
    Enter: () => find(".row-current .queue-link")?.click(),
    x: () => find(".row-current input[name=selected]")?.click(),
  };
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && event.target.closest("#composer")) {
      event.preventDefault();
      find("#send").click();
      return;
    }
    if (event.key === "Escape") {
      find("#ticket").classList.remove("about-shown");
      if (event.target.matches("textarea, input")) event.target.blur();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, dialog, [contenteditable]")) return;
    if (event.key === "Enter" && !waiting.length && event.target.closest("a, button, summary")) return;
    if (stroke(event.key)) event.preventDefault();
  });
  function stroke(key) {
    if (key.length > 1 && !keys[key]) return false;
    if (waiting.length) return waiting.push(key === "Enter" ? "\n" : key);
    if (key === "g") {
      leader = Date.now();
      return false;
    }
    const after = Date.now() - leader < 1500 ? "g" : "";
    leader = 0;
    const element = find(`[data-key="${CSS.escape(after + key)}"]`) || (places[after + key] && find(places[after + key]));
    if (opening || underway && (element ? element.closest("#ticket") : !keys[key])) return waiting.push(key);
    if (element) press(element);
    else if (!after && keys[key]) keys[key]();
    else return false;
    return true;
  }
  function retype(key) {
    const box = document.activeElement;
    if (!box?.matches("textarea, input[type=search], input[type=text]")) return stroke(key);
    box.setRangeText(key, box.selectionStart, box.selectionEnd, "end");
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }

  toEnd();
  ask();
})();
