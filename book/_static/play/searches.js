// The searches that chapter 14 replays on its table of designs.

import {designOf, genesOf} from "./designs.js";
import {sum, whole} from "./maths.js";

export const BUDGET = 120;

// Each search is given the table's sizes, a generator, and `train`: design -> the score of one of its networks, by lot.
// It returns [design, score] in the order of the trainings.
export const SEARCHES = {
  "random search": (sizes, rng, train) => {
    const deck = whole(0, sizes.reduce((n, size) => n * size) - 1);
    return whole(0, BUDGET - 1).map((i) => {
      const j = i + rng.below(deck.length - i);
      [deck[i], deck[j]] = [deck[j], deck[i]];
      return [deck[i], train(deck[i])];
    });
  },
  "program of 2017": (sizes, rng, train) => programOf2017(sizes, rng, train, 0.2, false),
  "program of 2017, all mutate, none trained twice": (sizes, rng, train) => programOf2017(sizes, rng, train, 1, true),
  "plain evolution": (sizes, rng, train) => plainEvolution(sizes, rng, train, true),
  "TPE": tpe,
  "plain evolution, no selection": (sizes, rng, train) => plainEvolution(sizes, rng, train, false),
};

// Twenty designs; the best 40 % live on, each other one with a chance of 10 %; children are crossed, and some mutate. With
// a cache no design is trained twice: it keeps its first score.
function programOf2017(sizes, rng, train, mutation, cache) {
  const seen = [];
  const known = new Map();
  const trained = (genes) => {
    const design = designOf(genes, sizes);
    if (!cache || !known.has(design)) {
      known.set(design, train(design));
      seen.push([design, known.get(design)]);
    }
    return {genes, score: known.get(design)};
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
        if (rng.uniform() < mutation) {
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
