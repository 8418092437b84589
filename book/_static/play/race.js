import {contours, line, scaleLinear} from "./d3.js";
import {mean, number, powers, Random, steps, whole} from "./maths.js";

export const title = "One landscape, one start, one budget: who gets lower?";

const BUDGET = 300; // looks at the landscape; a slope costs two, as forward and back in a network
const N_STARTS = 20;
const CHILDREN = 10;

const bowl = (x, y) => 0.5 * (x * x + y * y);
export const LANDSCAPES = {
  "a narrow valley": (x, y) => 10 * (x - 0.4 * y) ** 2 + 0.3 * (y + 0.4 * x) ** 2,
  "hills and hollows": (x, y) => bowl(x, y) + 2 - Math.cos(2 * Math.PI * x) - Math.cos(2 * Math.PI * y),
  "a staircase": (x, y) => Math.floor(2 * bowl(x, y)) / 2,
};

export const RATES = powers(0.003, 1, 8);
export const SIGMAS = powers(0.01, 2, 8);

// The best of eight settings each, on starts that the race doesn't use (a test tunes them again).
export const TUNED = {
  "a narrow valley": {rate: RATES[4], sigma: SIGMAS[4]},
  "hills and hollows": {rate: RATES[1], sigma: SIGMAS[5]},
  "a staircase": {rate: RATES[0], sigma: SIGMAS[4]},
};

export const controls = [
  {name: "landscape", label: "Landscape", values: Object.keys(LANDSCAPES), value: "a narrow valley"},
  {name: "looks", label: "Looks at the landscape", values: steps(0, BUDGET, 31), value: 60, play: 200},
];

const start = (seed) => {
  const rng = new Random(seed);
  return [2.6 * rng.uniform() - 2.8, 2.6 * rng.uniform() + 0.2];
};

function slope(f, [x, y]) {
  const h = 1e-5;
  return [(f(x + h, y) - f(x - h, y)) / (2 * h), (f(x, y + h) - f(x, y - h)) / (2 * h)];
}

// Gradient descent: [looks spent, the point] after each step.
export function descend(f, rate, seed) {
  let at = start(seed);
  const path = [[0, at]];
  for (let spent = 2; spent <= BUDGET; spent += 2) {
    const down = slope(f, at);
    at = at.map((value, i) => Math.max(-9, Math.min(9, value - rate * down[i])));
    path.push([spent, at]);
  }
  return path;
}

// Selection: the best of the parent and its ten children is the next parent. [looks spent, the parent, its children].
export function select(f, sigma, seed) {
  const rng = new Random(1000 + seed);
  let at = start(seed);
  const path = [[0, at, []]];
  for (let spent = CHILDREN; spent <= BUDGET; spent += CHILDREN) {
    const children = whole(1, CHILDREN).map(() => at.map((value) => value + sigma * rng.normal()));
    at = [at, ...children].reduce((best, one) => (f(...one) < f(...best) ? one : best));
    path.push([spent, at, children]);
  }
  return path;
}

export const height = (f, path, looks) => f(...path.filter(([spent]) => spent <= looks).at(-1)[1]);

export function compute({landscape, looks}) {
  const f = LANDSCAPES[landscape];
  const {rate, sigma} = TUNED[landscape];
  const seeds = whole(1, N_STARTS);
  const walks = seeds.map((seed) => [descend(f, rate, seed), select(f, sigma, seed)]);
  const [down, chosen] = walks[0].map((path) => path.filter(([spent]) => spent <= looks));
  const heights = [0, 1].map((who) => walks.map((pair) => height(f, pair[who], looks)));
  return {
    down: down.map(([, at]) => at), chosen: chosen.map(([, at]) => at), children: chosen.at(-1)[2],
    now: heights.map((values) => values[0]), means: heights.map(mean), wins: heights[0].filter((value, i) => value < heights[1][i]).length,
  };
}

export function describe({now, means, wins}, {landscape, looks}) {
  return `On ${landscape}, after ${looks} looks, the gradient (blue) stands at ${number(now[0], 2)}, selection (orange) at ${number(now[1], 2)}. ` +
    `From twenty starts: ${number(means[0], 2)} against ${number(means[1], 2)} on average; the gradient is lower in ${wins}.`;
}

export function draw(stage, {down, chosen, children}, {landscape}) {
  const [place] = stage.places(1, Math.min(280, stage.width));
  const span = scaleLinear([-3, 3], [0, 1]);
  const {inside, x, y} = stage.panel(place, {x: span, y: span, ticks: 0, bare: true});
  const f = LANDSCAPES[landscape];
  const [nx, ny] = [90, 60];
  const at = (i, n) => -3 + (6 * i) / (n - 1);
  const grid = whole(0, ny - 1).flatMap((j) => whole(0, nx - 1).map((i) => f(at(i, nx), at(j, ny))));
  const ring = (points) => `M${points.map(([i, j]) => `${x(at(i - 0.5, nx))},${y(at(j - 0.5, ny))}`).join("L")}Z`;
  inside.selectAll("path.play-height").data(contours().size([nx, ny]).thresholds(steps(0.3, 12, 14))(grid))
    .join("path").attr("class", "play-height").attr("d", ({coordinates}) => coordinates.flat().map(ring).join(""));
  const path = line((p) => x(p[0]), (p) => y(p[1]));
  inside.append("path").attr("class", "play-line").attr("d", path(down));
  inside.append("path").attr("class", "play-line tone-evolution").attr("d", path(chosen));
  inside.selectAll("circle.child").data(children).join("circle").attr("class", "play-dot tone-evolution").attr("r", 3).attr("cx", (p) => x(p[0])).attr("cy", (p) => y(p[1]));
  for (const [walk, tone] of [[down, ""], [chosen, "tone-evolution"]]) {
    inside.append("circle").attr("class", `play-dot ${tone}`).attr("r", 7).attr("cx", x(walk.at(-1)[0])).attr("cy", y(walk.at(-1)[1]));
  }
}
