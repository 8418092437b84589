// What a term or a citation means, shown beside its link while the pointer or the focus is on it; Escape puts it away.

const LINKS = 'article a[href*="glossary.html#term-"], article a[href*="bibliography.html#"]';
const WAIT = 250; // ms: a pointer that passes by asks nothing

const pages = new Map();
const hint = Object.assign(document.createElement("div"), { className: "hint", id: "hint", hidden: true });
hint.setAttribute("role", "tooltip");
document.body.append(hint);

let timer;
let asked = null;

async function meaning(link) {
  const { origin, pathname, hash, href } = new URL(link.href);
  if (pathname === location.pathname) return null; // it stands on this page
  if (!pages.has(pathname)) {
    pages.set(pathname, fetch(origin + pathname).then((page) => page.text()).then((text) => new DOMParser().parseFromString(text, "text/html")));
  }
  const entry = (await pages.get(pathname)).getElementById(decodeURIComponent(hash.slice(1)));
  const said = entry?.tagName === "DT" ? entry.nextElementSibling : entry;
  if (!said) return null;
  const copy = said.cloneNode(true);
  copy.querySelectorAll(".headerlink, .label, .backrefs, [role=doc-backlink]").forEach((part) => part.remove());
  return copy.textContent.trim().replace(/\s+/g, " ");
}

async function show(link) {
  asked = link;
  const text = await meaning(link).catch(() => null); // pages opened as files can't be fetched: the link is enough
  if (!text || asked !== link) return;
  hint.replaceChildren(Object.assign(document.createElement("p"), { textContent: text }));
  hint.hidden = false;
  const at = link.getClientRects()[0];
  const left = Math.max(8, Math.min(at.left, document.documentElement.clientWidth - hint.offsetWidth - 8));
  const below = at.bottom + hint.offsetHeight < innerHeight;
  hint.style.left = `${left + scrollX}px`;
  hint.style.top = `${(below ? at.bottom : at.top - hint.offsetHeight) + scrollY}px`;
  link.setAttribute("aria-describedby", "hint");
}

function hide() {
  clearTimeout(timer);
  asked?.removeAttribute("aria-describedby");
  asked = null;
  hint.hidden = true;
}

function later(action, ...words) {
  clearTimeout(timer);
  timer = setTimeout(action, WAIT, ...words);
}

for (const link of document.querySelectorAll(LINKS)) {
  link.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && later(show, link));
  link.addEventListener("pointerleave", () => later(hide));
  link.addEventListener("focus", () => link.matches(":focus-visible") && show(link));
  link.addEventListener("blur", hide);
}
hint.addEventListener("pointerenter", () => clearTimeout(timer)); // it may be read, and selected
hint.addEventListener("pointerleave", () => later(hide));
addEventListener("keydown", (event) => event.key === "Escape" && hide());
