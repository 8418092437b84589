// The 672 designs of chapter 14: what they are made of, and how they are numbered.

// What a design is made of, in words: number of layers, neurons, activation, optimiser.
export const GENES = [
  ["1 layer", "2 layers", "3 layers", "4 layers"],
  ["64 neurons", "128 neurons", "256 neurons", "512 neurons", "768 neurons", "1024 neurons"],
  ["relu", "elu", "tanh", "sigmoid"],
  ["rmsprop", "adam", "sgd", "adagrad", "adadelta", "adamax", "nadam"],
];

// Designs are numbered as their four genes count, the last fastest.
export const genesOf = (design, sizes) => {
  const genes = [];
  for (const size of [...sizes].reverse()) {
    genes.unshift(design % size);
    design = Math.floor(design / size);
  }
  return genes;
};
export const designOf = (genes, sizes) => genes.reduce((index, gene, i) => index * sizes[i] + gene, 0);

// A design's genes in words, and as the cells of a table.
export const words = (design, sizes) => genesOf(design, sizes).map((gene, i) => GENES[i][gene]);
export const cells = (design, sizes) => words(design, sizes).map((word) => parseInt(word) || word);
