import {line, scaleBand, scaleLinear} from "./d3.js";
import {mean, number, Random, whole} from "./maths.js";

export const title = "10,000 scorings are yours: a crowd for few generations, or a few genomes for many? Then take an operator away.";

const SCORINGS = 10_000;
const N_RUNS = 8;
const MOMENTS = whole(0, 40).map((i) => (SCORINGS / 40) * i);

export const controls = [
  {name: "landscape", label: "Landscape", values: ["OneMax", "Rastrigin", "trap", "shuffled trap"], value: "OneMax"},
  {name: "genomes", label: "Genomes", values: [10, 30, 100, 300, 1000], value: 10, format: (n) => number(n, 4)},
  {name: "operators", label: "Operators", values: ["all on", "crossover off", "mutation off", "selection off"], value: "mutation off"},
  {name: "scorings", label: "Scorings", values: MOMENTS, value: SCORINGS, play: 150, format: (n) => number(n, 5)},
];

const ones = (bits) => bits.reduce((total, bit) => total + bit, 0);
const block = (n) => (n === 5 ? 5 : 4 - n);

// A trap of five bits is far from home if its bits are: bit k of a block stands k twelfths of the row away.
const trap = (place) => (bits) => {
  let total = 0;
  for (let b = 0; b < 12; b++) total += block([0, 1, 2, 3, 4].reduce((n, k) => n + bits[place(b, k)], 0));
  return total;
};

// `chance` is what the best of 10,000 random genomes scores, in the mean; `top` the highest score there is.
export const LANDSCAPES = {
  "OneMax": {score: ones, length: 60, chance: 44.6, top: 60},
  "Rastrigin": {score: (x) => -x.reduce((total, v) => total + 10 + v * v - 10 * Math.cos(2 * Math.PI * v), 0), length: 20, chance: -199.6, top: 0, real: true},
  "trap": {score: trap((b, k) => 5 * b + k), length: 60, chance: 37.6, top: 60, onePoint: true},
  "shuffled trap": {score: trap((b, k) => b + 12 * k), length: 60, chance: 37.6, top: 60, onePoint: true},
};

// One run of chapter 5's loop: the best so far, and at each moment the population.
export function evolve(name, n, operators, seed) {
  const {score, length, real, onePoint} = LANDSCAPES[name];
  const rng = new Random(seed);
  const on = {crossover: operators !== "crossover off", mutation: operators !== "mutation off", selection: operators !== "selection off"};
  const start = () => (real ? 5.12 * (2 * rng.uniform() - 1) : rng.below(2));
  let population = Array.from({length: n}, () => Array.from({length}, start));
  let best = -Infinity;
  const record = [];
  for (let spent = 0; spent <= SCORINGS; spent += n) {
    const fitness = population.map(score);
    const champion = fitness.indexOf(Math.max(...fitness));
    if (spent < SCORINGS) best = Math.max(best, fitness[champion]); // the last population isn't scored
    record.push({spent, best, population: seed === 1 ? population : undefined}); // one is looked at
    const parent = () => {
      let winner = rng.below(n);
      for (let i = 1; on.selection && i < 5; i++) {
        const rival = rng.below(n);
        if (fitness[rival] > fitness[winner]) winner = rival;
      }
      return population[winner];
    };
    const children = on.selection ? [population[champion]] : [];
    while (children.length < n) {
      const [mother, father] = [parent(), parent()];
      const cut = 1 + rng.below(length - 1);
      const fromMother = (i) => (onePoint ? i < cut : rng.uniform() < 0.5);
      const child = on.crossover ? mother.map((gene, i) => (fromMother(i) ? gene : father[i])) : [...mother];
      for (let i = 0; on.mutation && i < length; i++) {
        if (rng.uniform() < (real ? 1 / 20 : 1 / 60)) child[i] = real ? child[i] + rng.normal() : 1 - child[i];
      }
      children.push(child);
    }
    population = children;
  }
  return record;
}

const remembered = new Map();

export function compute({landscape, genomes, operators, scorings}) {
  const key = `${landscape} ${genomes} ${operators}`;
  const {chance, top, real} = LANDSCAPES[landscape];
  if (!remembered.has(key)) remembered.set(key, whole(1, N_RUNS).map((seed) => evolve(landscape, genomes, operators, seed)));
  const runs = remembered.get(key);
  const upTo = runs.map((run) => run.filter(({spent}) => spent <= scorings));
  const way = (best) => (100 * (best - chance)) / (top - chance);
  const {population} = upTo[0].at(-1);
  const columns = population[0].map((_, i) => mean(population.map((genome) => (real ? Math.abs(genome[i]) < 0.5 : genome[i]))));
  return {
    columns,
    lost: columns.filter((share) => share === 0).length,
    generation: upTo[0].length - 1,
    reached: mean(upTo.map((run) => way(run.at(-1).best))),
    curves: upTo.map((run) => run.map(({spent, best}) => [spent, way(best)])),
  };
}

export function describe({reached, lost, generation, columns}, {landscape, genomes, operators, scorings}) {
  const what = landscape === "Rastrigin" ? "hold no value near zero" : "have no 1 left";
  return `${landscape}, ${number(genomes, 4)} genomes, ${operators}: after ${number(scorings, 5)} scorings (generation ${generation}) eight runs are ` +
    `${number(reached, 2)} % of the way from random search to the top. In the first of them ${lost} of ${columns.length} columns ${what}.`;
}

export function draw(stage, {columns, curves}, {landscape}) {
  const [one, two] = stage.places(2, 300);
  const genes = whole(1, columns.length);
  const bars = stage.panel(one, {
    x: scaleBand(genes, [0, 1]).padding(0.15), y: scaleLinear([0, 1], [0, 1]), xLabel: "gene",
    title: landscape === "Rastrigin" ? "share near zero (first run)" : "share of ones (first run)", xTicks: genes.filter((gene) => gene % 10 === 0),
  });
  bars.inside.selectAll("rect").data(columns).join("rect").attr("class", "play-bar tone-evolution")
    .attr("x", (_, i) => bars.x(genes[i])).attr("width", bars.x.bandwidth())
    .attr("y", (share) => bars.y(share)).attr("height", (share) => bars.height - bars.y(share));
  const plot = stage.panel(two, {
    x: scaleLinear([0, SCORINGS], [0, 1]), y: scaleLinear([-50, 105], [0, 1]), xLabel: "scorings", title: "% of the way, eight runs", ticks: 4,
  });
  plot.inside.append("line").attr("class", "play-mark").attr("x2", plot.width).attr("y1", plot.y(0)).attr("y2", plot.y(0));
  plot.words("random search", plot.width - 4, plot.y(0) + 16, "end");
  const path = line((p) => plot.x(p[0]), (p) => plot.y(p[1]));
  plot.inside.selectAll("path").data(curves).join("path").attr("class", "play-line tone-evolution").attr("d", path);
}
