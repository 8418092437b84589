import {contours, line, scaleLinear, scaleLog} from "./d3.js";
import {number, power, powers, steps, sum} from "./maths.js";

export const title = "Walk down the bowl at a rate of your own. Where is the limit, and what moves it?";

const RATES = powers(0.002, 1.2, 129);
const nearest = (rate) => RATES.reduce((best, r) => (Math.abs(r - rate) < Math.abs(best - rate) ? r : best));

export const controls = [
  {name: "rate", label: "Learning rate", values: RATES, value: nearest(0.06), format: (rate) => number(rate)},
  {name: "x", label: "The data's x", values: ["raw", "centred", "standardised"], value: "raw"},
  {name: "keep", label: "Memory (keep)", values: steps(0, 0.95, 20).map((k) => +k.toFixed(2)), value: 0},
];

const X = [1, 2, 3, 4, 5];
const START = [-0.6, -2.2]; // the line m = b = 0, seen from the best line

// The Hessian of the mean squared error over the five points, in the coordinates that were chosen.
export function bowl(kind) {
  const middle = kind === "raw" ? 0 : 3;
  const spread = kind === "standardised" ? Math.SQRT2 : 1;
  const x = X.map((value) => (value - middle) / spread);
  const mixed = (2 * sum(x)) / x.length;
  return [[(2 * sum(x.map((value) => value * value))) / x.length, mixed], [mixed, 2]];
}

const times = ([[a, b], [c, d]], [m, n]) => [a * m + b * n, c * m + d * n];
const height = (hessian, c) => (times(hessian, c)[0] * c[0] + times(hessian, c)[1] * c[1]) / 2;

function curvatures([[a, b], [, d]]) {
  const middle = (a + d) / 2;
  const half = Math.hypot((a - d) / 2, b);
  return [middle - half, middle + half];
}

function walk(hessian, rate, keep, n) {
  const path = [START];
  let velocity = [0, 0];
  for (let step = 0; step < n; step++) {
    const c = path.at(-1);
    const slope = times(hessian, c);
    velocity = velocity.map((v, i) => keep * v + slope[i]);
    path.push(c.map((value, i) => value - rate * velocity[i]));
  }
  return path;
}

export function compute({rate, x, keep}) {
  const hessian = bowl(x);
  const [flattest, steepest] = curvatures(hessian);
  const left = (r) => height(hessian, walk(hessian, r, keep, 200).at(-1));
  return {
    hessian, flattest, steepest,
    limit: (2 * (1 + keep)) / steepest,
    path: walk(hessian, rate, keep, 40),
    left: left(rate),
    curve: RATES.map((r) => [r, left(r)]),
  };
}

export function describe({flattest, steepest, limit, left}, {rate, x, keep}) {
  const blown = rate > limit ? "Beyond the limit: every swing is wider than the last." : `Within the limit of ${number(limit)}.`;
  const factors = keep
    ? `The memory moved the limit from ${number(2 / steepest)} to ${number(limit)}.`
    : `A step multiplies the distance along the steepest axis by ${number(1 - rate * steepest)}, along the flattest by ${number(1 - rate * flattest)}.`;
  return `${blown} ${factors} After 200 steps the loss is ${number(left)} above its lowest, with x ${x}.`;
}

export function draw(stage, {hessian, limit, path, left, curve}, {rate}) {
  const [one, two] = stage.places(2, 330);
  const span = scaleLinear([-2.4, 2.4], [0, 1]);
  const map = stage.panel(one, {x: span, y: span, xLabel: "tilt m, off by", yLabel: "intercept b, off by", title: "40 steps", square: true});
  drawHeights(map, (m, b) => height(hessian, [m, b]));
  map.inside.append("path").attr("class", "play-line").attr("d", line((c) => map.x(c[0]), (c) => map.y(c[1]))(path));
  map.inside.selectAll("circle").data(path).join("circle").attr("class", "play-dot").attr("r", 3)
    .attr("cx", (c) => map.x(c[0])).attr("cy", (c) => map.y(c[1]));
  map.inside.append("text").attr("class", "play-star").attr("x", map.x(0)).attr("y", map.y(0)).text("★");

  const clamp = (value) => Math.min(1e7, Math.max(1e-7, value));
  const plot = stage.panel(two, {
    x: scaleLog([0.002, 1.2], [0, 1]), y: scaleLog([1e-7, 1e7], [0, 1]),
    xLabel: "learning rate", title: "loss above the lowest, after 200 steps", ticks: 3, yTicks: 7, xFormat: "~g", yFormat: power,
  });
  plot.inside.append("path").attr("class", "play-line").attr("d", line((p) => plot.x(p[0]), (p) => plot.y(clamp(p[1])))(curve));
  plot.inside.append("line").attr("class", "play-mark").attr("x1", plot.x(limit)).attr("x2", plot.x(limit)).attr("y2", plot.height);
  plot.words("limit", plot.x(limit) - 5, 14, "end");
  plot.inside.append("circle").attr("class", "play-dot").attr("r", 7).attr("cx", plot.x(rate)).attr("cy", plot.y(clamp(left)));
}

function drawHeights({inside, x, y}, f, n = 60) {
  const at = steps(-2.4, 2.4, n);
  const grid = at.flatMap((b) => at.map((m) => f(m, b)));
  const place = (scale, index) => scale(-2.4 + (4.8 * (index - 0.5)) / (n - 1));
  const path = ({coordinates}) => coordinates.flat().map((ring) => `M${ring.map(([i, j]) => `${place(x, i)},${place(y, j)}`).join("L")}Z`).join("");
  inside.selectAll("path.play-height").data(contours().size([n, n]).thresholds(powers(0.01, 100, 13))(grid))
    .join("path").attr("class", "play-height").attr("d", path);
}
