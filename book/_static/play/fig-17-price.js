import {line, scaleLinear} from "./d3.js";
import {mean, number, whole} from "./maths.js";

export const title = "Who earns, and who loses? Choose a way to change, and run through its generations.";
export const data = "fig-17-price";

const WAYS = {
  "bred, mutations of 0.1": "selection",
  "bred, mutations of 0.05": "selection, scale 0.05",
  "bred, mutations of 0.02": "selection, scale 0.02",
  "bred, with sex": "selection and sex",
  "parents by lot": "lots",
  "by gradient": "gradient",
  "by gradient, ten times the rate": "gradient, rate 5",
};
const TERMS = {selection: "tone-linear", transmission: "tone-highlight", change: "tone-random"};
const NAMES = {change: "both"};

export const controls = [
  {name: "way", label: "How they change", values: Object.keys(WAYS), value: "bred, mutations of 0.1"},
  {name: "step", label: "Generation, or step", values: [1, ...whole(1, 20).map((k) => 10 * k)], value: 200, play: 150},
];

export function compute({way, step}, stored) {
  const rows = stored.method.map((_, i) => i).filter((i) => stored.method[i] === WAYS[way]);
  const seeds = [...new Set(rows.map((i) => stored.seed[i]))];
  const terms = Object.keys(TERMS).map((term) => {
    const lines = seeds.map((seed) => rows.filter((i) => stored.seed[i] === seed).map((i) => [stored.step[i], stored[term][i]]));
    const curve = lines[0].map(([at], k) => [at, mean(lines.map((one) => one[k][1]))]);
    return {term, lines, curve, now: curve.find(([at]) => at === step)[1]};
  });
  return {terms, seeds: seeds.length};
}

export function describe({terms, seeds}, {way, step}) {
  const [selection, transmission, change] = terms.map(({now}) => now);
  const nats = (value) => number(Math.abs(value), 2);
  const did = (value, gained, lost) => (Math.abs(value) < 5e-3 ? `${gained} 0` : `${value < 0 ? lost : gained} ${nats(value)}`);
  const how = way[0].toUpperCase() + way.slice(1);
  return `${how}: after ${step === 1 ? "one" : step} ${way.startsWith("by gradient") ? "step" : "generation"}${step === 1 ? "" : "s"} selection has ${did(selection, "earned", "lost")} ` +
    `and transmission has ${did(transmission, "earned", "lost")}; the mean has ${did(change, "risen by", "fallen by")} nats (mean of ${seeds} seeds).`;
}

export function draw(stage, {terms}, {step}) {
  const [one, two] = stage.places(2, 320, [0.48, 0.52]);
  const all = terms.flatMap(({lines}) => lines.flat().map(([, value]) => value));
  const y = scaleLinear([Math.min(-1, ...all), Math.max(1, ...all)], [0, 1]).nice();
  const bars = stage.panel(one, {x: scaleLinear([0, 3], [0, 1]), y, xTicks: [], yLabel: "nats", title: `sums after ${step}`});
  terms.forEach(({term, now}, k) => {
    bars.inside.append("line").attr("class", `play-line ${TERMS[term]}`).style("stroke-width", 0.22 * bars.width)
      .attr("x1", bars.x(k + 0.5)).attr("x2", bars.x(k + 0.5)).attr("y1", bars.y(0)).attr("y2", bars.y(now));
    bars.words(NAMES[term] ?? term, bars.x(k + 0.5), bars.height + 18);
  });
  const plot = stage.panel(two, {x: scaleLinear([0, 205], [0, 1]), y, xLabel: "generation, or step", title: "a thin line for each seed"});
  for (const panel of [bars, plot]) {
    panel.inside.append("line").attr("class", "play-mark").attr("x2", panel.width).attr("y1", panel.y(0)).attr("y2", panel.y(0));
  }
  const path = line((p) => plot.x(p[0]), (p) => plot.y(p[1]));
  for (const {term, lines, curve, now} of terms) {
    plot.inside.selectAll(null).data(lines).join("path").attr("class", `play-line ${TERMS[term]}`).style("stroke-width", 1).style("opacity", 0.35).attr("d", path);
    plot.inside.append("path").attr("class", `play-line ${TERMS[term]}`).attr("d", path(curve));
    plot.inside.append("circle").attr("class", `play-dot ${TERMS[term]}`).attr("r", 7).attr("cx", plot.x(step)).attr("cy", plot.y(now));
  }
}
