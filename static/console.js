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

// What is left of an offer, by the server's clock. A screen reader hears of it at few moments only.
const countdowns = [...document.querySelectorAll("[data-ends]")];
if (countdowns.length > 0) {
  const ahead = Date.now() - Date.parse(countdowns[0].dataset.now);
  const said = document.getElementById("offers-said");
  const moments = [60, 15, 0];
  const tick = () => {
    for (const one of countdowns) {
      const { ends, left: words, over, name } = one.dataset;
      const left = Math.max(0, Math.ceil((Date.parse(ends) + ahead - Date.now()) / 1000));
      const before = one.seconds ?? left;
      one.seconds = left;
      one.textContent = left > 0 ? words.replace("{m}", Math.floor(left / 60)).replace("{s}", left % 60) : over;
      one.classList.toggle("soon", left <= moments[1]);
      if (moments.some((moment) => before > moment && left <= moment)) said.textContent = `${name}: ${one.textContent}`;
    }
  };
  tick();
  setInterval(tick, 1000);
}

const help = document.getElementById("keys");
// A second press while the first one is under way would be a decision on what is decided.
let pressed = false;

// What names a key: on the card that has the focus, or else on no card. Among many cards a key alone says nothing.
function named(kind, key) {
  const all = [...document.querySelectorAll(`[data-${kind}="${key}"]`)];
  const card = document.activeElement?.closest("article.card");
  return all.find((one) => card?.contains(one)) ?? all.find((one) => !one.closest("article.card"));
}

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
  const field = /^[a-z]$/.test(event.key) ? named("focus", event.key) : null;
  if (field) {
    field.focus();
    event.preventDefault();
    return;
  }
  // A button or a link that names the key is pressed by it, once.
  const button = /^[a-z]$/.test(event.key) ? named("key", event.key) : null;
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
