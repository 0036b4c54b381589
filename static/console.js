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

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (event.target.closest("input, textarea, select")) return;
  if (event.key === "Enter" && event.target.matches("article.card")) {
    event.target.querySelector("button")?.focus();
    event.preventDefault();
  } else if (keys[event.key]) {
    keys[event.key]();
    event.preventDefault();
  }
});
