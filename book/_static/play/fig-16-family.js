import {line, scaleLinear} from "./d3.js";
import {mean, number, Random, steps, whole} from "./maths.js";

export const title = "Breed activations here, for small networks that learn to tell points apart. What wins where a line will do, and where it won't?";

const TASKS = {"a line divides them": (x, y, noise) => x + y + 0.5 * noise > 0, "one kind lies around the other": (x, y, noise) => x * x + y * y + 0.3 * noise > 1.4};
const N_GENERATIONS = 6;
const [N_GENOMES, N_PARENTS, N_SEEDS] = [20, 5, 2];
const [WIDTH, N_POINTS, N_STEPS] = [6, 40, 60];
const [REACH, FINE] = [8, 16];

export const controls = [
  {name: "task", label: "Two kinds of points", values: Object.keys(TASKS), value: Object.keys(TASKS)[1]},
  {name: "seed", label: "Run", values: whole(1, 6), value: 1},
  {name: "generation", label: "Generation", values: whole(1, N_GENERATIONS), value: N_GENERATIONS, play: 900},
];

// Functions as trees, grown and cut as in the chapter: "x", a number, or [operator, child, ...].
const sigmoid = (a) => 1 / (1 + Math.exp(-a));
const UNARY = {neg: (a) => -a, tanh: Math.tanh, relu: (a) => Math.max(a, 0), sin: Math.sin, sigmoid, abs: Math.abs, square: (a) => a * a, gauss: (a) => Math.exp(-a * a)};
const BINARY = {add: (a, b) => a + b, mul: (a, b) => a * b, max: Math.max};
const inner = (tree) => Array.isArray(tree);

export function value(tree, x) {
  if (tree === "x") return x;
  return inner(tree) ? (UNARY[tree[0]] ?? BINARY[tree[0]])(...tree.slice(1).map((child) => value(child, x))) : tree;
}

const places = (tree) => [[], ...(inner(tree) ? tree.slice(1).flatMap((child, i) => places(child).map((path) => [i + 1, ...path])) : [])];
const put = (tree, [i, ...rest], fresh) => (i === undefined ? fresh : tree.with(i, put(tree[i], rest, fresh)));
const sound = (tree) => places(tree).length <= 12 && JSON.stringify(tree).includes('"x"');
const pick = (rng, values) => values[rng.below(values.length)];

function grow(rng, depth) {
  if (depth === 0 || rng.uniform() < 0.2) return rng.uniform() < 0.75 ? "x" : Math.round(10 * rng.normal()) / 10;
  const one = rng.uniform() < 0.6;
  return [pick(rng, Object.keys(one ? UNARY : BINARY)), ...whole(1, one ? 1 : 2).map(() => grow(rng, depth - 1))];
}

function until(make) {
  for (;;) {
    const tree = make();
    if (sound(tree)) return tree;
  }
}

export function shown(tree) {
  if (!inner(tree)) return String(tree).replace("-", "−");
  const [name, ...words] = [tree[0], ...tree.slice(1).map(shown)];
  if (name === "add" || name === "mul") return `(${words.join(name === "add" ? " + " : " · ")})`;
  if (name !== "neg" && name !== "square") return `${name}(${words.join(", ")})`;
  const word = /^−|²$/.test(words[0]) ? `(${words[0]})` : words[0];
  return name === "neg" ? `−${word}` : `${word}²`;
}

// Share of a function's variance that a straight line explains, for standard normal x.
export function straightness(tree) {
  const xs = new Random(99).normals(400);
  const ys = xs.map((x) => value(tree, x));
  const [a, b] = [mean(xs), mean(ys)];
  const covariance = (us, u, vs, v) => mean(us.map((one, i) => (one - u) * (vs[i] - v)));
  const spread = covariance(ys, b, ys, b);
  return spread > 1e-12 ? covariance(xs, a, ys, b) ** 2 / covariance(xs, a, xs, a) / spread : 0;
}

// One training, by Adam: the share of fresh points that a network of six hidden units then tells apart.
export function train(tree, rate, task, seed) {
  const rng = new Random(seed);
  const read = steps(-REACH, REACH, 2 * REACH * FINE + 1).map((x) => Math.max(-100, Math.min(100, value(tree, x) || 0)));
  const points = whole(1, 3 * N_POINTS).map(() => {
    const [x, y, noise] = rng.normals(3);
    return {x, y, right: TASKS[task](x, y, noise) ? 1 : 0};
  });
  const theta = [...rng.normals(3 * WIDTH).map((w, i) => (i % 3 === 2 ? 0 : w / Math.SQRT2)), ...rng.normals(WIDTH).map((w) => w / Math.sqrt(WIDTH)), 0];
  const [first, second] = [theta.map(() => 0), theta.map(() => 0)];
  const [bent, slope] = [Array(WIDTH), Array(WIDTH)];
  const out = ({x, y}) => {
    let sum = theta[4 * WIDTH];
    for (let j = 0; j < WIDTH; j++) {
      const h = theta[3 * j] * x + theta[3 * j + 1] * y + theta[3 * j + 2];
      const i = Math.max(0, Math.min(read.length - 2, Math.floor((h + REACH) * FINE) || 0));
      slope[j] = (read[i + 1] - read[i]) * FINE;
      bent[j] = read[i] + slope[j] * (h - (i / FINE - REACH));
      sum += theta[3 * WIDTH + j] * bent[j];
    }
    return sum;
  };
  for (let step = 1; step <= N_STEPS; step++) {
    const grad = theta.map(() => 0);
    for (const point of points.slice(0, N_POINTS)) {
      const blame = (sigmoid(out(point)) - point.right) / N_POINTS;
      for (let j = 0; j < WIDTH; j++) {
        const back = blame * theta[3 * WIDTH + j] * slope[j];
        grad[3 * j] += back * point.x;
        grad[3 * j + 1] += back * point.y;
        grad[3 * j + 2] += back;
        grad[3 * WIDTH + j] += blame * bent[j];
      }
      grad[4 * WIDTH] += blame;
    }
    const scale = Math.sqrt(1 - 0.999 ** step) / (1 - 0.9 ** step);
    grad.forEach((g, i) => {
      first[i] = 0.9 * first[i] + 0.1 * g;
      second[i] = 0.999 * second[i] + 0.001 * g * g;
      theta[i] -= (rate * scale * first[i]) / (Math.sqrt(second[i]) + 1e-8);
    });
  }
  return mean(points.slice(N_POINTS).map((point) => (out(point) > 0 === (point.right === 1) ? 1 : 0)));
}

// The chapter's outer loop: five of twenty stay, are scored again on fresh seeds, and have mutants.
export function evolve(task, seed) {
  const rng = new Random(seed);
  const film = [];
  for (let generation = 0; generation < N_GENERATIONS; generation++) {
    const parents = film.at(-1) ?? [];
    const population = parents.map((genome, i) => ({...genome, mother: i, scores: [...genome.scores]}));
    while (population.length < N_GENOMES) {
      const mother = parents.length ? rng.below(parents.length) : -1;
      const old = parents[mother];
      const tree = until(() => (old ? put(old.tree, pick(rng, places(old.tree)), grow(rng, 2)) : grow(rng, 3)));
      const rate = old ? old.rate * 10 ** (0.2 * rng.normal()) : 10 ** (-2 + 1.5 * rng.uniform());
      population.push({tree, rate, mother, scores: []});
    }
    for (const genome of population) {
      for (let i = 0; i < N_SEEDS; i++) genome.scores.push(train(genome.tree, genome.rate, task, 1000 * seed + N_SEEDS * generation + i));
      genome.score = mean(genome.scores);
    }
    film.push(population.sort((a, b) => b.score - a.score).slice(0, N_PARENTS));
  }
  return film;
}

const remembered = new Map();

export function compute({task, seed, generation}) {
  const key = `${task} ${seed}`;
  if (!remembered.has(key)) remembered.set(key, evolve(task, seed));
  const film = remembered.get(key);
  const winners = [0]; // her place in each generation, from the last one back
  for (const parents of film.slice(1).reverse()) winners.unshift(parents[winners[0]].mother);
  return {film: film.slice(0, generation), winners};
}

export function describe({film}, {task, seed, generation}) {
  const {tree, score} = film.at(-1)[0];
  return `Points of two kinds, ${task}; run ${seed}, generation ${generation}: the best function is ${shown(tree)}. Networks with it tell ${number(100 * score, 2)} % ` +
    `of fresh points apart (mean of the trainings that scored it); a straight line explains ${Math.round(100 * straightness(tree))} % of it. Orange: the line of the last winner.`;
}

export function draw(stage, {film, winners}) {
  const [place] = stage.places(1, 360);
  const plot = stage.panel(place, {x: scaleLinear([0.5, N_GENERATIONS + 0.5], [0, 1]), y: scaleLinear([N_PARENTS + 0.5, 0.5], [0, 1]), xLabel: "generation", yLabel: "", title: "parents, best on top", ticks: N_GENERATIONS, yTicks: N_PARENTS});
  const curve = line((p) => plot.x(p[0]), (p) => plot.y(p[1]));
  film.forEach((parents, g) => parents.forEach(({tree, mother}, row) => {
    const tone = winners[g] === row ? "tone-evolution" : "tone-random";
    const points = steps(-3, 3, 60).map((x) => [g + 1 + x / 10, row + 1 - Math.max(-3, Math.min(3, value(tree, x))) / 7.5]);
    plot.inside.append("path").attr("class", `play-line ${tone}`).attr("d", curve(points));
    if (g > 0) plot.inside.append("path").attr("class", `play-line ${tone}`).attr("stroke-opacity", 0.45).attr("d", curve([[g + 0.34, mother + 1], [g + 0.66, row + 1]]));
  }));
}
