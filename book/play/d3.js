// The parts of D3 that the figures use. Each is a module of its own, so that the bundle holds nothing else.
export {axisBottom, axisLeft} from "d3-axis";
export {contours} from "d3-contour";
export {scaleBand, scaleLinear, scaleLog} from "d3-scale";
export {pointer, select} from "d3-selection";
export {area, line} from "d3-shape";
