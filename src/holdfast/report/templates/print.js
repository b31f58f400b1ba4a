// Paper cannot be unfolded: open what is folded while printing, and fold it again.
(() => {
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    folded.forEach((box) => (box.open = true));
  });
  addEventListener("afterprint", () => folded.forEach((box) => (box.open = false)));
})();
