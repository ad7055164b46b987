/* One click in the mail is enough: the form sends itself once somebody really looks at the page. A scanner only fetches it. */
(() => {
  "use strict";
  const form = document.querySelector("form[data-sends-itself]");
  if (!form) return;
  let sent = false;
  const send = () => {
    if (sent || document.hidden || !document.hasFocus()) return;
    sent = true;
    form.submit();
  };
  setTimeout(send, 300);
  ["visibilitychange", "focus", "pointermove", "touchstart", "keydown"].forEach((name) => addEventListener(name, send, { passive: true }));
})();
