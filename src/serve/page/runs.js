// The table of all runs.
import * as api from './api.js';
import {el, svg} from './dom.js';
import {ago, bits, loss, rate, whole} from './format.js';
import {badge, progress} from './run_state.js';

function sparkline(points) {
  const width = 150, height = 36;
  const picture = svg('svg', {viewBox: `0 0 ${width} ${height}`, class: 'spark', role: 'img', 'aria-label': 'training loss'});
  if (points.length < 2) return picture;
  const sorted = points.map((p) => p[1]).sort((a, b) => a - b);
  const low = sorted[0], high = Math.max(sorted[Math.floor(0.97 * (sorted.length - 1))], low + 1e-9);
  const first = points[0][0], last = Math.max(points.at(-1)[0], first + 1);
  const place = ([step, value]) =>
    [3 + (width - 6) * (step - first) / (last - first), 3 + (height - 6) * (1 - Math.min(1, (value - low) / (high - low)))];
  const places = points.map(place);
  const line = places.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ');
  picture.append(svg('polygon', {points: `${places[0][0]},${height} ${line} ${places.at(-1)[0]},${height}`, class: 'area'}),
                 svg('polyline', {points: line}),
                 svg('circle', {cx: places.at(-1)[0], cy: places.at(-1)[1], r: 2.5}));
  return picture;
}

const cell = (label, ...children) => el('td', {'data-label': label}, children);
const second = (text) => el('small', {}, text);

function row(run) {
  const validation = run.best_val_loss ?? run.val_loss;
  return el('tr', {},
    el('th', {scope: 'row'}, el('a', {href: `#/run/${encodeURIComponent(run.name)}`}, run.name), second(run.model || '–')),
    cell('State', badge(run), second(ago(run.updated))),
    cell('Step', el('span', {}, whole(run.step)), progress(run)),
    cell('Train', el('span', {class: 'number'}, loss(run.loss)), run.loss !== null && second(`${bits(run.loss).toFixed(3)} bpc`)),
    cell('Validation', el('span', {class: 'number'}, loss(validation)), validation !== null && second(`${bits(validation).toFixed(3)} bpc`)),
    cell('Char/s', el('span', {class: 'number'}, rate(run.characters_per_second)), second(run.ranks ? `${run.ranks} rank${run.ranks === 1 ? '' : 's'}` : '')),
    el('td', {class: 'picture'}, sparkline(run.sparkline)));
}

function model(file) {
  const query = `run=${encodeURIComponent(file.name)}`;
  return el('li', {class: 'card'}, el('div', {}, el('b', {}, file.name), second(file.model ? `${file.model} · ${whole(file.parameters)} parameters` : 'damaged')),
    file.model && el('span', {class: 'row'}, el('a', {class: 'button', href: `#/write?${query}`}, 'Write'), el('a', {class: 'button', href: `#/inside?${query}`}, 'Inside')));
}

const HEADS = ['Run', 'State', 'Step', 'Train loss', 'Best validation', 'Char/s', 'Training loss over time'];

export function runs(place, _, signal) {
  document.title = 'Runs · charrnn_dist';
  const count = el('p', {class: 'lead'});
  const body = el('tbody', {});
  const table = el('table', {class: 'runs-table', hidden: true}, el('thead', {}, el('tr', {}, HEADS.map((head) => el('th', {scope: 'col'}, head)))), body);
  const empty = el('div', {class: 'card empty', hidden: true}, el('h2', {}, 'No runs yet'),
    el('p', {}, 'Runs appear here as they start:'), el('pre', {}, 'charrnn_dist train --corpus text.txt --name first'));
  const models = el('ul', {class: 'models'});
  const shelf = el('section', {hidden: true}, el('h2', {}, 'Models'), models);
  place.append(el('div', {class: 'heading'}, el('h1', {}, 'Runs'), count), table, empty, shelf);
  let shown = '';
  async function refresh() {
    if (!document.hidden) {
      try {
        const {runs: all} = await api.get('/api/runs');
        if (signal.aborted) return;
        const list = all.filter((run) => run.state !== 'model'), files = all.filter((run) => run.state === 'model');
        list.sort((a, b) => b.updated - a.updated || a.name.localeCompare(b.name));
        const training = list.filter((run) => run.state === 'training').length;
        count.textContent = `${list.length} in all${training ? `, ${training} training now` : ''}`;
        count.hidden = !list.length;
        shelf.hidden = !files.length;
        table.hidden = !list.length;
        empty.hidden = !!list.length;
        const state = JSON.stringify(all);
        if (state !== shown) {
          const focused = place.contains(document.activeElement) ? document.activeElement.hash : null;
          body.replaceChildren(...list.map(row));
          models.replaceChildren(...files.map(model));
          [...place.querySelectorAll('a')].find((link) => link.hash === focused)?.focus({preventScroll: true});
        }
        shown = state;
      } catch (error) {
        count.textContent = error.status ? error.message : 'The server is away; trying again …';
      }
    }
    if (!signal.aborted) setTimeout(refresh, 3000);
  }
  refresh();
}
