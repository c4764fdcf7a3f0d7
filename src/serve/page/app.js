// Which page is shown, by the address: #/runs, #/run/NAME, #/write?run=NAME, #/inside?run=NAME.
import {el} from './dom.js';
import {inside} from './inside.js';
import {runPage} from './run.js';
import {runs} from './runs.js';
import {toggle} from './theme.js';
import {write} from './write.js';

const main = document.getElementById('main');
const pages = {runs, run: runPage, write, inside};
let leave = null;

// A page is a function (place, {path, query}, signal): it fills `place`, and stops when `signal` says that it was left.
function show() {
  if (location.hash === '#main') return;
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
  const [name, ...rest] = path.split('/');
  const page = pages[name] ? name : 'runs';
  leave?.abort();
  leave = new AbortController();
  for (const link of document.querySelectorAll('nav a')) {
    const isHere = link.dataset.page === (page === 'run' ? 'runs' : page);
    if (isHere) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  const place = el('div', {class: `page ${page}`});
  main.replaceChildren(place);
  document.title = 'charrnn_dist';
  scrollTo(0, 0);
  pages[page](place, {path: decoded(rest.join('/')), query: new URLSearchParams(query)}, leave.signal);
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

document.getElementById('theme').addEventListener('click', toggle);
addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, textarea, select')) return;
  const to = {r: '#/runs', w: '#/write', i: '#/inside'}[event.key];
  if (to) location.hash = to;
  if (event.key === 'd') toggle();
});
addEventListener('hashchange', show);
show();
