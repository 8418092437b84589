// Figures on a narrow screen: a tap shows one as wide as it was drawn, in a box that scrolls; another tap, as before.

const narrow = matchMedia("(max-width: 600px)");

for (const picture of document.querySelectorAll("article .cell_output img:not(.on-dark)")) {
  const twin = picture.nextElementSibling?.matches("img.on-dark") ? [picture.nextElementSibling] : [];
  const box = document.createElement("div");
  const button = document.createElement("button");
  const turn = () => {
    const large = box.classList.toggle("enlarged");
    button.setAttribute("aria-pressed", large);
    large ? box.setAttribute("tabindex", "0") : box.removeAttribute("tabindex"); // a keyboard scrolls it, too
  };
  picture.before(box);
  box.append(picture, ...twin);
  box.after(button);
  button.className = "enlarge";
  button.type = "button";
  button.textContent = "Large figure";
  button.setAttribute("aria-pressed", false);
  button.onclick = turn;
  box.onclick = () => narrow.matches && turn();
}
