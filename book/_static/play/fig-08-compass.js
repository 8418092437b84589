import {line, scaleLinear, scaleLog} from "./d3.js";
import {mean, number, powers, Random, sum, whole} from "./maths.js";

export const title = "How well do the mutants point, and how fast do they get down? One price counts axes, the other curvature.";

const N_TRIALS = 30;
const COUNTS = [1, 2, 3, 5, 10, 20, 30, 60, 100, 200, 300, 600, 1000];
const SIZES = [2, 10, 30, 100, 300, 1000, 3000, 10_000];

export const controls = [
  {name: "pairs", label: "Pairs of mutants", values: COUNTS, value: 60, format: (n) => number(n, 4)},
  {name: "d", label: "Parameters", values: SIZES, value: 1000, format: (d) => number(d, 5)},
  {name: "power", label: "Curvatures fall off with power", values: [0, 0.5, 1, 1.5, 2], value: 1.5},
  {name: "seed", label: "Draw", values: whole(1, 20), value: 1},
];

// The average of n pairs on a straight slope along the first axis: its part along the slope, and the length of the rest.
// Along another axis it is the mean of n products a·e, with the same n numbers a: normal, given those.
export function estimate(n, d, rng) {
  const along = rng.normals(n);
  const spread = Math.hypot(...along) / n;
  const rest = rng.normals(d - 1).reduce((total, value) => total + value * value, 0);
  return {along: mean(along.map((a) => a * a)), across: spread * Math.sqrt(rest)};
}

const cosine = ({along, across}) => along / Math.hypot(along, across);
const law = (n, d) => Math.sqrt(n / (n + d + 1));

export function compute({pairs, d, power, seed}) {
  const rng = new Random(seed);
  const drawn = whole(1, N_TRIALS).map(() => estimate(pairs, d, rng));
  const rank = sum(whole(1, d).map((i) => i ** -power)); // the largest curvature is 1
  return {first: drawn[0], cosine: mean(drawn.map(cosine)), law: law(pairs, d), rank, slower: 1 + (rank + 1) / pairs};
}

export function describe({cosine, law, rank, slower}, {pairs, d}) {
  const n = `${number(pairs, 4)} ${pairs === 1 ? "pair" : "pairs"}`;
  return `${n} for ${number(d, 5)} parameters point with a cosine of ${number(cosine, 2)} (the law says ${number(law, 2)}), an angle of ` +
    `${number((180 / Math.PI) * Math.acos(Math.min(1, cosine)), 2)}°. The bowl's effective rank is ${number(rank)}: steps must be ${number(slower)} times shorter than gradient descent's longest.`;
}

export function draw(stage, {first, cosine, slower}, {pairs, d}) {
  const [one, two] = stage.places(2, 310, [0.42, 0.58]);
  const unit = scaleLinear([-0.15, 1.15], [0, 1]);
  const plane = stage.panel(one, {x: unit, y: unit, square: true, title: "slope (blue) and average", ticks: 3, xLabel: "along the slope"});
  const size = Math.hypot(first.along, first.across);
  arrow(plane, 1, 0, "");
  arrow(plane, first.along / size, first.across / size, "tone-evolution");

  const plot = stage.panel(two, {
    x: scaleLog([1e-4, 500], [0, 1]), y: scaleLinear([0, 1], [0, 1]), xLabel: "pairs per parameter", title: "cosine", ticks: 4, xFormat: "~g", yTicks: 5,
  });
  const curve = powers(1e-4, 500, 80).map((ratio) => [ratio, Math.sqrt(ratio / (1 + ratio))]);
  plot.inside.append("path").attr("class", "play-mark").attr("fill", "none").attr("d", line((p) => plot.x(p[0]), (p) => plot.y(p[1]))(curve));
  plot.inside.append("circle").attr("class", "play-dot tone-evolution").attr("r", 7).attr("cx", plot.x(pairs / d)).attr("cy", plot.y(cosine));
  plot.words(`steps ${number(slower)} times shorter`, 8, 16, "start");
}

function arrow({inside, x, y}, right, up, tone) {
  const [x0, y0, x1, y1] = [x(0), y(0), x(right), y(up)];
  const turn = Math.atan2(y1 - y0, x1 - x0);
  const head = [0.4, -0.4].map((side) => [x1 - 12 * Math.cos(turn + side), y1 - 12 * Math.sin(turn + side)]);
  inside.append("path").attr("class", `play-line play-thick ${tone}`).attr("d", `M${x0},${y0}L${x1},${y1}M${head[0]}L${x1},${y1}L${head[1]}`);
}
