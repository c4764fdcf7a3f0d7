// How a run is: in a word, and how far it has come.
import {el} from './dom.js';

export function badge(run) {
  const code = run.state === 'failed' ? ` (${run.exit_code})` : '';
  return el('span', {class: `badge ${run.state}`}, run.state + code);
}

export function progress(run) {
  const share = run.steps ? Math.min(1, run.step / run.steps) : 0;
  const bar = el('span', {class: 'bar', role: 'progressbar', 'aria-valuenow': Math.round(100 * share), 'aria-label': 'steps'}, el('i', {}));
  bar.firstChild.style.width = `${100 * share}%`;
  return bar;
}
