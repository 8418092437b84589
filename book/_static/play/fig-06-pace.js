import {line, scaleLinear} from "./d3.js";
import {mean, number, Random, whole} from "./maths.js";

export const title = "Fifty lines walk to the cross. What sets their pace, and what stops them?";

const N_RUNS = 20;
const N_GENERATIONS = 60;
const X = whole(0, 19).map((i) => -1 + (2 * i) / 19);

export const controls = [
  {name: "sigma", label: "Mutation scale σ", values: [0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 1], value: 0.1},
  {name: "parents", label: "Parents, of fifty", values: [1, 2, 5, 10, 20, 35, 50], value: 10},
  {name: "far", label: "Target", values: ["(2, 3)", "three times as far"], value: "(2, 3)"},
  {name: "generation", label: "Generation", values: whole(0, N_GENERATIONS), value: 10, play: 120},
];

const mse = ([w, b], goal) => mean(X.map((x) => ((w - goal[0]) * x + b - goal[1]) ** 2));

// One run of chapter 6's loop: every generation's lines and its champion. The champion lives on, the others are new.
export function evolve(sigma, parents, goal, seed) {
  const rng = new Random(seed);
  let lines = whole(1, 50).map(() => [2 * rng.uniform() - 1, 2 * rng.uniform() - 1]);
  const film = [];
  for (let generation = 0; generation <= N_GENERATIONS; generation++) {
    const error = new Map(lines.map((one) => [one, mse(one, goal)]));
    const best = [...lines].sort((one, two) => error.get(one) - error.get(two)).slice(0, parents);
    film.push({lines, champion: best[0], error: error.get(best[0])});
    const child = () => {
      const [mother, father] = [best[rng.below(parents)], best[rng.below(parents)]];
      return mother.map((gene, i) => (rng.uniform() < 0.5 ? gene : father[i]) + sigma * rng.normal());
    };
    lines = [best[0], ...whole(1, 49).map(child)];
  }
  return film;
}

const remembered = new Map();

export function compute({sigma, parents, far, generation}) {
  const goal = far === "(2, 3)" ? [2, 3] : [6, 9];
  const key = `${sigma} ${parents} ${far}`;
  if (!remembered.has(key)) remembered.set(key, whole(1, N_RUNS).map((seed) => evolve(sigma, parents, goal, seed)));
  const films = remembered.get(key);
  const away = ({champion}) => Math.hypot(champion[0] - goal[0], champion[1] - goal[1]);
  const distance = whole(0, N_GENERATIONS).map((g) => mean(films.map((film) => away(film[g]))));
  const arrived = films.filter((film) => film[generation].champion.every((value, i) => Math.abs(value - goal[i]) < 0.05)).length;
  return {goal, distance, arrived, lines: films[0][generation].lines, pace: (distance[2] - distance[10]) / 8 / sigma};
}

export function describe({distance, arrived, pace}, {sigma, parents, generation}) {
  const walking = distance[10] > 4 * sigma ? `From generation 2 to 10 it came ${number(pace)} σ nearer in each.` : "By generation 10 it had nearly arrived.";
  return `With σ ${sigma} and ${parents} of 50 as parents the champion is ${number(distance[generation], 2)} from the target in generation ${generation}, ` +
    `and ${arrived} of ${N_RUNS} runs are within 0.05 of both numbers. ${walking}`;
}

export function draw(stage, {goal, distance, lines}, {generation}) {
  const [one, two] = stage.places(2, 320);
  const plane = stage.panel(one, {
    x: scaleLinear([-1.6, goal[0] * 1.6], [0, 1]), y: scaleLinear([-1.6, goal[1] * 1.6], [0, 1]), xLabel: "W", yLabel: "b", title: `fifty lines, generation ${generation}`,
  });
  plane.inside.selectAll("circle").data(lines).join("circle").attr("class", "play-dot tone-evolution").attr("r", 4)
    .attr("cx", ([w]) => plane.x(w)).attr("cy", ([, b]) => plane.y(b));
  const [px, py] = [plane.x(goal[0]), plane.y(goal[1])];
  plane.inside.append("path").attr("class", "play-cross").attr("d", `M${px - 9},${py}h18M${px},${py - 9}v18`);
  const plot = stage.panel(two, {
    x: scaleLinear([0, N_GENERATIONS], [0, 1]), y: scaleLinear([0, Math.hypot(...goal) * 1.1], [0, 1]), xLabel: "generation", title: "distance of the champion, 20 runs",
  });
  const path = line((_, g) => plot.x(g), (d) => plot.y(d));
  plot.inside.append("path").attr("class", "play-line tone-evolution").attr("d", path(distance));
  plot.inside.append("circle").attr("class", "play-dot tone-evolution").attr("r", 7).attr("cx", plot.x(generation)).attr("cy", plot.y(distance[generation]));
}
