import {scaleLinear} from "./d3.js";
import {mean, number, Random, sum, whole} from "./maths.js";

export const title = "Both arms are the same. How many studies find a winner, and how large do they say it is?";

const N_STUDIES = 1000;
const SHOWN = 40;
export const T = {3: 4.3027, 5: 2.7764, 10: 2.2622, 20: 2.093, 40: 2.0227}; // Student's t for 95 %, by seeds

export const controls = [
  {name: "seeds", label: "Seeds", values: Object.keys(T).map(Number), value: 10},
  {name: "tried", label: "Settings tried", values: whole(1, 20), value: 10, play: 300},
  {name: "judge", label: "Judged by", values: ["the seeds that chose", "fresh seeds"], value: "the seeds that chose"},
];

// The gain of one study with its half width: the best of several settings that all do nothing, against one rival.
export function study({seeds, tried, judge}, rng) {
  let rival = rng.normals(seeds);
  let best = whole(1, tried).map(() => rng.normals(seeds)).reduce((one, two) => (sum(two) > sum(one) ? two : one));
  if (judge === "fresh seeds") [best, rival] = [rng.normals(seeds), rng.normals(seeds)];
  const ahead = best.map((value, i) => value - rival[i]);
  const gain = mean(ahead);
  return {gain, half: T[seeds] * Math.sqrt(sum(ahead.map((value) => (value - gain) ** 2)) / (seeds - 1) / seeds)};
}

export function compute(state) {
  const rng = new Random(18);
  const studies = whole(1, N_STUDIES).map(() => study(state, rng));
  const winners = studies.filter(({gain, half}) => gain > half);
  return {studies: studies.slice(0, SHOWN), share: (100 * winners.length) / N_STUDIES, told: mean(winners.map(({gain}) => gain))};
}

export function describe({share, told}, {seeds, tried, judge}) {
  return `Where nothing is to be found, ${number(share)} % of ${number(N_STUDIES, 4)} studies with ${seeds} seeds and ${tried === 1 ? "one setting" : `the best of ${tried} settings`}, ` +
    `judged by ${judge}, print an interval wholly above zero (2.5 % are promised). Those say that their arm gains ${told.toFixed(2)} points, in the mean; one run scatters by one point.`;
}

export function draw(stage, {studies}) {
  const [place] = stage.places(1, 320);
  const reach = Math.max(2, ...studies.map(({gain, half}) => Math.abs(gain) + half).sort((a, b) => a - b).slice(0, -4));
  const plot = stage.panel(place, {
    x: scaleLinear([0, SHOWN + 1], [0, 1]), y: scaleLinear([-reach, reach], [0, 1]).nice(), xTicks: [], xLabel: `${SHOWN} studies`, yLabel: "points ahead", title: "orange: wholly above zero",
  });
  plot.inside.append("line").attr("class", "play-mark").attr("x2", plot.width).attr("y1", plot.y(0)).attr("y2", plot.y(0));
  studies.forEach(({gain, half}, i) => {
    const tone = gain > half ? "tone-evolution" : "tone-random";
    plot.inside.append("line").attr("class", `play-line ${tone}`).attr("x1", plot.x(i + 1)).attr("x2", plot.x(i + 1))
      .attr("y1", plot.y(gain - half)).attr("y2", plot.y(gain + half));
    plot.inside.append("circle").attr("class", `play-dot ${tone}`).attr("r", 4.5).attr("cx", plot.x(i + 1)).attr("cy", plot.y(gain));
  });
}
