// Paper cannot be unfolded: open what is folded while printing, and fold it again.
(() => {
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    folded.forEach((box) => (box.open = true));
  });
  addEventListener("afterprint", () => folded.forEach((box) => (box.open = false)));
})();
// A picture wider than the screen first shows where most is going on, as soon as it is unfolded.
(() => {
  const seen = new WeakSet();
  const show = (box) => {
    if (seen.has(box) || box.closest("details:not([open])")) return;
    seen.add(box);
    box.scrollLeft = Number(box.dataset.focus) * box.scrollWidth - box.clientWidth / 2;
  };
  const showAll = (within) => within.querySelectorAll("[data-focus]").forEach(show);
  addEventListener("toggle", (event) => showAll(event.target), true);
  showAll(document);
})();
