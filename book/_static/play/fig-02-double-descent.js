import {line, scaleLinear, scaleLog} from "./d3.js";
import {mean, number, power, Random, steps, whole} from "./maths.js";

export const title = "Fifteen points, or more: which number of coefficients is the worst, and what comes after it?";

const COUNTS = [...whole(1, 40), 50, 60, 80, 100];
const N_STUDIES = 30;

export const controls = [
  {name: "count", label: "Coefficients", values: COUNTS, value: 4},
  {name: "points", label: "Training points", values: [8, 10, 12, 15, 20, 25, 30, 40], value: 15},
  {name: "noise", label: "Noise", values: steps(0, 0.6, 7).map((s) => +s.toFixed(1)), value: 0.3},
];

export const truth = (x) => Math.sin(Math.PI * x);

// Legendre polynomials 0 ... count - 1 at x, by their recurrence.
export function legendre(x, count) {
  const values = [1, x];
  for (let n = 1; n < count - 1; n++) values.push(((2 * n + 1) * x * values[n] - n * values[n - 1]) / (n + 1));
  return values.slice(0, count);
}

const dot = (a, b) => a.reduce((total, value, i) => total + value * b[i], 0);

// Orthonormal vectors that span `vectors`, by modified Gram-Schmidt, done twice; and the coefficients of each vector.
function orthonormal(vectors) {
  const q = [];
  const r = vectors.map((vector) => {
    const rest = [...vector];
    const row = Array(vectors.length).fill(0);
    for (let pass = 0; pass < 2; pass++) {
      q.forEach((direction, i) => {
        const part = dot(direction, rest);
        row[i] += part;
        for (let k = 0; k < rest.length; k++) rest[k] -= part * direction[k];
      });
    }
    row[q.length] = Math.hypot(...rest);
    q.push(rest.map((value) => value / row[q.length]));
    return row;
  });
  return {q, r};
}

// The coefficients with the least squared errors; where several fit perfectly, those with the least sum of squares.
export function fit(x, y, count) {
  const rows = x.map((place) => legendre(place, count));
  if (count <= x.length) {
    const {q, r} = orthonormal(whole(0, count - 1).map((j) => rows.map((row) => row[j])));
    const theta = q.map((direction) => dot(direction, y));
    for (let i = count - 1; i >= 0; i--) {
      for (let j = i + 1; j < count; j++) theta[i] -= r[j][i] * theta[j];
      theta[i] /= r[i][i];
    }
    return theta;
  }
  const {q, r} = orthonormal(rows);
  const weights = [];
  for (let i = 0; i < x.length; i++) {
    weights[i] = y[i];
    for (let j = 0; j < i; j++) weights[i] -= r[i][j] * weights[j];
    weights[i] /= r[i][i];
  }
  return whole(0, count - 1).map((k) => weights.reduce((total, w, i) => total + w * q[i][k], 0));
}

export const predict = (theta, x) => dot(legendre(x, theta.length), theta);

const PLACES = steps(-1, 1, 200);
const rms = (values) => Math.sqrt(mean(values.map((value) => value * value)));
const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
};

const remembered = new Map(); // the studies of one number of points and one noise

function studies(points, noise) {
  const key = `${points} ${noise}`;
  if (!remembered.has(key)) {
    const drawn = whole(1, N_STUDIES).map((seed) => {
      const rng = new Random(seed);
      const x = Array.from({length: points}, () => 2 * rng.uniform() - 1);
      const y = x.map((place) => truth(place) + noise * rng.normal());
      const errors = COUNTS.map((count) => {
        const theta = fit(x, y, count);
        return rms(PLACES.map((place) => predict(theta, place) - truth(place)));
      });
      return {x, y, errors};
    });
    const medians = COUNTS.map((_, i) => median(drawn.map((study) => study.errors[i])));
    remembered.set(key, {drawn, medians});
  }
  return remembered.get(key);
}

export function compute({count, points, noise}) {
  const {drawn, medians} = studies(points, noise);
  const {x, y} = drawn[0];
  const theta = fit(x, y, count);
  const at = COUNTS.indexOf(count);
  const best = medians.indexOf(Math.min(...medians));
  return {
    x, y,
    curve: PLACES.map((place) => [place, predict(theta, place)]),
    own: rms(x.map((place, i) => predict(theta, place) - y[i])),
    error: medians[at], best: COUNTS[best], bestError: medians[best],
    worst: COUNTS[medians.indexOf(Math.max(...medians))],
    medians: medians.map((value, i) => [COUNTS[i], value]),
  };
}

export function describe({own, error, best, bestError, worst}, {count, points, noise}) {
  const freedom = count < points ? "Fewer coefficients than points" : count === points
    ? "As many coefficients as points: one curve goes through all" : "More coefficients than points: the tamest of many perfect curves";
  return `${freedom}. This curve misses its own ${points} points by ${number(own, 2)}; the median of ${N_STUDIES} such studies misses the truth by ${number(error, 2)}. ` +
    `Worst are ${worst} coefficients, best ${best} (${number(bestError, 2)}), with noise ${number(noise)}.`;
}

export function draw(stage, {x, y, curve, error, medians}, {count, points}) {
  const [one, two] = stage.places(2, 320);
  const fitted = stage.panel(one, {x: scaleLinear([-1, 1], [0, 1]), y: scaleLinear([-2.5, 2.5], [0, 1]), title: "one study, and the truth (dashed)", xLabel: "x"});
  const path = line((p) => fitted.x(p[0]), (p) => fitted.y(Math.max(-9, Math.min(9, p[1]))));
  fitted.inside.append("path").attr("class", "play-mark").attr("fill", "none").attr("d", path(PLACES.map((place) => [place, truth(place)])));
  fitted.inside.append("path").attr("class", "play-line tone-linear").attr("d", path(curve));
  fitted.inside.selectAll("circle").data(x).join("circle").attr("class", "play-dot").attr("r", 5)
    .attr("cx", (place) => fitted.x(place)).attr("cy", (_, i) => fitted.y(y[i]));

  const plot = stage.panel(two, {
    x: scaleLog([1, 100], [0, 1]), y: scaleLog([0.03, 1e6], [0, 1]), title: "distance from the truth, median",
    xLabel: "coefficients", ticks: 4, xFormat: "~g", yTicks: 6, yFormat: power,
  });
  plot.inside.append("line").attr("class", "play-mark").attr("x1", plot.x(points)).attr("x2", plot.x(points)).attr("y2", plot.height);
  plot.words(`${points} points`, plot.x(points) + 6, 14, "start");
  plot.inside.append("path").attr("class", "play-line tone-linear").attr("d", line((p) => plot.x(p[0]), (p) => plot.y(p[1]))(medians));
  plot.inside.append("circle").attr("class", "play-dot tone-linear").attr("r", 7).attr("cx", plot.x(count)).attr("cy", plot.y(error));
}
