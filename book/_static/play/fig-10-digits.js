import {line, scaleLinear} from "./d3.js";
import {mean, number, whole} from "./maths.js";

export const title = "Which digits does a run read? Follow it, and change how its answers are rewarded.";
export const data = "fig-10-digits";

const RULES = {"counted (printed rule)": "printed", "counted, trust forgotten at once": "no memory", "graded (log-likelihood)": "log-likelihood"};
export const IN_ALL = [489, 530, 493, 509, 499, 458, 482, 563, 494, 483]; // validation images of each digit

export const controls = [
  {name: "rule", label: "Answers are", values: Object.keys(RULES), value: Object.keys(RULES)[0]},
  {name: "seed", label: "Seed", values: whole(0, 4), value: 0},
  {name: "step", label: "Generation", values: whole(1, 30).map((i) => 20 * i), value: 300, play: 200},
];

// In a run's looks, by generation: what share of each digit's images is read, and of all.
export function looks({rule, seed}, stored) {
  const rows = stored.method.map((_, i) => i).filter((i) => stored.method[i] === RULES[rule] && stored.seed[i] === seed);
  return rows.sort((i, j) => stored.step[i] - stored.step[j]).map((i) => {
    const counts = whole(0, 9).map((digit) => stored[`validation_${digit}`][i]);
    return {step: stored.step[i], shares: counts.map((count, digit) => (100 * count) / IN_ALL[digit]), all: (100 * counts.reduce((a, b) => a + b)) / 5000};
  });
}

export function compute(state, stored) {
  const run = looks(state, stored);
  const others = whole(0, 4).map((seed) => looks({...state, seed}, stored).find(({step}) => step === state.step));
  return {run, now: run.find(({step}) => step === state.step), mean: mean(others.map(({all}) => all)), missing: mean(others.map(({shares}) => shares.filter((s) => s < 5).length))};
}

export function describe({now, mean: average, missing}, {rule, seed, step}) {
  const lost = whole(0, 9).filter((digit) => now.shares[digit] < 5);
  const words = lost.length ? `reads next to nothing of ${lost.join(", ")}` : "misses no digit";
  return `Answers ${rule}, seed ${seed}: in generation ${step} the best network reads ${number(now.all)} % and ${words}. ` +
    `Five seeds read ${number(average)} % in the mean and miss ${number(missing, 2)} ${missing === 1 ? "digit" : "digits"}.`;
}

export function draw(stage, {run, now}, {step}) {
  const [one, two] = stage.places(2, 320, [0.62, 0.38]);
  const map = stage.panel(one, {x: scaleLinear([10, 610], [0, 1]), y: scaleLinear([9.5, -0.5], [0, 1]), xLabel: "generation", yLabel: "digit", title: "read, by digit: the stronger, the more", ticks: 4, yTicks: 10});
  const wide = map.width / run.length;
  for (const {step: at, shares} of run) {
    shares.forEach((share, digit) => {
      map.inside.append("rect").attr("class", "play-tile").attr("fill-opacity", share / 100).attr("x", map.x(at) - wide / 2).attr("width", wide + 0.5)
        .attr("y", map.y(digit - 0.5)).attr("height", map.height / 10);
    });
  }
  map.inside.append("line").attr("class", "play-mark").attr("x1", map.x(step)).attr("x2", map.x(step)).attr("y2", map.height);
  const plot = stage.panel(two, {x: scaleLinear([0, 600], [0, 1]), y: scaleLinear([0, 100], [0, 1]), xLabel: "generation", title: "all digits, %", ticks: 3});
  plot.inside.append("path").attr("class", "play-line tone-evolution").attr("d", line((p) => plot.x(p.step), (p) => plot.y(p.all))(run));
  plot.inside.append("circle").attr("class", "play-dot tone-evolution").attr("r", 7).attr("cx", plot.x(step)).attr("cy", plot.y(now.all));
}
