import {line, scaleLinear, scaleLog} from "./d3.js";
import {mean, number, whole} from "./maths.js";

export const title = "How many images of each digit? First say what is equal: generations, or evaluations.";
export const data = "fig-11-budget";

const ARMS = {1: "images 1", 5: "images 5", 10: "images 10", 20: "printed", 50: "images 50"};
const SHARES = whole(1, 20);

export const controls = [
  {name: "equal", label: "Equal", values: ["evaluations", "generations"], value: "generations"},
  {name: "spent", label: "Budget", values: SHARES, value: 1, play: 200, format: (share) => `${5 * share} %`},
];

// At equal evaluations the whole budget is 6 million; that buys one image of each digit 3,000 generations.
const BUDGET = {evaluations: 6e6, generations: 3000};

export function compute({equal, spent}, stored) {
  const budget = (BUDGET[equal] * spent) / 20;
  const column = equal === "evaluations" ? stored.evaluations : stored.step;
  const points = Object.entries(ARMS).map(([images, arm]) => {
    const rows = stored.arm.map((_, i) => i).filter((i) => stored.arm[i] === arm && Math.abs(column[i] / budget - 1) < 0.08);
    const seeds = whole(0, 4).flatMap((seed) => rows.filter((i) => stored.seed[i] === seed).map((i) => 100 * stored.validation[i]).slice(-1));
    return {images: +images, seeds, mean: seeds.length ? mean(seeds) : null};
  });
  return {budget, points: points.filter(({seeds}) => seeds.length), missing: points.filter(({seeds}) => !seeds.length).map(({images}) => images)};
}

export function describe({budget, points, missing}, {equal}) {
  const best = points.reduce((one, two) => (two.mean > one.mean ? two : one));
  const amount = equal === "evaluations" ? `${number(budget / 1e6)} million evaluations` : `${number(budget, 4)} generations`;
  const without = missing.length ? ` Six million evaluations don't pay for so many generations with ${missing.join(", ")}.` : "";
  return `At ${amount} for each, ${best.images} of each digit read most: ${number(best.mean)} %. ` +
    `${points.map(({images, mean: read}) => `${images}: ${number(read)} %`).join("; ")} (five seeds, validation images).${without}`;
}

export function draw(stage, {points}, {equal}) {
  const [place] = stage.places(1, 320);
  const plot = stage.panel(place, {x: scaleLog([0.8, 65], [0, 1]), y: scaleLinear([0, 70], [0, 1]), xLabel: "images of each digit", yLabel: "read, %", title: `at equal ${equal}`, xTicks: [1, 5, 10, 20, 50], ticks: 50, yTicks: 5, xFormat: "~g"});
  for (const {images, seeds} of points) {
    plot.inside.selectAll(null).data(seeds).join("circle").attr("class", "play-dot tone-random").attr("r", 4).attr("cx", plot.x(images)).attr("cy", (read) => plot.y(read));
  }
  plot.inside.append("path").attr("class", "play-line tone-evolution").attr("d", line((p) => plot.x(p.images), (p) => plot.y(p.mean))(points));
  plot.inside.selectAll(null).data(points).join("circle").attr("class", "play-dot tone-evolution").attr("r", 7).attr("cx", (p) => plot.x(p.images)).attr("cy", (p) => plot.y(p.mean));
}
