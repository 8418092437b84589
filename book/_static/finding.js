// Find while one types: in the dialog behind the search button, and on the page search.html.

const root = new URL(document.documentElement.dataset.content_root, location.href);
const SHOWN = 8;
const READ = 16; // among these, a chapter that introduces a term comes first, then the other chapters

let engine;
const load = () => (engine ??= import(new URL("pagefind/pagefind.js", root).href));

function element(tag, content, properties = {}) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...[content].flat());
  return made;
}

function entry(page) {
  const item = element("li", element("a", page.meta.title.replace(/#$/, ""), { href: page.url }));
  const excerpt = element("p", []);
  excerpt.innerHTML = page.excerpt; // Pagefind escapes the page's text; it marks the words that were found
  item.append(excerpt);
  const parts = page.sub_results.filter((part) => part.url !== page.url).slice(0, 2);
  if (parts.length) {
    item.append(element("p", parts.flatMap((part) => [element("a", part.title.replace(/#$/, ""), { href: part.url }), " "]), { className: "found-parts" }));
  }
  return item;
}

const plain = (words) => words.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();

function inOrder(pages, words) {
  const asked = plain(words);
  const introduces = (page) => (page.meta.terms ?? "").split("; ").some((term) => term === asked || (asked.length > 3 && (term.startsWith(asked) || term.endsWith(` ${asked}`))));
  const named = (page) => /\/notebooks\/\d/.test(page.url) && ` ${plain(page.meta.title)} `.includes(` ${asked} `);
  const place = (page) => (introduces(page) || named(page) ? 0 : /\/notebooks\/\d/.test(page.url) ? 1 : 2);
  const first = (one, other) => (place(one) ? 0 : one.url.localeCompare(other.url)); // of two that introduce it
  return pages.toSorted((one, other) => place(one) - place(other) || first(one, other)); // others in Pagefind's order
}

async function find(words, place) {
  const status = place.querySelector("[role=status]");
  const list = place.querySelector("ol");
  if (!words.trim()) {
    status.textContent = "";
    list.replaceChildren();
    return;
  }
  let found;
  try {
    found = await (await load()).debouncedSearch(words, {}, 150);
  } catch {
    status.textContent = "The search needs these pages to come from a server: python3 course.py book --serve";
    return;
  }
  if (found === null) return; // more was typed
  const pages = await Promise.all(found.results.slice(0, READ).map((result) => result.data()));
  list.replaceChildren(...inOrder(pages, words).slice(0, SHOWN).map(entry));
  status.dataset.words = words; // these results are of these words
  const n = found.results.length;
  status.textContent = n === 0 ? `Nothing about “${words}”.` : `${n} ${n === 1 ? "page" : "pages"}${n > SHOWN ? `; the first ${SHOWN}` : ""}`;
}

function place() {
  const made = element("div", [element("p", [], { role: "status" }), element("ol", [])], { className: "found" });
  made.firstChild.setAttribute("role", "status");
  return made;
}

const input = document.querySelector("#pst-search-dialog input[name=q]");
if (input) {
  const below = place();
  input.form.after(below);
  input.addEventListener("focus", () => load().catch(() => {}), { once: true });
  input.addEventListener("input", () => find(input.value, below));
  input.form.addEventListener("submit", (event) => {
    const first = below.querySelector("a");
    if (first) {
      event.preventDefault();
      first.click();
    }
  });
}

const results = document.querySelector("#search-results");
if (results) {
  const below = place();
  results.replaceChildren(below);
  const field = document.querySelector("article input[name=q], main input[name=q]") ?? input;
  field.value = new URLSearchParams(location.search).get("q") ?? "";
  field.addEventListener("input", () => find(field.value, below));
  find(field.value, below);
}
