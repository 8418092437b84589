import {line, scaleLinear, scaleLog} from "./d3.js";
import {mean, number, Random, whole} from "./maths.js";

export const title = "Every row starts in a colour of its own, and nobody reads these genes. How many colours are left?";

const N_GENES = 30;
const N_RUNS = 10;
const LAST = 120;

export const controls = [
  {name: "rows", label: "Rows in the population", values: [12, 24, 48, 96], value: 48},
  {name: "size", label: "Tournament (1: parents by lot)", values: [1, 2, 3, 5, 10], value: 1},
  {name: "crossover", label: "Crossover", values: ["one cut", "none", "a coin for every gene"], value: "one cut"},
  {name: "generation", label: "Generation", values: whole(0, LAST), value: 20, play: 150},
];

// Founders of every gene, generation by generation. A row's merit is a number that its child inherits from its mother
// with a little noise; the genes in colour are read by nobody, and travel with it.
export function evolve(rows, size, crossover, seed) {
  const rng = new Random(seed);
  let merit = rng.normals(rows);
  let founders = whole(0, rows - 1).map((row) => Array(N_GENES).fill(row));
  const film = [founders];
  for (let generation = 1; generation <= LAST; generation++) {
    const parent = () => {
      let winner = rng.below(rows);
      for (let i = 1; i < size; i++) {
        const rival = rng.below(rows);
        if (merit[rival] > merit[winner]) winner = rival;
      }
      return winner;
    };
    const next = whole(1, rows).map(() => {
      const [mother, father] = [parent(), parent()];
      const cut = 1 + rng.below(N_GENES - 1);
      const fromMother = (i) => crossover === "none" || (crossover === "one cut" ? i < cut : rng.uniform() < 0.5);
      return {row: founders[mother].map((who, i) => (fromMother(i) ? who : founders[father][i])), merit: merit[mother] + 0.1 * rng.normal()};
    });
    founders = next.map(({row}) => row);
    merit = next.map((child) => child.merit);
    film.push(founders);
  }
  return film;
}

const left = (founders) => mean(whole(0, N_GENES - 1).map((i) => new Set(founders.map((row) => row[i])).size));
const remembered = new Map();

export function compute({rows, size, crossover, generation}) {
  const key = `${rows} ${size} ${crossover}`;
  if (!remembered.has(key)) {
    const films = whole(1, N_RUNS).map((seed) => evolve(rows, size, crossover, seed));
    const curve = whole(0, LAST).map((g) => mean(films.map((film) => left(film[g]))));
    remembered.set(key, {film: films[0], curve});
  }
  const {film, curve} = remembered.get(key);
  return {founders: film[generation], curve, whole: new Set(film[generation].flat()).size};
}

export function describe({curve, whole: all}, {rows, size, crossover, generation}) {
  const theory = size === 1 && generation > 4 ? ` Theory, for parents by lot: ${number((2 * rows) / generation + 1 / 3, 2)}.` : "";
  const how = size === 1 ? "by lot" : `by tournaments of ${size}`;
  return `Parents ${how}, crossover: ${crossover}. In generation ${generation} a column shows ${number(curve[generation])} of ${rows} colours, mean of ten runs.${theory} ` +
    `In the run that you see ${all} ${all === 1 ? "colour is" : "colours are"} left in all columns together.`;
}

export function draw(stage, {founders, curve}, {rows, generation}) {
  const [one, two] = stage.places(2, 320);
  const table = stage.panel(one, {x: scaleLinear([0, N_GENES], [0, 1]), y: scaleLinear([rows, 0], [0, 1]), xLabel: "gene", yLabel: "row", title: `generation ${generation}`});
  const [wide, high] = [table.width / N_GENES, table.height / rows];
  const cells = founders.flatMap((row, j) => row.map((who, i) => ({who, i, j})));
  table.inside.selectAll("rect").data(cells).join("rect").attr("width", wide + 0.5).attr("height", high + 0.5)
    .attr("x", ({i}) => i * wide).attr("y", ({j}) => j * high)
    .attr("fill", ({who}) => `hsl(${(who * 137.5) % 360} ${45 + 15 * (who % 4)}% ${35 + 12 * (who % 3)}%)`);
  const plot = stage.panel(two, {
    x: scaleLinear([0, LAST], [0, 1]), y: scaleLog([1, 100], [0, 1]), xLabel: "generation", title: "colours left in a column", yTicks: 4, yFormat: "~g",
  });
  const theory = whole(5, LAST).map((t) => [t, Math.max(1, (2 * rows) / t + 1 / 3)]);
  plot.inside.append("path").attr("class", "play-mark").attr("fill", "none").attr("d", line((p) => plot.x(p[0]), (p) => plot.y(p[1]))(theory));
  plot.words("dashed: by lot, in theory", plot.width - 4, 14, "end");
  plot.inside.append("path").attr("class", "play-line tone-evolution").attr("d", line((_, g) => plot.x(g), (count) => plot.y(count))(curve));
  plot.inside.append("circle").attr("class", "play-dot tone-evolution").attr("r", 7).attr("cx", plot.x(generation)).attr("cy", plot.y(curve[generation]));
}
