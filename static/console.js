// Comfort only: every page works without this script.
"use strict";

// Times in the reader's own zone; the server writes UTC.
const zoned = new Intl.DateTimeFormat("sv-SE", {
  year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
});
for (const time of document.querySelectorAll("time[datetime]")) {
  const moment = new Date(time.dateTime);
  if (!Number.isNaN(moment.valueOf())) {
    time.title = time.textContent;
    time.textContent = zoned.format(moment);
  }
}

// j and k walk through the cards, o and n through the pages. Enter on a card presses its button.
const cards = [...document.querySelectorAll("article.card")];

function walk(step) {
  const at = cards.findIndex((card) => card.contains(document.activeElement));
  const next = at < 0 ? (step > 0 ? 0 : cards.length - 1) : at + step;
  if (cards[next]) {
    cards[next].focus();
    cards[next].scrollIntoView({ block: "nearest" });
  }
}

const keys = {
  j: () => walk(1),
  k: () => walk(-1),
  o: () => document.querySelector("a[rel=next]")?.click(),
  n: () => document.querySelector("a[rel=prev]")?.click(),
};

// An alert that is being reviewed: the page renews the claim while it is open, and tells when it is left.
const claim = document.getElementById("claim");
if (claim) {
  const told = () => new URLSearchParams({ csrf: claim.elements.csrf.value, generation: claim.elements.generation.value });
  const address = (act) => `/alerts/${claim.dataset.alert}/${act}`;
  const lost = () => { document.getElementById("claim-lost").hidden = false; clearInterval(beat); };
  // A page that nobody touches any more gives its alert up: it is renewed for two leases after the last input.
  let touched = Date.now();
  for (const kind of ["pointerdown", "pointermove", "keydown", "scroll", "visibilitychange"]) {
    document.addEventListener(kind, (event) => { if (event.isTrusted) touched = Date.now(); }, { passive: true });
  }
  const renew = async () => {
    if (Date.now() - touched > claim.dataset.seconds * 2000) return;
    try {
      const answer = await fetch(address("renew"), { method: "POST", body: told() });
      if (!answer.ok) return lost();
      const until = document.getElementById("claim-until");
      until.dateTime = await answer.text();
      until.textContent = zoned.format(new Date(until.dateTime));
    } catch {
      // The server is out of reach for now; the next beat tries again.
    }
  };
  const beat = setInterval(renew, Math.max(5, claim.dataset.seconds / 3) * 1000);
  renew();
  addEventListener("pagehide", () => navigator.sendBeacon(address("leave"), told()));
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  document.getElementById("flagged")?.scrollIntoView({ block: "nearest" });
}

const help = document.getElementById("keys");
// A second press while the first one is under way would be a decision on what is decided.
let pressed = false;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (event.target.closest("input, textarea, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.key === "?" && help) {
    help.open = !help.open;
    event.preventDefault();
    return;
  }
  // A button that names the key is pressed by it, once.
  const button = /^[a-z]$/.test(event.key) ? document.querySelector(`button[data-key="${event.key}"]`) : null;
  if (button) {
    if (!pressed) button.click();
    pressed = true;
    event.preventDefault();
    return;
  }
  if (event.key === "Enter" && event.target.matches("article.card")) {
    event.target.querySelector("button")?.focus();
    event.preventDefault();
  } else if (keys[event.key]) {
    keys[event.key]();
    event.preventDefault();
  }
});
