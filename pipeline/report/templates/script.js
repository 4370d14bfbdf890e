"use strict";
(() => {
  const cards = [...document.querySelectorAll("#cells details.card")];
  const tools = document.querySelector(".tools");
  const find = document.getElementById("find");
  const found = document.getElementById("found");
  const reveal = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (target && target.matches("details")) {
      target.hidden = false;
      target.open = true;
      target.scrollIntoView();
    }
  };
  const search = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const card of cards) {
      const text = card.textContent.toLowerCase();
      card.hidden = !words.every((word) => text.includes(word));
      count += card.hidden ? 0 : 1;
    }
    found.textContent = words.length ? `${count} of ${cards.length}` : "";
  };
  if (!tools) return;
  tools.hidden = false;
  find.addEventListener("input", search);
  const all = (open) => () => cards.forEach((card) => { card.open = open && !card.hidden; });
  document.getElementById("open-all").addEventListener("click", all(true));
  document.getElementById("close-all").addEventListener("click", all(false));
  addEventListener("hashchange", reveal);
  reveal();
})();
