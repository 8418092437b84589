import {line, scaleLinear} from "./d3.js";
import {mean, number, Random, sum, whole} from "./maths.js";

export const title = "Replay the searches on the table of 672: what do they find, and what do they only print? Sort it, or look designs up.";
export const data = "designs";

const N_REPLAYS = 60;
const BUDGET = 120;

// What a design is made of, in words: number of layers, neurons, activation, optimiser.
export const GENES = [
  ["1 layer", "2 layers", "3 layers", "4 layers"],
  ["64 neurons", "128 neurons", "256 neurons", "512 neurons", "768 neurons", "1024 neurons"],
  ["relu", "elu", "tanh", "sigmoid"],
  ["rmsprop", "adam", "sgd", "adagrad", "adadelta", "adamax", "nadam"],
];

export const controls = [
  {name: "search", label: "Search", values: ["random search", "program of 2017", "plain evolution", "TPE", "plain evolution, no selection"], value: "plain evolution"},
  {name: "trainings", label: "Trainings", values: whole(4, BUDGET), value: 117, play: 60},
  {name: "replay", label: "Replay that is drawn", values: whole(1, N_REPLAYS), value: 1},
  {name: "order", label: "Table sorted by", values: ["settings", "accuracy"], value: "settings"},
  {name: "only", label: "Look up", values: ["all designs", ...GENES.flat()], value: "all designs"},
];

// The table: designs are numbered as their four genes count, the last fastest.
export const genesOf = (design, sizes) => {
  const genes = [];
  for (const size of [...sizes].reverse()) {
    genes.unshift(design % size);
    design = Math.floor(design / size);
  }
  return genes;
};
export const designOf = (genes, sizes) => genes.reduce((index, gene, i) => index * sizes[i] + gene, 0);

// Each search is given the table's sizes, a generator, and `train`: design -> the score of one of its networks, by lot.
// It returns [design, score] in the order of the trainings.
const SEARCHES = {
  "random search": (sizes, rng, train) => {
    const deck = whole(0, sizes.reduce((n, size) => n * size) - 1);
    return whole(0, BUDGET - 1).map((i) => {
      const j = i + rng.below(deck.length - i);
      [deck[i], deck[j]] = [deck[j], deck[i]];
      return [deck[i], train(deck[i])];
    });
  },
  "program of 2017": programOf2017,
  "plain evolution": (sizes, rng, train) => plainEvolution(sizes, rng, train, true),
  "TPE": tpe,
  "plain evolution, no selection": (sizes, rng, train) => plainEvolution(sizes, rng, train, false),
};

// Twenty designs; the best 40 % live on, each other one with a chance of 10 %; children are crossed, and one in five mutates.
function programOf2017(sizes, rng, train) {
  const seen = [];
  const trained = (genes) => {
    const design = designOf(genes, sizes);
    seen.push([design, train(design)]);
    return {genes, score: seen.at(-1)[1]};
  };
  let population = whole(1, 20).map(() => trained(sizes.map((size) => rng.below(size))));
  while (seen.length < BUDGET) {
    population.sort((one, two) => two.score - one.score);
    const parents = population.filter((_, rank) => rank < 8 || rng.uniform() < 0.1);
    const children = [];
    while (parents.length + children.length < 20) {
      const mother = rng.below(parents.length);
      const father = (mother + 1 + rng.below(parents.length - 1)) % parents.length;
      for (let twin = 0; twin < 2 && parents.length + children.length < 20; twin++) {
        const genes = parents[mother].genes.map((gene, i) => (rng.uniform() < 0.5 ? gene : parents[father].genes[i]));
        if (rng.uniform() < 0.2) {
          const i = rng.below(4);
          genes[i] = rng.below(sizes[i]);
        }
        children.push(genes);
      }
    }
    population = [...parents, ...children.map(trained)];
  }
  return seen.slice(0, BUDGET);
}

// The best of five drawn from the last twenty has a child with one gene at another value.
function plainEvolution(sizes, rng, train, selects) {
  const seen = [];
  const add = (design) => seen.push([design, train(design)]);
  for (let i = 0; i < 20; i++) add(designOf(sizes.map((size) => rng.below(size)), sizes));
  while (seen.length < BUDGET) {
    const drawn = whole(1, selects ? 5 : 1).map(() => seen[seen.length - 20 + rng.below(20)]);
    const genes = genesOf(drawn.reduce((best, one) => (one[1] > best[1] ? one : best))[0], sizes);
    const i = rng.below(4);
    genes[i] = (genes[i] + 1 + rng.below(sizes[i] - 1)) % sizes[i];
    add(designOf(genes, sizes));
  }
  return seen;
}

// Bergstra et al. (2011): train where the best tenth lies dense against the rest.
function tpe(sizes, rng, train) {
  const seen = [];
  const add = (design) => seen.push([design, train(design)]);
  for (let i = 0; i < 10; i++) add(designOf(sizes.map((size) => rng.below(size)), sizes));
  while (seen.length < BUDGET) {
    const order = seen.map((_, i) => i).sort((i, j) => seen[j][1] - seen[i][1] || i - j);
    const nGood = Math.ceil(seen.length / 10);
    const [good, rest] = [order.slice(0, nGood), order.slice(nGood)].map((part) => density(part.sort((i, j) => i - j).map((i) => seen[i][0]), sizes));
    const total = sum(good);
    let best, top = -Infinity;
    for (let k = 0; k < 24; k++) {
      let at = rng.uniform() * total, design = 0;
      while (design < good.length - 1 && (at -= good[design]) > 0) design++;
      if (good[design] / rest[design] > top) [best, top] = [design, good[design] / rest[design]];
    }
    add(best);
  }
  return seen;
}

// A heap for each design that was seen, the oldest of many fading, and a little of it slides along each gene.
export function density(designs, sizes) {
  const n = designs.length;
  const fading = Math.max(n - 25, 0);
  const weights = designs.map((_, i) => (i >= fading ? 1 : fading === 1 ? 1 / n : 1 / n + ((1 - 1 / n) * i) / (fading - 1)));
  const length = sizes.reduce((product, size) => product * size);
  const heaps = new Float64Array(length).fill(1 / length);
  designs.forEach((design, i) => (heaps[design] += weights[i]));
  let stride = length;
  for (const size of sizes) {
    stride /= size;
    for (let block = 0; block < length; block += stride * size) {
      for (let k = block; k < block + stride; k++) {
        let slide = 0;
        for (let i = 0; i < size; i++) slide += heaps[k + i * stride];
        for (let i = 0; i < size; i++) heaps[k + i * stride] = (heaps[k + i * stride] + slide / (n + 1)) / (1 + size / (n + 1));
      }
    }
  }
  const total = 1 + sum(weights);
  return heaps.map((heap) => heap / total);
}

// One replay: [design, printed score, network that printed it] in order, and the regret after each training.
export function replay(search, seed, {sizes, validation, test}) {
  const rng = new Random(seed);
  const top = Math.max(...test.map(mean));
  const networks = [];
  const seen = SEARCHES[search](sizes, rng, (design) => {
    networks.push(rng.below(3));
    return validation[design][networks.at(-1)];
  });
  let best = 0;
  return seen.map(([design, score], i) => {
    if (score > seen[best][1]) best = i;
    const [winner, printed] = seen[best];
    const judges = whole(0, 2).filter((network) => validation[winner][network] !== printed);
    const asked = (table) => (judges.length ? mean(judges.map((network) => table[winner][network])) : printed);
    return {design, winner, printed, again: asked(validation), regret: 100 * (top - asked(test))};
  });
}

const remembered = new Map();

export function compute({search, trainings, replay: shown, only}, table) {
  if (!remembered.has(search)) remembered.set(search, whole(1, N_REPLAYS).map((seed) => replay(search, seed, table)));
  const replays = remembered.get(search);
  const now = replays.map((one) => one[trainings - 1]);
  const worth = table.test.map(mean);
  const ranked = worth.map((_, design) => design).sort((one, two) => worth[two] - worth[one]);
  return {
    worth, ranked, sizes: table.sizes,
    found: ranked.filter((design) => only === "all designs" || words(design, table.sizes).includes(only)),
    seen: replays[shown - 1].slice(0, trainings).map(({design}) => design), own: now[shown - 1],
    curve: whole(0, BUDGET - 1).map((i) => mean(replays.map((one) => one[i].regret))),
    regret: mean(now.map(({regret}) => regret)),
    curse: 100 * mean(now.map(({printed, again}) => printed - again)),
  };
}

const words = (design, sizes) => genesOf(design, sizes).map((gene, i) => GENES[i][gene]);

export function describe({worth, ranked, found, seen, own, regret, curse, sizes}, {search, trainings, only}) {
  const kinds = new Set(seen);
  const [best] = found;
  const lookedUp = only === "all designs" ? "" : ` With ${only}: ${found.length} designs, ${found.filter((design) => kinds.has(design)).length} of them trained; ` +
    `the best, ${words(best, sizes).filter((word) => word !== only).join(", ")}, is number ${ranked.indexOf(best) + 1} of 672 (${number(100 * worth[best])} % on test).`;
  return `After ${trainings} trainings (${kinds.size} different designs) this replay of ${search} prints ${number(100 * own.printed)} % for ${words(own.winner, sizes).join(", ")}; its other networks have ${number(100 * own.again)} %. ` +
    `Mean of ${N_REPLAYS} replays: regret ${number(regret)} points, printed score ${number(curse, 2)} too high.${lookedUp}`;
}

export function draw(stage, {worth, ranked, found, sizes, seen, own, curve}, {trainings, order}) {
  const [one, two] = stage.places(2, 330, [0.55, 0.45]);
  const [, neurons, activations] = sizes;
  const place = (design) => {
    if (order === "accuracy") return [ranked.indexOf(design) % 28, Math.floor(ranked.indexOf(design) / 28)];
    const [layer, neuron, activation, optimiser] = genesOf(design, sizes);
    return [activations * optimiser + activation, neurons * layer + neuron];
  };
  const labels = order === "accuracy" ? {xLabel: "best on top, row by row"} : {xLabel: "optimiser, activation", yLabel: "layers, neurons"};
  const chart = stage.panel(one, {x: scaleLinear([0, 28], [0, 1]), y: scaleLinear([24, 0], [0, 1]), title: "designs: the more blue, the better", ticks: 0, ...labels});
  const [wide, high] = [chart.width / 28, chart.height / 24];
  const dots = (designs, mark) => chart.inside.selectAll(`.${mark}`).data(designs).join("rect").attr("class", mark)
    .attr("x", (d) => place(d)[0] * wide).attr("y", (d) => place(d)[1] * high).attr("width", wide).attr("height", high);
  const top = Math.max(...worth);
  dots(found, "play-tile").attr("fill-opacity", (d) => Math.max(0.03, ((worth[d] - 0.1) / (top - 0.1)) ** 2));
  dots(seen.filter((design) => found.includes(design)), "play-seen").attr("rx", 3);
  dots([own.winner], "play-winner");
  const plot = stage.panel(two, {x: scaleLinear([0, BUDGET], [0, 1]), y: scaleLinear([0, 6], [0, 1]), xLabel: "trainings", title: "mean regret, points", ticks: 5});
  plot.inside.append("path").attr("class", "play-line tone-evolution").attr("d", line((_, i) => plot.x(i + 1), (v) => plot.y(v))(curve));
  plot.inside.append("circle").attr("class", "play-dot tone-evolution").attr("r", 7).attr("cx", plot.x(trainings)).attr("cy", plot.y(curve[trainings - 1]));
}
