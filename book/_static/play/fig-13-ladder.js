import {scaleBand, scaleLinear} from "./d3.js";
import {mean, number, powers} from "./maths.js";

export const title = "The first ladder, mean and range of three seeds: who is ahead, at equal what? Change the currency and the budget.";
export const data = "fig-13-ladder";

const RULES = {
  "GENREG as printed": "printed rule", "log-likelihood": "graded", "stronger selection": "graded, top 5 %", "population 50": "50 genomes, crossover",
  "OpenAI-ES": "OpenAI's strategy", "rank-one ES": "rank-one noise", "one-neuron mutants": "own winners", "one-neuron ES": "a strategy a neuron",
  "shifted images": "own winners, shifted", "gradient": "gradient",
};
const CURRENCIES = {"core-seconds": "core_seconds", "evaluations": "evaluations", "multiply-adds": "multiply_adds"};

export const controls = [
  {name: "equal", label: "Equal", values: Object.keys(CURRENCIES), value: "core-seconds"},
  {name: "share", label: "Budget, of the dearest rule's", values: powers(0.01, 1, 21).map((s) => +s.toPrecision(2)), value: 1, play: 250, format: (share) => `${number(100 * share, 2)} %`},
];

// What the best network so far has on validation when a run has spent at most the budget; mean and range of three seeds.
export function compute({equal, share}, stored) {
  const spent = stored[CURRENCIES[equal]];
  const rows = Object.keys(RULES).map((method) => stored.method.map((_, i) => i).filter((i) => stored.method[i] === method));
  const whole = Math.max(...rows.slice(0, -1).map((part) => Math.max(...part.map((i) => spent[i])))); // the gradient apart
  const budget = share * whole;
  const bars = Object.keys(RULES).map((method, k) => {
    const seeds = [...new Set(rows[k].map((i) => stored.seed[i]))].map((seed) => {
      const paid = rows[k].filter((i) => stored.seed[i] === seed && spent[i] <= budget);
      return paid.length ? 100 * Math.max(...paid.map((i) => stored.validation[i])) : 10; // nothing yet: a guess
    });
    return {name: RULES[method], mean: mean(seeds), low: Math.min(...seeds), high: Math.max(...seeds)};
  });
  return {budget, bars};
}

const amount = (equal, budget) => (equal === "core-seconds" ? `${number(budget, 2)} core-seconds` : equal === "evaluations" ? `${number(budget / 1e6, 2)} million evaluations` : `${number(budget / 1e9, 2)} billion multiply-adds`);

export function describe({budget, bars}, {equal}) {
  const order = [...bars].sort((one, two) => two.mean - one.mean);
  const without = order.filter(({name}) => name !== "gradient");
  return `At most ${amount(equal, budget)} for each: ${order[0].name} leads with ${number(order[0].mean)} % on validation. Without a gradient the best are ` +
    `${without.slice(0, 3).map(({name, mean: read}) => `${name} (${number(read)} %)`).join(", ")}; the printed rule has ${number(bars[0].mean)} %.`;
}

export function draw(stage, {bars}) {
  const [place] = stage.places(1, 380);
  const names = bars.map(({name}) => name);
  const left = Math.min(150, stage.width * 0.4);
  const plot = stage.panel({...place, left: place.left + left - 40, width: place.width - left + 40}, {x: scaleLinear([0, 100], [0, 1]), y: scaleBand([...names].reverse(), [0, 1]).padding(0.25), xLabel: "validation accuracy, %"});
  for (const {name, mean: read, low, high} of bars) {
    const [y, high_] = [plot.y(name), plot.y.bandwidth()];
    plot.inside.append("rect").attr("class", `play-bar ${name === "gradient" ? "" : "tone-evolution"}`).attr("y", y).attr("height", high_).attr("width", plot.x(read));
    plot.inside.append("line").attr("class", "play-cross").attr("x1", plot.x(low)).attr("x2", plot.x(high)).attr("y1", y + high_ / 2).attr("y2", y + high_ / 2);
  }
}
