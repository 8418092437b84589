import {scaleLinear} from "./d3.js";
import {mean, number, Random, sum, whole} from "./maths.js";
import {designOf, genesOf} from "./designs.js";

export const title = "Hand the trainings out. Who is done first, and how much of what you pay for is waiting?";
export const data = "designs";

export const controls = [
  {name: "search", label: "Search", values: ["grid", "genetic", "random", "asynchronous"], value: "genetic"},
  {name: "workers", label: "Workers", values: [1, 2, 4, 8, 12, 16, 25, 50, 100, 200, 500, 1000], value: 12, format: (n) => number(n, 4)},
  {name: "children", label: "Children a generation", values: [6, 12, 27, 54, 108], value: 12},
  {name: "lengths", label: "Lengths of trainings", values: ["as they were", "all equal"], value: "as they were"},
  {name: "replay", label: "Replay", values: whole(1, 20), value: 1},
];

const N_TRAININGS = 128;
const N_REPLAYS = 10;

// A search yields designs, or null: wait. It finds in `back` the trials [design, network] that have come back.
function* search({search: name, children}, rng, back, {sizes, validation}) {
  const n = validation.length;
  if (name === "grid" || name === "random") {
    const deck = whole(0, n - 1);
    for (let i = 0; i < (name === "grid" ? n : N_TRAININGS); i++) {
      const j = i + rng.below(n - i);
      [deck[i], deck[j]] = [deck[j], deck[i]];
      yield deck[i];
    }
    return;
  }
  const child = () => {
    const parents = [...back].sort(([d, k], [e, l]) => validation[e][l] - validation[d][k]).slice(0, 8).map(([design]) => genesOf(design, sizes));
    const mother = rng.below(parents.length);
    const father = (mother + 1 + rng.below(parents.length - 1)) % parents.length;
    const genes = parents[mother].map((gene, i) => (rng.uniform() < 0.5 ? gene : parents[father][i]));
    if (rng.uniform() < 0.2) {
      const i = rng.below(4);
      genes[i] = rng.below(sizes[i]);
    }
    return designOf(genes, sizes);
  };
  for (let i = 0; i < 20; i++) yield rng.below(n);
  if (name === "asynchronous") {
    for (let born = 0; born < N_TRAININGS - 20; born++) yield back.length < 8 ? rng.below(n) : child();
    return;
  }
  for (let born = 0; born < N_TRAININGS - 20; born += children) {
    while (back.length < 20 + born) yield null;
    const brood = whole(1, children).map(child); // parents are the best of what was back when the generation began
    yield* brood;
  }
}

// Chapter 15's queue in virtual time: [worker, start, end] of each training.
export function simulate(state, seed, table) {
  const rng = new Random(seed);
  const all = table.seconds.flat();
  const middle = mean(all);
  const lasts = ([design, network]) => (state.lengths === "all equal" ? middle : table.seconds[design][network]);
  const [back, running, log] = [[], [], []];
  const idle = whole(0, state.workers - 1).reverse();
  const coming = search(state, rng, back, table);
  let clock = 0;
  while (true) {
    while (idle.length) {
      const {value, done} = coming.next();
      if (done || value === null) break;
      const trial = [value, rng.below(3)];
      running.push({end: clock + lasts(trial), start: clock, worker: idle.pop(), trial});
    }
    if (!running.length) return log;
    const next = running.reduce((first, one, i) => (one.end < running[first].end ? i : first), 0);
    const {end, start, worker, trial} = running.splice(next, 1)[0];
    clock = end;
    log.push([worker, start, end]);
    idle.push(worker);
    back.push(trial);
  }
}

const summary = (log, workers) => {
  const work = sum(log.map(([, start, end]) => end - start));
  const done = log.at(-1)[2];
  return {work, done, busy: (100 * work) / (done * workers)};
};

export function compute(state, table) {
  const log = simulate(state, state.replay, table);
  const others = whole(101, 100 + N_REPLAYS).map((seed) => summary(simulate(state, seed, table), state.workers));
  const average = (key) => mean(others.map((one) => one[key]));
  return {log, ...summary(log, state.workers), mean: {work: average("work"), done: average("done"), busy: average("busy")}};
}

export function describe({log, done, busy, mean: average}, {search: name, workers}) {
  return `${name[0].toUpperCase()}${name.slice(1)}: ${log.length} trainings on ${number(workers, 4)} ${workers === 1 ? "worker" : "workers"} are done after ${number(done)} s; ` +
    `the workers are at work ${number(busy, 2)} % of the time that you pay. Mean of ${N_REPLAYS} other replays: ${number(average.done)} s, ${number(average.busy, 2)} %, ${number(average.work)} core-seconds of work.`;
}

export function draw(stage, {log, done, busy}, {workers}) {
  const [place] = stage.places(1, 330);
  const plot = stage.panel(place, {x: scaleLinear([0, done], [0, 1]), y: scaleLinear([workers, 0], [0, 1]), xLabel: "seconds", yLabel: "worker", title: `${number(busy, 2)} % busy`, yTicks: Math.min(6, workers)});
  plot.inside.append("rect").attr("class", "play-idle").attr("width", plot.width).attr("height", plot.height);
  const high = plot.height / workers;
  plot.inside.selectAll(".play-bar").data(log).join("rect").attr("class", "play-bar tone-evolution")
    .attr("x", ([, start]) => plot.x(start)).attr("width", ([, start, end]) => Math.max(0.5, plot.x(end) - plot.x(start) - 0.5))
    .attr("y", ([worker]) => plot.y(worker)).attr("height", Math.max(0.4, high - (high > 4 ? 1 : 0)));
}
