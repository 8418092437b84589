import {pointer, scaleLinear} from "./d3.js";
import {number, steps} from "./maths.js";

export const title = "Turn and push the line (or drag it) until every corner is on its side. For which gates can't you?";

const NAMES = {0: "never", 1: "AND", 6: "XOR", 7: "OR", 8: "NOR", 9: "XNOR", 14: "NAND", 15: "always"};
const ROWS = [[0, 0], [0, 1], [1, 0], [1, 1]];
const gateName = (n) => `${n.toString(2).padStart(4, "0")}${NAMES[n] ? ` (${NAMES[n]})` : ""}`;
const GATES = Array.from({length: 16}, (_, n) => gateName(n));
const TURNS = steps(0, 355, 72);
const PUSHES = steps(-1.5, 1.5, 61).map((push) => +push.toFixed(2));

export const controls = [
  {name: "gate", label: "Gate: its answers to 00, 01, 10, 11", values: GATES, value: gateName(1)},
  {name: "turn", label: "Direction of the 1 side", values: TURNS, value: 0, format: (turn) => `${turn}°`},
  {name: "push", label: "Distance from the middle", values: PUSHES, value: 0, format: (push) => number(push)},
];

// The weights (w1, w2, bias) of the neuron whose line that is: the unit vector of the direction, and minus the distance.
export function weights({turn, push}) {
  const [w1, w2] = [Math.cos((turn * Math.PI) / 180), Math.sin((turn * Math.PI) / 180)];
  return [w1, w2, -(w1 + w2) / 2 - push];
}

const wanted = (gate) => [...gate.slice(0, 4)].map(Number);
const says = (theta) => ROWS.map(([a, b]) => (theta[0] * a + theta[1] * b + theta[2] > 1e-9 ? 1 : 0));

// The most rows that any line on the sliders gets right.
export function best(gate) {
  let most = 0;
  for (const turn of TURNS) for (const push of PUSHES) {
    const answers = says(weights({turn, push}));
    most = Math.max(most, wanted(gate).filter((truth, i) => truth === answers[i]).length);
  }
  return most;
}

export function compute({gate, turn, push}) {
  const theta = weights({turn, push});
  const answers = says(theta);
  const truths = wanted(gate);
  return {theta, answers, truths, right: truths.filter((truth, i) => truth === answers[i]).length, best: best(gate)};
}

export function describe({theta, right, best}, {gate}) {
  const verdict = right === 4 ? "All four corners are right." : `${right} of 4 corners are right.`;
  const hope = best === 4 ? (right === 4 ? "" : " There is a line for this gate.") : " No line gets more than 3: two of its demands contradict the other two.";
  return `Gate ${gate}. ${verdict}${hope} Weights ${number(theta[0], 2)} and ${number(theta[1], 2)}, bias ${number(theta[2], 2)}.`;
}

export function draw(stage, {theta, answers, truths}, state, set) {
  const [place] = stage.places(1, 340);
  const span = scaleLinear([-0.8, 1.8], [0, 1]);
  const panel = stage.panel(place, {x: span, y: span, xLabel: "first input", yLabel: "second input", square: true, ticks: 3});
  const {x, y, inside} = panel;
  const [w1, w2, bias] = theta;
  const foot = [-w1 * bias, -w2 * bias]; // the point of the line that is nearest to (0, 0); the weights have length 1
  const along = (far, out) => [x(foot[0] - far * w2 + out * w1), y(foot[1] + far * w1 + out * w2)];
  inside.append("path").attr("class", "play-band tone-linear").attr("d", `M${[along(9, 0), along(-9, 0), along(-9, 9), along(9, 9)].join("L")}Z`);
  const [start, end] = [along(9, 0), along(-9, 0)];
  inside.append("line").attr("class", "play-line tone-linear").attr("x1", start[0]).attr("y1", start[1]).attr("x2", end[0]).attr("y2", end[1]);
  ROWS.forEach(([a, b], i) => {
    inside.append("circle").attr("class", truths[i] ? "play-full" : "play-hollow").attr("r", 11).attr("cx", x(a)).attr("cy", y(b));
    panel.at.append("text").attr("class", "play-words").attr("x", x(a) + 18).attr("y", y(b) + 5).text(truths[i] === answers[i] ? "✓" : "✗");
  });
  // Dragging puts the line where the pointer is, square to the direction from the middle to it.
  const nearest = (values, value) => values.reduce((one, two) => (Math.abs(two - value) < Math.abs(one - value) ? two : one));
  inside.append("rect").attr("class", "play-touch").attr("width", panel.width).attr("height", panel.height)
    .on("pointerdown pointermove", (event) => {
      if (!event.buttons) return;
      const [px, py] = pointer(event, panel.at.node());
      const [dx, dy] = [x.invert(px) - 0.5, y.invert(py) - 0.5];
      const towards = [Math.cos((state.turn * Math.PI) / 180), Math.sin((state.turn * Math.PI) / 180)];
      const side = dx * towards[0] + dy * towards[1] < 0 ? -1 : 1; // the 1 side stays the 1 side
      const turn = ((Math.atan2(side * dy, side * dx) * 180) / Math.PI + 360) % 360;
      set({turn: nearest(TURNS, turn), push: nearest(PUSHES, side * Math.hypot(dx, dy))});
    });
}
