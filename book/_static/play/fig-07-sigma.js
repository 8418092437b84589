import {line, scaleLinear, scaleLog} from "./d3.js";
import {mean, number, power, Random, steps, whole} from "./maths.js";

export const title = "Set sigma by a rule, or let each row inherit it. What makes each way go wrong: the start, who breeds, luck in the score?";

const N_ROWS = 50;
const N_GENES = 25;
const N_RUNS = 6;
const LAST = 120;
const STARTS = whole(0, 6).map((k) => 10 ** (k / 2 - 2.5));
const BREED = {"the best tenth": 5, "the best fifth": 10, "the better half": 25};
const LUCK = {none: 0, "± 0.02": 0.02, "± 0.1": 0.1};

// Everybody's next sigma. Rows are given by number: the children's mothers, who have a sigma each.
const RULES = {
  "fixed": (sigmas) => sigmas,
  "annealed: to 1/1000": (sigmas) => sigmas.map((sigma) => sigma * 0.001 ** (1 / LAST)),
  "the 1/5 rule": (sigmas, mothers, success) => sigmas.map((sigma) => (success > 0.2 ? sigma / 0.85 : sigma * 0.85)),
  "inherited: self-adaptation": (sigmas, mothers, success, rng) => mothers.map((row) => sigmas[row] * Math.exp(0.2 * rng.normal())),
  "raffled: anybody's": (sigmas, mothers, success, rng) => mothers.map(() => sigmas[rng.below(N_ROWS)] * Math.exp(0.2 * rng.normal())),
};

export const controls = [
  {name: "rule", label: "Sigma is", values: Object.keys(RULES), value: "inherited: self-adaptation"},
  {name: "breed", label: "Who breeds", values: Object.keys(BREED), value: "the best fifth"},
  {name: "luck", label: "Luck in each score", values: Object.keys(LUCK), value: "none"},
  {name: "first", label: "First sigma", values: STARTS, value: STARTS[6], format: (sigma) => number(sigma, 2)},
  {name: "generation", label: "Generation", values: whole(0, LAST), value: LAST, play: 60},
];

// The chapter's task: 25 genes are the weights of a network with eight hidden units, which shall draw a sine. They are
// asked so often that tanh is looked up: between two entries of a table, it is right to five places.
const X = steps(-1, 1, 20);
const SINE = X.map((x) => Math.sin(Math.PI * x));
const TANH = Float64Array.from(steps(-8, 8, 2049).map(Math.tanh));

function tanh(z) {
  const at = Math.min(2047.99, Math.max(0, 128 * (z + 8)));
  const entry = at | 0;
  return TANH[entry] + (at - entry) * (TANH[entry + 1] - TANH[entry]);
}

export function error(genes) {
  let total = 0;
  for (let i = 0; i < X.length; i++) {
    let miss = genes[24] - SINE[i];
    for (let h = 0; h < 8; h++) miss += genes[16 + h] * tanh(genes[h] * X[i] + genes[8 + h]);
    total += miss * miss;
  }
  return total / X.length;
}

// The first rows of a run and the noise of all later ones: the same for all rules and starts, so that only these differ.
const noises = new Map();
function noise(seed) {
  if (!noises.has(seed)) noises.set(seed, Float64Array.from(new Random(1000 + seed).normals((LAST + 2) * N_ROWS * N_GENES)));
  return noises.get(seed);
}

// One run, generation by generation: the median sigma, and the error of the row that looks best. A child takes a step of
// the length of its new sigma; nobody reads sigma itself.
export function evolve(rule, breed, luck, first, seed) {
  const rng = new Random(seed);
  const drawn = noise(seed);
  const drawnFor = (generation, row) => N_GENES * (N_ROWS * generation + row);
  let rows = whole(0, N_ROWS - 1).map((row) => drawn.slice(drawnFor(0, row), drawnFor(0, row + 1)));
  let sigmas = rows.map(() => first);
  let mothersScores = rows.map(() => -Infinity); // low is good, and nobody beats that
  const film = [];
  for (let generation = 0; generation <= LAST; generation++) {
    const errors = rows.map(error);
    const scores = errors.map((value) => value + LUCK[luck] * rng.normal());
    const order = whole(0, N_ROWS - 1).sort((one, two) => scores[one] - scores[two]);
    film.push({sigma: [...sigmas].sort((one, two) => one - two)[N_ROWS / 2 - 1], error: errors[order[0]]});
    const success = mean(scores.map((score, row) => +(score < mothersScores[row])));
    const mothers = rows.map(() => order[rng.below(BREED[breed])]);
    mothersScores = mothers.map((row) => scores[row]);
    sigmas = RULES[rule](sigmas, mothers, success, rng);
    rows = mothers.map((row, child) => {
      const genes = rows[row].slice();
      const at = drawnFor(generation + 1, child);
      for (let i = 0; i < N_GENES; i++) genes[i] += sigmas[child] * drawn[at + i];
      return genes;
    });
  }
  return film;
}

const typical = (values) => 10 ** mean(values.map(Math.log10));
const remembered = new Map();

// For each first sigma both curves, typical of six runs.
export function compute({rule, breed, luck, first, generation}) {
  const key = `${rule} ${breed} ${luck}`;
  if (!remembered.has(key)) {
    remembered.set(key, STARTS.map((start) => {
      const films = whole(1, N_RUNS).map((seed) => evolve(rule, breed, luck, start, seed));
      return ["sigma", "error"].map((what) => whole(0, LAST).map((g) => typical(films.map((film) => film[g][what]))));
    }));
  }
  const curves = remembered.get(key);
  const errors = curves.map(([, errors]) => errors[generation]);
  const chosen = STARTS.indexOf(first);
  const [best, worst] = [Math.min(...errors), Math.max(...errors)];
  return {curves, chosen, sigma: curves[chosen][0][generation], error: errors[chosen], best: STARTS[errors.indexOf(best)], span: worst / best};
}

export function describe({sigma, error, span, best}, {rule, luck, first, generation}) {
  const how = rule.split(":")[0].replace("the 1/5", "by the 1/5");
  const apart = luck === "none" ? "" : `, luck of ${luck} apart`;
  return `Sigma ${how}, from ${number(first, 2)}: in generation ${generation} its median is ${number(sigma, 2)}, and the row that looks best has an error of ${number(error, 2)}${apart}. ` +
    `Of seven first sigmas the best now is ${number(best, 2)}; the worst has ${number(span, 2)} times its error. Means of ${N_RUNS} runs, in powers of ten.`;
}

export function draw(stage, {curves, chosen}, {generation}) {
  const panels = stage.places(2, 310);
  [["sigma (median of the rows)", [1e-5, 10]], ["error of the row that looks best", [1e-3, 10]]].forEach(([title, limits], k) => {
    const plot = stage.panel(panels[k], {x: scaleLinear([0, LAST], [0, 1]), y: scaleLog(limits, [0, 1]), xLabel: "generation", title, yTicks: 4, yFormat: power});
    const path = line((_, g) => plot.x(g), (value) => plot.y(value));
    const order = [...curves.keys()].sort((one, two) => (one === chosen) - (two === chosen)); // the chosen one on top
    for (const start of order) {
      const tone = start === chosen ? "play-thick tone-evolution" : "tone-random";
      plot.inside.append("path").attr("class", `play-line ${tone}`).attr("d", path(curves[start][k]));
    }
    plot.inside.append("circle").attr("class", "play-dot tone-evolution").attr("r", 7).attr("cx", plot.x(generation)).attr("cy", plot.y(curves[chosen][k][generation]));
  });
}
