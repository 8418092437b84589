// Filters for the table of claims: by document, verdict, chapter and words. Without scripting the whole table is there.

const rows = [...document.querySelectorAll("table.claims tbody tr")].map((row) => {
  const [claim, verdict, evidence] = row.cells;
  return {
    row,
    document: row.closest("section").querySelector("h2, h3").firstChild.textContent,
    verdict: verdict.textContent.trim(),
    chapter: claim.querySelector("a").textContent.match(/\d+/)[0],
    words: [claim, verdict, evidence].map((cell) => cell.textContent).join(" ").toLowerCase(),
  };
});

const form = document.createElement("form");
form.className = "claim-filters";
form.addEventListener("submit", (event) => event.preventDefault());
const unique = (key) => [...new Set(rows.map((one) => one[key]))];
const chosen = {};

function add(name, control) {
  const label = document.createElement("label");
  label.append(name, control);
  control.addEventListener("input", filter);
  form.append(label);
  return control;
}

function list(name, key, values) {
  const select = document.createElement("select");
  select.append(new Option("all", ""), ...values.map((value) => new Option(value, value)));
  chosen[key] = add(name, select);
}

list("Document", "document", unique("document"));
const tally = [...document.querySelectorAll(".tally li")].map((item) => ({
  verdict: item.textContent.replace(/^\d+\s*/, ""),
  number: item.querySelector("strong"),
  part: document.querySelector(`.tally-bar > .${item.className}`),
}));
const order = tally.map((one) => one.verdict);
list("Verdict", "verdict", unique("verdict").sort((a, b) => order.indexOf(a) - order.indexOf(b)));
list("Chapter", "chapter", unique("chapter").sort((a, b) => a - b));
const search = Object.assign(document.createElement("input"), {type: "search"});
add("Words", search);
const count = document.createElement("p");
count.setAttribute("role", "status");
form.append(count);
document.querySelector(".tally").after(form);

function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const one of rows) {
    const fits = Object.entries(chosen).every(([key, {value}]) => !value || one[key] === value) && words.every((word) => one.words.includes(word));
    one.row.hidden = !fits;
    shown += fits;
  }
  for (const section of document.querySelectorAll("section[id^='claims-']")) {
    section.hidden = !section.querySelector("tbody tr:not([hidden])");
  }
  for (const {verdict, number, part} of tally) {
    number.textContent = part.style.flexGrow = rows.filter((one) => one.verdict === verdict && !one.row.hidden).length;
  }
  count.textContent = `${shown} of ${rows.length} shown.`;
}

filter();
