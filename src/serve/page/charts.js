// Line charts that grow, drawn by dygraphs, with a legend of our own: what dygraphs shows itself it takes for markup.
import {el, svg} from './dom.js';
import {color, onTheme} from './theme.js';

// Axes and grid are all that is wanted of it.
Dygraph.PLUGINS = [Dygraph.Plugins.Axes, Dygraph.Plugins.Grid];

const MOST = 1500;  // points a curve

// At most MOST of the points, each the mean of its neighbours.
function thinned(points) {
  if (points.length <= MOST) return points;
  const few = [];
  for (let i = 0; i < MOST; ++i) {
    const some = points.slice(Math.floor(points.length * i / MOST), Math.floor(points.length * (i + 1) / MOST));
    few.push([some.at(-1)[0], some.reduce((sum, p) => sum + p[1], 0) / some.length]);
  }
  return few;
}

// The mean of each point and its neighbours, so that a noisy curve can be read.
function smoothed(points) {
  const radius = Math.floor(points.length / 100);
  return points.map(([x], i) => {
    const some = points.slice(Math.max(0, i - radius), i + radius + 1);
    return [x, some.reduce((sum, p) => sum + p[1], 0) / some.length];
  });
}

// Curves, each with x values of its own, as one table.
function table(curves) {
  const rows = new Map();
  curves.forEach((curve, i) => {
    const points = thinned(curve.points);
    for (const [x, y] of curve.kind === 'smooth' ? smoothed(points) : points) {
      if (!rows.has(x)) rows.set(x, [x, ...new Array(curves.length).fill(null)]);
      rows.get(x)[i + 1] = y;
    }
  });
  return [...rows.values()].sort((a, b) => a[0] - b[0]);
}

const short = (number) => {
  if (number === 0) return '0';
  const size = Math.abs(number);
  if (size >= 1e6) return `${+(number / 1e6).toPrecision(3)}M`;
  if (size >= 1e4) return `${+(number / 1e3).toPrecision(3)}k`;
  return size < 1e-3 ? number.toExponential(0) : String(+number.toPrecision(3));
};

function fade(hex, alpha) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return `rgba(${r},${g},${b},${alpha})`;
}

// chart.draw(curves, options). A curve: {name, points: [[x, y], …], color: NAME of a CSS variable, kind: 'raw',
// 'smooth', 'line' or 'dots'}. What lies under the pointer is written into the legend; dragging zooms, a double click shows all again.
export function chart(title, format, height, signal) {
  const legend = el('div', {class: 'legend'});
  const canvas = el('div', {class: `canvas ${height}`});
  const message = el('p', {class: 'none'}, 'no points yet');
  const figure = el('figure', {class: 'card chart'}, el('figcaption', {}, el('h3', {}, title), legend), canvas, message);
  let graph = null, curves = [], options = {}, frame = 0;

  function say(x, values) {
    const items = [];
    curves.forEach((curve, i) => {
      if (curve.kind === 'raw' && curves.some((other) => other.kind === 'smooth' && other.name === curve.name)) return;
      const value = values?.get(String(i));
      if (!curve.name && value === undefined) return;
      const swatch = el('i', {class: curve.kind});
      swatch.style.color = color(curve.color);
      items.push(el('span', {}, swatch, curve.name, value === undefined ? null : el('b', {}, format(value))));
    });
    if (x !== null) items.unshift(el('span', {class: 'at'}, `${options.unit} ${options.unit === 'step' ? short5(x) : x.toFixed(2)}`));
    legend.replaceChildren(...items);
  }
  const short5 = (x) => Math.round(x).toLocaleString('en');

  function make() {
    frame = 0;
    const data = table(curves);
    message.hidden = data.length > 0;
    canvas.hidden = !data.length;
    graph?.destroy();
    graph = null;
    if (!data.length) return say(null);
    const series = Object.fromEntries(curves.map((curve, i) => [String(i), {
      color: curve.kind === 'raw' ? fade(color(curve.color), 0.3) : color(curve.color),
      strokeWidth: curve.kind === 'raw' ? 1 : 2,
      drawPoints: curve.kind === 'dots',
      pointSize: 3,
    }]));
    graph = new Dygraph(canvas, data, {
      labels: ['x', ...curves.map((_, i) => String(i))],
      series,
      legend: 'never',
      connectSeparatedPoints: true,
      logscale: Boolean(options.log),
      includeZero: Boolean(options.zero),
      xRangePad: 4,
      yRangePad: 8,
      highlightCircleSize: 4,
      animatedZooms: false,
      gridLineColor: color('line'),
      axisLineColor: color('line'),
      axisLabelFontSize: 12,
      axes: {
        x: {axisLabelFormatter: short, axisLabelWidth: 52, drawGrid: false, pixelsPerLabel: 60},
        y: {axisLabelFormatter: short, axisLabelWidth: 46, pixelsPerLabel: 36},
      },
      highlightCallback: (_, x, points) => say(x, new Map(points.map((point) => [point.name, point.yval]))),
      unhighlightCallback: () => say(null),
    });
    say(null);
  }
  const later = () => { frame ||= requestAnimationFrame(make); };
  const forget = onTheme(later);
  const watch = new ResizeObserver(() => graph?.resize());
  watch.observe(canvas);
  signal.addEventListener('abort', () => { forget(); watch.disconnect(); graph?.destroy(); graph = null; });
  return {figure, draw(newCurves, newOptions) { curves = newCurves; options = newOptions; later(); }};
}

// What each epoch's time was spent on: columns that are cut up. bars: [{label, seconds: {phase: seconds}}].
export function phaseBars(bars, phases, width) {
  const height = 148;
  const shown = bars.slice(-Math.floor(width / 14));
  const picture = svg('svg', {viewBox: `0 0 ${width} ${height}`, class: 'phases', role: 'img', 'aria-label': 'shares of the time by phase'});
  const step = width / Math.max(shown.length, 6);
  shown.forEach((bar, i) => {
    const of = (phase) => (bar.seconds[phase] > 0 ? Number(bar.seconds[phase]) : 0);
    const total = phases.reduce((sum, phase) => sum + of(phase), 0);
    let y = height - 16;
    phases.forEach((phase, p) => {
      const part = (height - 20) * of(phase) / (total || 1);
      y -= part;
      picture.append(svg('rect', {x: i * step + 1, y, width: Math.max(step - 3, 1), height: Math.max(part, 0), class: `phase p${p}`},
        svg('title', {}, `${phase}: ${(100 * of(phase) / (total || 1)).toFixed(1)} %`)));
    });
    if (step > 26 || i % 5 === 0) picture.append(svg('text', {x: i * step + step / 2 - 1, y: height - 3, 'text-anchor': 'middle'}, bar.label));
  });
  return picture;
}
