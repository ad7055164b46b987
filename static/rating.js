/* One click in the mail is enough: the form sends itself as soon as somebody moves on the page. Mail scanners open links too, some in
   whole browsers; none of them has a hand on a mouse, a screen or a keyboard. The button is there for whoever sits still. */
(() => {
  "use strict";
  const form = document.querySelector("form[data-sends-itself]");
  if (!form) return;
  let sent = false;
  const send = (event) => {
    if (sent || !event.isTrusted) return;
    sent = true;
    form.submit();
  };
  ["pointermove", "touchstart", "keydown", "wheel"].forEach((name) => addEventListener(name, send, { passive: true }));
})();
