// What the figures compute with, apart from the page: ranges, numbers as text, and seeded randomness.

// n numbers from low to high, evenly spaced, or by an even factor.
export const steps = (low, high, n) => Array.from({length: n}, (_, i) => low + ((high - low) * i) / (n - 1));
export const powers = (low, high, n) => steps(Math.log(low), Math.log(high), n).map(Math.exp);
export const whole = (low, high) => Array.from({length: high - low + 1}, (_, i) => low + i);

export const sum = (values) => values.reduce((total, value) => total + value, 0);
export const mean = (values) => sum(values) / values.length;

// Three figures, with a true minus and without useless zeros: 0.0845, 1,753, −3.2, 3.1 · 10⁻⁷.
export function number(value, digits = 3) {
  if (!Number.isFinite(value)) return value > 0 ? "∞" : value < 0 ? "−∞" : "undefined";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) {
    const [base, power] = value.toExponential(digits - 1).split("e");
    return `${base} · 10${superscript(+power)}`.replaceAll("-", "−");
  }
  const places = size === 0 ? 0 : Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return value.toLocaleString("en-GB", {maximumFractionDigits: places}).replaceAll("-", "−");
}

const superscript = (power) => String(power).replaceAll(/./g, (sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)]);

// A power of ten at an axis: 10⁶.
export const power = (value) => `10${superscript(Math.round(Math.log10(value)))}`;

// A generator with a seed: the same numbers in every browser (mulberry32, by Tommy Ettinger; 32 bits of state).
export class Random {
  constructor(seed) {
    this.state = (seed + 1) * 0x9e3779b9;
  }

  uniform() {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  below(n) {
    return Math.floor(n * this.uniform());
  }

  // Standard normal, by Box and Muller (1958).
  normal() {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  normals(n) {
    return Array.from({length: n}, () => this.normal());
  }
}
