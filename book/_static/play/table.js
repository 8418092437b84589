// A table below a figure: filtered while one types, sorted by a click on a column's name, of many rows the first ten.
//
// A module with a table exports  table  {caption, filter: label of the field, hint, columns: [{name, digits?}], sortedBy}
// and  rows (result) -> [[cell, ...], ...];  what is typed is `filter` in its state. A cell may be undefined.

const SHOWN = 10;

// Rows in the order of a column; those without a value come last.
export function sorted(rows, column, falling) {
  const order = (one, two) => (typeof one === "string" ? one.localeCompare(two) : one - two) * (falling ? -1 : 1);
  return [...rows].sort(({[column]: one}, {[column]: two}) => (one === undefined) - (two === undefined) || order(one, two));
}

// Does a row hold all the words that were typed? The beginning of a word will do, but what is a whole word is no beginning.
export function matches(typed, words, vocabulary) {
  const asked = typed.toLowerCase().split(/[\s,]+/).filter(Boolean);
  return asked.every((part) => words.some((word) => (vocabulary.has(part) ? word === part : word.startsWith(part))));
}

// Says something where a screen reader listens, once.
export const say = (node, text) => node.text() !== text && node.text(text);

// Adds the table; returns what shows rows in it.
export function addTable(body, {caption, filter, hint, columns, sortedBy}, set, id) {
  let [rows, by, falling] = [[], sortedBy, true];
  const box = body.append("div").attr("class", "play-controls").append("div").attr("class", "play-control");
  box.append("label").attr("for", id).text(filter);
  box.append("input").attr("type", "search").attr("id", id).attr("placeholder", hint).attr("autocomplete", "off")
    .on("input", (event) => set({filter: event.target.value}));
  const count = body.append("p").attr("class", "play-reading").attr("role", "status");
  const table = body.append("table").attr("class", "play-table");
  table.append("caption").text(caption);
  const heads = table.append("thead").append("tr").selectAll("th").data(columns).join("th").attr("scope", "col");
  heads.append("button").attr("type", "button").text(({name}) => name).on("click", (_, column) => {
    const now = columns.indexOf(column);
    falling = now === by ? !falling : "digits" in column; // the highest accuracy first, but the first letter
    by = now;
    show();
  });
  const lines = table.append("tbody");

  function show() {
    const order = rows.some((row) => typeof row[by] === "string") ? ["from a to z", "from z to a"] : ["lowest first", "highest first"];
    const some = rows.length > SHOWN ? `${rows.length} rows; the first ${SHOWN}` : `${rows.length} ${rows.length === 1 ? "row" : "rows"}`;
    say(count, `${some}, by ${columns[by].name.replaceAll("\u00ad", "")}, ${order[+falling]}.`);
    heads.attr("aria-sort", (_, i) => (i !== by ? null : falling ? "descending" : "ascending"));
    lines.selectAll("tr").data(sorted(rows, by, falling).slice(0, SHOWN)).join("tr")
      .selectAll("td").data((row) => row).join("td").text((cell, i) => (cell === undefined ? "" : "digits" in columns[i] ? cell.toFixed(columns[i].digits) : cell));
  }
  return (now) => {
    rows = now;
    show();
  };
}
