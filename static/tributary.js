/* What pages gain with a script: theme, copying, charts, list keys, asking before what cannot be undone. Every page reads without it. */
(() => {
  "use strict";
  const root = document.documentElement;
  const within = (node, selector) => [...(node.matches?.(selector) ? [node] : []), ...node.querySelectorAll(selector)];

  // Theme: a cookie, so that the server sends the page in the right colours at once.
  function chooseTheme(name) {
    document.cookie = `theme=${name}; path=/; max-age=${name ? 31536000 : 0}; samesite=lax`;
    if (name) root.dataset.bsTheme = name;
    else delete root.dataset.bsTheme;
    markTheme();
    document.querySelectorAll("canvas[data-chart]").forEach(draw);
  }
  function markTheme() {
    const now = root.dataset.bsTheme || "";
    document.querySelectorAll("[data-theme-choice]").forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.themeChoice === now)));
  }

  // Charts: Chart.js is fetched only where a chart stands.
  let chartScript;
  function loadCharts() {
    chartScript ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = document.body.dataset.chartScript;
      script.onload = resolve;
      script.onerror = reject;
      document.head.append(script);
    });
    return chartScript;
  }
  function colour(canvas, name) {
    // Computed colours of light-dark() pairs are only resolved on a real property.
    const probe = document.createElement("span");
    probe.style.color = `var(${name})`;
    canvas.parentElement.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  }
  async function draw(canvas) {
    await loadCharts();
    const data = JSON.parse(document.getElementById(canvas.dataset.chart).textContent);
    window.Chart.getChart(canvas)?.destroy();
    const ink = colour(canvas, "--ink-2"), line = colour(canvas, "--line"), panel = colour(canvas, "--panel"), strong = colour(canvas, "--ink");
    const bars = data.kind === "bar";
    const short = new Intl.NumberFormat(root.lang, { notation: "compact", maximumFractionDigits: 1, ...(data.currency && { style: "currency", currency: data.currency }) });
    new window.Chart(canvas, {
      type: data.kind,
      data: {
        labels: data.labels,
        datasets: data.series.map((series, n) => {
          const paint = colour(canvas, series.compared ? "--chart-compared" : `--chart-${(n % 6) + 1}`);
          return {
            label: series.label, data: series.values, texts: series.texts, borderColor: paint, backgroundColor: paint,
            borderWidth: bars ? 0 : 2, borderDash: series.compared ? [4, 4] : [], pointRadius: data.labels.length === 1 ? 3 : 0, pointHoverRadius: 4,
            tension: 0.25, cubicInterpolationMode: "monotone", borderRadius: bars ? 3 : 0, maxBarThickness: 36, order: series.compared ? 1 : 0,
            segment: { borderDash: (part) => (data.unfinished && !series.compared && part.p1DataIndex === data.labels.length - 1 ? [2, 3] : undefined) },
          };
        }),
      },
      options: {
        responsive: true, maintainAspectRatio: false, animation: false, interaction: { mode: "index", intersect: false },
        font: { family: getComputedStyle(document.body).fontFamily },
        scales: {
          x: { stacked: data.stacked, grid: { display: false }, border: { color: line }, ticks: { color: ink, maxRotation: 0, autoSkipPadding: 24, font: { size: 11 } } },
          y: { stacked: data.stacked, beginAtZero: true, border: { display: false }, grid: { color: line }, ticks: { color: ink, maxTicksLimit: 5, padding: 8, font: { size: 11 }, callback: (v) => short.format(v) } },
        },
        plugins: {
          legend: { display: false },
          tooltip: {
            backgroundColor: panel, titleColor: strong, bodyColor: strong, footerColor: ink, borderColor: line, borderWidth: 1, padding: 10, boxWidth: 8, boxHeight: 8, usePointStyle: true,
            callbacks: { label: (item) => ` ${item.dataset.label}: ${item.dataset.texts[item.dataIndex]}`, footer: (items) => data.notes[items[0]?.dataIndex] || (items[0]?.dataIndex === data.labels.length - 1 ? data.unfinished : "") },
          },
        },
      },
      plugins: [{
        id: "notes",
        afterDatasetsDraw(chart) {
          const { ctx, chartArea, scales } = chart;
          Object.keys(data.notes).forEach((index) => {
            const x = scales.x.getPixelForValue(Number(index));
            ctx.save();
            ctx.strokeStyle = ink;
            ctx.setLineDash([2, 3]);
            ctx.beginPath();
            ctx.moveTo(x, chartArea.top);
            ctx.lineTo(x, chartArea.bottom);
            ctx.stroke();
            ctx.restore();
          });
        },
      }],
    });
  }

  // Times: what was relative when the page came keeps up; a click swaps it with the exact time.
  const steps = [["hour", 3600], ["minute", 60], ["second", 1]];
  function refreshTimes() {
    const format = new Intl.RelativeTimeFormat(root.lang, { numeric: "always" });
    document.querySelectorAll("time[data-relative]").forEach((time) => {
      const seconds = (new Date(time.dateTime) - Date.now()) / 1000;
      const [unit, size] = steps.find(([, size]) => Math.abs(seconds) >= size) || steps[2];
      time.textContent = format.format(Math.trunc(seconds / size), unit);
    });
  }

  // Asking first. Without a script the form is sent at once, and its page says what was done.
  function ask(form, submitter, words) {
    const dialog = document.getElementById("confirm");
    const yes = dialog.querySelector("[data-confirm-yes]");
    const count = chosen(form);
    dialog.querySelector("#confirm-question").textContent = (count === 1 && submitter?.dataset.confirmOne || words).replace("{count}", told(count));
    yes.textContent = submitter?.textContent.trim() || yes.textContent;
    yes.className = `btn ${submitter?.classList.contains("btn-danger") ? "btn-danger" : "btn-primary"}`;
    dialog.returnValue = "no";
    dialog.addEventListener("close", () => {
      if (dialog.returnValue !== "yes") return;
      form.dataset.confirmed = "yes";
      form.requestSubmit(submitter?.form === form ? submitter : undefined);
    }, { once: true });
    dialog.showModal();
  }
  function chosen(form) {
    const all = [...form.elements].find((e) => e.name === "all_matching" && e.checked);
    return all ? Number(all.dataset.count) : [...form.elements].filter((e) => e.name === "selected" && e.checked).length;
  }
  const told = (count) => new Intl.NumberFormat(root.lang).format(count);
  document.addEventListener("submit", (event) => {
    const form = event.target, words = event.submitter?.dataset.confirm || form.dataset.confirm;
    if (!words) return;
    if (form.dataset.confirmed) {
      delete form.dataset.confirmed;
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    ask(form, event.submitter, words);
  }, true);

  // Lists: what is chosen, and the keys.
  function countPicked(listing) {
    const label = listing?.querySelector(".bulk-count");
    if (!label) return;
    const boxes = [...listing.querySelectorAll("input[name=selected]")], picked = boxes.filter((box) => box.checked).length;
    const everything = listing.querySelector("input[name=all_matching]:checked");
    label.textContent = label.dataset.picked.replace("{count}", told(everything ? everything.dataset.count : picked));
    const all = listing.querySelector("[data-pick-all]");
    all.checked = picked === boxes.length;
    all.indeterminate = picked > 0 && picked < boxes.length;
  }
  document.addEventListener("change", (event) => {
    const listing = event.target.closest(".listing");
    if (event.target.matches("[data-pick-all]")) listing.querySelectorAll("input[name=selected]").forEach((box) => (box.checked = event.target.checked));
    countPicked(listing);
  });
  function step(by) {
    const rows = [...document.querySelectorAll("[data-rows] tbody tr")];
    if (!rows.length) return;
    const now = rows.findIndex((row) => row.classList.contains("row-current"));
    const next = rows[Math.min(Math.max(now + by, 0), rows.length - 1)];
    rows[now]?.classList.remove("row-current");
    next.classList.add("row-current");
    next.scrollIntoView({ block: "nearest" });
    next.querySelector("a, input")?.focus({ preventScroll: true });
  }
  const keys = {
    j: () => step(1),
    k: () => step(-1),
    x: () => document.querySelector(".row-current input[name=selected]")?.click(),
    Enter: () => { const row = document.querySelector(".row-current[data-url]"); if (row) location.assign(row.dataset.url); },
    "/": () => document.getElementById("listing-search")?.focus(),
    "?": () => document.getElementById("shortcuts").showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closePops(null, true);
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      const search = document.querySelector('[data-hotkey="ctrl+k"]');
      if (search) { event.preventDefault(); search.click(); }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=checkbox]), textarea, select, dialog, [contenteditable]")) return;
    if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
    if (!keys[event.key] || (event.key !== "?" && !document.querySelector("[data-rows], #listing-search"))) return;
    event.preventDefault();
    keys[event.key]();
  });

  // Open details close when the reader turns elsewhere.
  function closePops(target, refocus = false) {
    document.querySelectorAll("details.pop[open], details.why[open]").forEach((details) => {
      if (target && details.contains(target)) return;
      if (refocus && details.contains(document.activeElement)) details.querySelector("summary").focus();
      details.open = false;
    });
  }
  document.addEventListener("click", async (event) => {
    closePops(event.target);
    const at = (selector) => event.target.closest(selector);
    const choice = at("[data-theme-choice]"), copy = at("[data-copy]"), time = at("time.when");
    if (choice) chooseTheme(choice.dataset.themeChoice);
    if (at("[data-dismiss]")) at(".note").remove();
    if (at("[data-print]")) print();
    if (copy) {
      await navigator.clipboard.writeText(copy.dataset.copy);
      say(document.body.dataset.copied);
      copy.classList.add("copied");
      setTimeout(() => copy.classList.remove("copied"), 1500);
    }
    if (time && !at("a")) {
      const text = time.textContent;
      time.removeAttribute("data-relative");
      time.textContent = time.title;
      time.title = text;
    }
  });
  document.addEventListener("toggle", (event) => {
    const panel = event.target.matches?.("details.pop[open]") && event.target.querySelector(".pop-panel");
    if (panel && panel.getBoundingClientRect().right > innerWidth) panel.classList.add("pop-end");
  }, true);
  const say = (text) => (document.getElementById("announcer").textContent = text);

  // htmx: only the list is swapped. An answer to what is no longer typed is dropped: the next one is on its way.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const box = document.getElementById("listing-search");
    const sent = event.detail.requestConfig?.parameters;
    if (box && document.activeElement === box && sent && "q" in sent && sent.q !== box.value) event.detail.shouldSwap = false;
  });
  document.addEventListener("htmx:afterSwap", () => {
    const listing = document.getElementById("listing");
    if (listing) say(listing.dataset.announce);
  });

  // Where tabs are wider than the screen, the one that is open is not the one beyond its edge.
  function showTab(tab) {
    const tabs = tab.parentElement, beyond = tab.getBoundingClientRect().right - tabs.getBoundingClientRect().right;
    if (beyond > 0) tabs.scrollLeft += beyond;
  }

  // On a phone such a table is told row by row, each value beside its heading; what is empty or nought is left out.
  function tellRows(table) {
    if (!table.tHead) return;
    const headings = [...table.tHead.rows[0].cells].map((cell) => (cell.querySelector(".visually-hidden") ? "" : cell.textContent.trim()));
    for (const row of table.tBodies[0].rows) {
      [...row.cells].forEach((cell, n) => {
        cell.dataset.label = headings[n];
        cell.classList.toggle("is-none", ["", "—", "0"].includes(cell.textContent.trim()) && !cell.querySelector("a, button"));
      });
    }
    table.classList.add("is-told");
  }

  function prepare(node) {
    document.querySelectorAll(".by-rows table.data").forEach(tellRows);
    within(node, "[data-copy][hidden], [data-dismiss][hidden], [data-print][hidden], [data-themes][hidden], [data-pick-all][hidden]").forEach((e) => (e.hidden = false));
    within(node, "canvas[data-chart]").forEach(draw);
    markTheme();
    within(node, ".tabs [aria-current]").forEach(showTab);
    document.querySelectorAll(".listing").forEach(countPicked);
  }
  prepare(document.body);
  document.querySelector("main .is-invalid")?.focus(); // a refused form is mended where it is wrong
  document.addEventListener("htmx:load", (event) => event.detail.elt !== document.body && prepare(event.detail.elt));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => root.dataset.bsTheme || document.querySelectorAll("canvas[data-chart]").forEach(draw));
  setInterval(refreshTimes, 60000);

  // A menu that is longer than the window shows where the reader is, with what stands under it.
  const here = document.querySelector(".sidebar [aria-current]");
  const list = here?.closest(".nav-sections");
  if (list && here.getBoundingClientRect().bottom > list.getBoundingClientRect().bottom - 150) {
    list.scrollTop += here.getBoundingClientRect().top - list.getBoundingClientRect().top - list.clientHeight / 2;
  }
})();
