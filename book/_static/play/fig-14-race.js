import {cells, GENES, genesOf, words} from "./designs.js";
import {line, scaleLinear} from "./d3.js";
import {mean, number, Random, whole} from "./maths.js";
import {BUDGET, SEARCHES} from "./searches.js";
import {matches} from "./table.js";

export const title = "Replay five searches, and evolution that selects nobody. What do they find? Then sort the table by what was printed: do other networks keep up?";
export const data = "designs";

const N_REPLAYS = 60;

export const controls = [
  {name: "search", label: "Search", values: Object.keys(SEARCHES), value: "plain evolution"},
  {name: "trainings", label: "Trainings", values: whole(4, BUDGET), value: 117, play: 60},
  {name: "replay", label: "Replay that is drawn", values: whole(1, N_REPLAYS), value: 1},
];

export const table = {
  caption: "Accuracy in per cent. Test: mean of three networks. Printed: the best training of this design in the replay, on validation images. Again: what the design's other networks have on the same images.",
  filter: "Look designs up: the tiles follow", hint: "for example: adam 768 2 layers", sortedBy: 4,
  columns: [{name: "lay\u00aders"}, {name: "neu\u00adrons"}, {name: "acti\u00advation"}, {name: "opti\u00admiser"},
    {name: "test", digits: 1}, {name: "prin\u00adted", digits: 1}, {name: "again", digits: 1}],
};

// Accuracy of those networks of a design that did not print the score; of all where all have that one.
function again(design, printed, validation, accuracy = validation) {
  const others = whole(0, 2).filter((network) => validation[design][network] !== printed);
  return others.length ? mean(others.map((network) => accuracy[design][network])) : mean(accuracy[design]);
}

// One replay: after each training the design, its score, the winner so far with what was printed for it, what its other
// networks have, and the regret.
export function replay(search, seed, {sizes, validation, test}) {
  const rng = new Random(seed);
  const top = Math.max(...test.map(mean));
  const seen = SEARCHES[search](sizes, rng, (design) => validation[design][rng.below(3)]);
  let best = 0;
  return seen.map(([design, score], i) => {
    if (score > seen[best][1]) best = i;
    const [winner, printed] = seen[best];
    return {design, score, winner, printed, again: again(winner, printed, validation), regret: 100 * (top - again(winner, printed, validation, test))};
  });
}

const VOCABULARY = new Set(["layers", "neurons", ...GENES.flat().map((word) => word.split(" ")[0])]);
const remembered = new Map();

export function compute({search, trainings, replay: shown, filter = ""}, {sizes, validation, test}) {
  if (!remembered.has(search)) remembered.set(search, whole(1, N_REPLAYS).map((seed) => replay(search, seed, {sizes, validation, test})));
  const replays = remembered.get(search);
  const now = replays.map((one) => one[trainings - 1]);
  const printed = new Map(); // the best score of each design that was trained
  for (const {design, score} of replays[shown - 1].slice(0, trainings)) printed.set(design, Math.max(score, printed.get(design) ?? 0));
  const designs = test.map((tests, design) => {
    const score = printed.get(design);
    return {design, cells: cells(design, sizes), worth: mean(tests), printed: score, again: score && again(design, score, validation)};
  });
  return {
    sizes, own: now[shown - 1], trained: [...printed.keys()], top: Math.max(...designs.map(({worth}) => worth)),
    found: designs.filter(({cells: [layers, neurons, ...kinds]}) => matches(filter, [`${layers}`, "layers", `${neurons}`, "neurons", ...kinds], VOCABULARY)),
    curve: whole(0, BUDGET - 1).map((i) => mean(replays.map((one) => one[i].regret))),
    regret: mean(now.map(({regret}) => regret)),
    curse: 100 * mean(now.map(({printed, again}) => printed - again)),
  };
}

const percent = (share) => share && 100 * share;
export const rows = ({found}) => found.map(({cells, worth, printed, again}) => [...cells, ...[worth, printed, again].map(percent)]);

export function describe({trained, own, regret, curse, sizes}, {search, trainings}) {
  return `After ${trainings} trainings (${trained.length} different designs) this replay of ${search} prints ${number(100 * own.printed)} % for ${words(own.winner, sizes).join(", ")}; its other networks have ${number(100 * own.again)} %. ` +
    `Mean of ${N_REPLAYS} replays: regret ${number(regret)} points, printed score ${number(curse, 2)} too high.`;
}

export function draw(stage, {found, sizes, trained, own, top, curve}, {trainings}) {
  const [one, two] = stage.places(2, 330, [0.55, 0.45]);
  const [, neurons, activations] = sizes;
  const chart = stage.panel(one, {
    x: scaleLinear([0, 28], [0, 1]), y: scaleLinear([24, 0], [0, 1]), ticks: 0, xLabel: "optimiser, activation", yLabel: "layers, neurons", title: "designs: the more blue, the better",
  });
  const [wide, high] = [chart.width / 28, chart.height / 24];
  const tiles = (designs, mark) => chart.inside.selectAll(`.${mark}`).data(designs.map((design) => genesOf(design, sizes))).join("rect").attr("class", mark)
    .attr("x", ([, , activation, optimiser]) => (activations * optimiser + activation) * wide)
    .attr("y", ([layer, neuron]) => (neurons * layer + neuron) * high).attr("width", wide).attr("height", high);
  tiles(found.map(({design}) => design), "play-tile").attr("fill-opacity", (_, i) => Math.max(0.03, ((found[i].worth - 0.1) / (top - 0.1)) ** 2));
  tiles(found.filter(({printed}) => printed).map(({design}) => design), "play-seen").attr("rx", 3);
  tiles([own.winner], "play-winner");
  const plot = stage.panel(two, {x: scaleLinear([0, BUDGET], [0, 1]), y: scaleLinear([0, 6], [0, 1]), xLabel: "trainings", title: "mean regret, points", ticks: 5});
  plot.inside.append("path").attr("class", "play-line tone-evolution").attr("d", line((_, i) => plot.x(i + 1), (v) => plot.y(v))(curve));
  plot.inside.append("circle").attr("class", "play-dot tone-evolution").attr("r", 7).attr("cx", plot.x(trainings)).attr("cy", plot.y(curve[trainings - 1]));
}
