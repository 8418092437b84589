import {scaleBand, scaleLog} from "./d3.js";
import {number, power, powers, Random, whole} from "./maths.js";

export const title = "What does a mutation cost beside running the networks, and who pays for the coins that come up tails?";

const RATES = powers(0.0001, 0.5, 38).map((rate) => +rate.toPrecision(2));
const N_NETWORKS = 200;

export const controls = [
  {name: "rate", label: "Mutation rate", values: RATES, value: RATES.reduce((best, r) => (Math.abs(r - 0.07) < Math.abs(best - 0.07) ? r : best)), format: (rate) => `${number(100 * rate, 2)} %`},
  {name: "images", label: "Images a generation", values: [1, 10, 50, 200, 1000], value: 200, format: (n) => number(n, 4)},
  {name: "hidden", label: "Hidden units", values: [8, 16, 32, 64, 128], value: 64},
];

// Which of n places are hit, each with probability `rate`, by the gaps between hits: 1 + floor(log u / log(1 - rate)).
export function gaps(n, rate, rng) {
  const hits = [];
  let place = -1;
  while (true) {
    place += 1 + Math.floor(Math.log1p(-rng.uniform()) / Math.log1p(-rate));
    if (place >= n) return hits;
    hits.push(place);
  }
}

export function compute({rate, images, hidden}) {
  const weights = N_NETWORKS * (784 * hidden + hidden + hidden * 10 + 10);
  const rng = new Random(1);
  const row = whole(0, 63).map(() => rng.uniform() < rate); // 64 weights as the mask sees them
  return {
    row,
    counts: {
      run: 2 * N_NETWORKS * images * (784 * hidden + hidden * 10),
      mask: 2 * weights,
      gaps: 2 * rate * weights,
    },
  };
}

export function describe({counts}, {rate, images, hidden}) {
  const [run, mask, skip] = Object.values(counts);
  return `${N_NETWORKS} networks 784-${hidden}-10 on ${number(images, 4)} ${images === 1 ? "image" : "images"}: ${number(run / 1e6)} million operations to run them. ` +
    `At a rate of ${number(100 * rate, 2)} % a mask draws ${number(mask / 1e6)} million random numbers, gaps draw ${number(skip / 1e6)} million, ${number(mask / skip)} times fewer. A random number costs far more than an operation.`;
}

export function draw(stage, {counts, row}) {
  const names = Object.keys(counts);
  const [place] = stage.places(1, 320);
  const plot = stage.panel({...place, height: place.height - 22}, {x: scaleBand(names, [0, 1]).padding(0.35), y: scaleLog([1e3, 1e11], [0, 1]), title: "operations; random numbers by mask, by gaps", yTicks: 5, yFormat: power});
  const tones = ["", "tone-random", "tone-evolution"];
  names.forEach((name, i) => {
    plot.inside.append("rect").attr("class", `play-bar ${tones[i]}`).attr("x", plot.x(name)).attr("width", plot.x.bandwidth())
      .attr("y", plot.y(counts[name])).attr("height", plot.height - plot.y(counts[name]));
  });
  const wide = plot.width / row.length;
  row.forEach((head, i) => {
    plot.at.append("rect").attr("class", head ? "play-bar tone-evolution" : "play-idle").attr("x", i * wide).attr("width", wide - 1).attr("y", plot.height + 32).attr("height", 6);
  });
  plot.at.append("text").attr("class", "play-words").attr("x", plot.width / 2).attr("y", plot.height + 56).attr("text-anchor", "middle").text("64 coins of the mask, and their heads");
}
