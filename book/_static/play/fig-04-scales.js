import {line, scaleBand, scaleLinear, scaleLog} from "./d3.js";
import {number, powers, whole} from "./maths.js";

export const title = "Ten networks learn XOR. Too small or too large a start: two ways to be stuck. Which of them does time cure, which a small penalty?";

const SCALES = [0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 3, 5, 10, 20];
const N_STEPS = 10_000;
const LOOKS = [...new Set(powers(1, N_STEPS, 81).map((step) => Math.round(step.toPrecision(2))))];

export const controls = [
  {name: "scale", label: "Scale of the first weights", values: SCALES, value: 0.5},
  {name: "network", label: "Network to look at", values: whole(0, 9), value: 0},
  {name: "step", label: "Step", values: LOOKS, value: 2000, play: 80, format: (step) => number(step, 5)},
  {name: "penalty", label: "Penalty", values: [0, 0.0001, 0.001, 0.01], value: 0, format: (p) => `${p}`},
];

// NumPy's normal draws with seeds 0 to 9, to three decimals: six weights in, three biases, three weights out, one bias.
export const STARTS = [
  [0.126, -0.132, 0.64, 0.105, -0.536, 0.362, 1.304, 0.947, -0.704, -1.265, -0.623, 0.041, -2.325],
  [0.346, 0.822, 0.33, -1.303, 0.905, 0.446, -0.537, 0.581, 0.365, 0.294, 0.028, 0.547, -0.736],
  [0.189, -0.523, -0.413, -2.441, 1.8, 1.144, -0.325, 0.774, 0.281, -0.554, 0.978, -0.311, -0.329],
  [2.041, -2.556, 0.418, -0.568, -0.453, -0.216, -2.02, -0.232, -0.865, 3.323, 0.226, -0.353, -0.281],
  [-0.652, -0.175, 1.664, 0.659, -1.641, -0.005, -0.623, 0.149, -1.608, 0.242, 0.235, 1.576, 0.317],
  [-0.802, -1.324, -0.248, 0.42, 1.136, 0.11, -0.553, -0.785, 0.749, 1.635, 0.273, -1.233, -0.958],
  [1.053, 1.776, -2.553, -0.138, 1.014, 1.352, 0.654, 1.497, 0.29, 0.551, 0.179, -1.074, -0.847],
  [0.001, 0.299, -0.274, -0.891, -0.455, -0.992, 0.06, 1.34, -0.492, -0.62, 0.49, 0.357, 0.105],
  [-1.738, -1.337, -1.361, -0.352, -2.313, -0.189, -0.957, 0.894, 0.957, 1.392, 0.767, -0.053, 0.86],
  [-0.803, 0.243, -1.656, 0.656, 1.143, -0.453, 0.43, 0.251, -0.394, -0.862, -2.033, 1.41, -0.048],
];

const ROWS = [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]; // two inputs, and the truth
const sigmoid = (z) => 1 / (1 + Math.exp(-z));

// The mean cross-entropy of the 2-3-1 network over the four rows, its slope, and the four answers.
export function look(theta, penalty = 0) {
  const slope = theta.map((value) => penalty * value);
  const answers = [];
  const h = [0, 0, 0];
  let loss = 0;
  for (const [a, b, truth] of ROWS) {
    let z = theta[12];
    for (let j = 0; j < 3; j++) {
      h[j] = sigmoid(theta[2 * j] * a + theta[2 * j + 1] * b + theta[6 + j]);
      z += theta[9 + j] * h[j];
    }
    loss += (Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - truth * z) / 4;
    const blame = (sigmoid(z) - truth) / 4;
    answers.push(sigmoid(z));
    for (let j = 0; j < 3; j++) {
      const hidden = blame * theta[9 + j] * h[j] * (1 - h[j]);
      slope[2 * j] += hidden * a;
      slope[2 * j + 1] += hidden * b;
      slope[6 + j] += hidden;
      slope[9 + j] += blame * h[j];
    }
    slope[12] += blame;
  }
  return {loss, slope, answers};
}

const remembered = new Map();
const isLook = new Set(LOOKS);

// Plain gradient descent at rate 3 from every start: what is seen at LOOKS. The size is the length of all 13 numbers.
function descents(scale, penalty) {
  const key = `${scale} ${penalty}`;
  if (!remembered.has(key)) {
    remembered.set(key, STARTS.map((start) => {
      let theta = start.map((value, i) => ([6, 7, 8, 12].includes(i) ? 0 : scale * value));
      const seen = [];
      for (let step = 0; step <= N_STEPS; step++) {
        const {loss, slope, answers} = look(theta, penalty);
        if (isLook.has(step)) seen.push({step, loss, answers, size: Math.hypot(...theta)});
        theta = theta.map((value, i) => value - 3 * slope[i]);
      }
      return seen;
    }));
  }
  return remembered.get(key);
}

const solved = ({answers}) => answers.every((answer, i) => Math.abs(answer - ROWS[i][2]) < 0.25);

// What holds a network, told from what it is now and was when a tenth of the steps were done.
function verdict(then, now) {
  if (solved(now)) return "has solved it";
  if (now.step < 100) return "has just begun";
  if (now.size < 0.01) return "is drawn to zero";
  const [fall, growth] = [then.loss - now.loss, now.size - then.size];
  if (fall < 0.05 && now.answers.every((answer) => Math.abs(answer - 0.5) < 0.1)) return "is on a plateau";
  if (Math.abs(fall) < 0.001 && Math.abs(growth) < 0.05) return "has come to rest";
  return fall < 0.05 && growth > 0.3 && now.loss < 0.5 ? "is in a valley" : "is still learning";
}

export function compute({scale, network, step, penalty}) {
  const paths = descents(scale, penalty);
  const runs = paths.map((run) => run.filter((seen) => seen.step <= step)).map((seen) => ({seen, done: solved(seen.at(-1))}));
  const {seen} = runs[network];
  const [now, then] = [seen.at(-1), seen.findLast((one) => one.step <= step / 10) ?? seen[0]];
  const largest = Math.max(...paths.flat().map(({size}) => size));
  return {runs, now, then, largest, verdict: verdict(then, now), done: runs.filter(({done}) => done).length};
}

export function describe({done, then, now, verdict}, {scale, network, step, penalty}) {
  const price = penalty ? `, with a penalty of ${penalty}` : "";
  const said = now.answers.map((answer) => answer.toFixed(2)).join(", ");
  return `From scale ${scale}${price}, ${done} of 10 networks solve XOR within ${number(step, 5)} steps. Network ${network} ${verdict}: it says ${said} ` +
    `to 00, 01, 10, 11. Since step ${number(then.step, 5)} its loss has gone from ${number(then.loss, 4)} to ${number(now.loss, 4)}, ` +
    `the size of its 13 numbers (root of the sum of squares) from ${number(then.size)} to ${number(now.size)}.`;
}

export function draw(stage, {runs, now, largest}, {network}) {
  const [one, two, three] = stage.places(3, 270, [0.39, 0.35, 0.26]);
  const steps = {x: scaleLog([1, N_STEPS], [0, 1]), xLabel: "step", ticks: 4, xFormat: "~s", yTicks: 6};
  const losses = stage.panel(one, {...steps, y: scaleLinear([0, 1.2], [0, 1]), title: "loss of ten networks"});
  const sizes = stage.panel(two, {...steps, y: scaleLinear([0, 1.1 * largest], [0, 1]), title: "size of their 13 numbers"});
  for (const [level, name] of [[Math.LN2, "one half to all four"], [Math.LN2 / 2, "one half to two"]]) {
    losses.inside.append("line").attr("class", "play-mark").attr("x2", losses.width).attr("y1", losses.y(level)).attr("y2", losses.y(level));
    losses.words(name, 5, losses.y(level) - 6, "start");
  }
  for (const [plot, what] of [[losses, "loss"], [sizes, "size"]]) {
    const path = line((seen) => plot.x(seen.step), (seen) => plot.y(seen[what]));
    runs.forEach(({seen, done}, i) => {
      plot.inside.append("path").attr("class", `play-line ${i === network ? "play-thick " : ""}${done ? "tone-random" : ""}`).attr("d", path(seen));
    });
  }
  const names = ["00", "01", "10", "11"];
  const bars = stage.panel(three, {
    x: scaleBand(names, [0, 1]).padding(0.3), y: scaleLinear([0, 1], [0, 1]), title: `network ${network} says`, xLabel: "dashed: the truth",
  });
  names.forEach((name, i) => {
    const [left, wide] = [bars.x(name), bars.x.bandwidth()];
    bars.inside.append("rect").attr("class", "play-bar").attr("x", left).attr("width", wide)
      .attr("y", bars.y(now.answers[i])).attr("height", bars.height - bars.y(now.answers[i]));
    bars.at.append("line").attr("class", "play-mark").attr("x1", left - 6).attr("x2", left + wide + 6)
      .attr("y1", bars.y(ROWS[i][2])).attr("y2", bars.y(ROWS[i][2]));
  });
}
