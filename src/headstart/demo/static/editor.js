// Words are chosen by a click, or by drawing over them, and get the slot label that is pressed then.
let from = null;

const wordAt = (event) => {
  const found = document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-word]");
  return found && element.contains(found) ? Number(found.dataset.word) : null;
};
const range = (to) => ({ first: Math.min(from, to), last: Math.max(from, to) });

function mark({ first, last }) {
  for (const word of element.querySelectorAll("[data-word]")) {
    const number = Number(word.dataset.word);
    word.classList.toggle("hs-is-chosen", first <= number && number <= last);
  }
}

element.addEventListener("pointerdown", (event) => {
  from = wordAt(event);
  if (from === null) return;
  event.preventDefault();
  mark(range(from));
});
element.addEventListener("pointermove", (event) => {
  const to = from === null ? null : wordAt(event);
  if (to !== null) mark(range(to));
});
window.addEventListener("pointerup", (event) => {
  if (from === null) return;
  const chosen = range(wordAt(event) ?? from);
  from = null;
  props.value = { ...props.value, chosen };
});
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-label]");
  const { chosen, spans } = props.value;
  if (button === null || chosen === null) return;
  const rest = spans.filter(({ first, last }) => last < chosen.first || first > chosen.last);
  const added = button.dataset.label === "none" ? [] : [{ ...chosen, label: Number(button.dataset.label) }];
  props.value = { ...props.value, spans: [...rest, ...added].sort((one, other) => one.first - other.first), chosen: null };
});
