// What the server is asked for (docs/serve.md).

// The token comes as #token=… once; it does not stay in the address, where others could read it.
const given = /^#token=([0-9a-f]+)/.exec(location.hash);
if (given) {
  sessionStorage.setItem('token', given[1]);
  history.replaceState(null, '', location.pathname);
}
const token = sessionStorage.getItem('token');

async function ask(path, options = {}) {
  const headers = {...options.headers};
  if (token) headers.Authorization = `Bearer ${token}`;
  const response = await fetch(path, {...options, headers});
  if (response.ok) return response;
  const {error} = await response.json().catch(() => ({error: response.statusText}));
  throw Object.assign(new Error(error), {status: response.status});
}

export const get = async (path) => (await ask(path)).json();
export const run = (name) => get(`/api/runs/${encodeURIComponent(name)}`);

const post = (path, body, signal) =>
  ask(path, {method: 'POST', body: JSON.stringify(body), headers: {'Content-Type': 'application/json'}, signal});
export const score = async (body) => (await post('/api/score', body)).json();
export const neurons = async (body) => (await post('/api/neurons', body)).json();

async function* lines(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const {done, value} = await reader.read();
    if (done) return;
    const parts = (rest + value).split('\n');
    rest = parts.pop();
    yield parts;
  }
}

// Calls `take` with some objects at a time: characters, and what comes before and after them.
export async function sample(body, signal, take) {
  for await (const some of lines(await post('/api/sample', body, signal))) {
    const objects = some.filter(Boolean).map((line) => JSON.parse(line));
    const failed = objects.find((object) => object.error);
    if (failed) throw new Error(failed.error);
    take(objects);
  }
}

// Resolves when the reader looks at this page.
function seen(signal) {
  if (!document.hidden) return Promise.resolve();
  return new Promise((go) => {
    document.addEventListener('visibilitychange', go, {once: true, signal});
    signal.addEventListener('abort', go, {once: true});
  });
}

// One answer of /events, to its end: gives `take` what comes, and leaves in `place` where to go on.
async function readEvents(name, isLive, signal, take, place) {
  const response = await ask(`/events?run=${encodeURIComponent(name)}&from=${place.value}${isLive ? '' : '&once'}`, {signal});
  take.connected(true);
  let kind = '', data = [];
  for await (const some of lines(response)) {
    for (const line of some) {
      if (line.startsWith('id: ')) place.value = line.slice(4);
      else if (line.startsWith('event: ')) kind = line.slice(7);
      else if (line.startsWith('data: ')) data.push(line.slice(6));
      else if (line === '') {
        if (kind === 'reset') take.reset();
        else if (kind === 'gone') take.gone();
        else if (data.length) take.events(data.map(parsed).filter(Boolean));
        kind = '';
        data = [];
      }
    }
  }
}

// Follows a run's metrics.jsonl until `signal`. take: {events(list), reset(), gone(), connected(yes, why not)}. These are server-sent
// events, but EventSource could not send the token. A browser has six connections to a server, so only what is looked at
// keeps one: what is not live asks now and then.
export async function follow(name, isLive, signal, take) {
  const place = {value: ''};
  while (!signal.aborted) {
    await seen(signal);
    const hidden = new AbortController();
    const hide = () => { if (document.hidden) hidden.abort(); };
    document.addEventListener('visibilitychange', hide);
    try {
      await readEvents(name, isLive, AbortSignal.any([signal, hidden.signal]), take, place);
    } catch (error) {
      if (signal.aborted) return;
      if (error.status === 404) take.gone();
      else if (!hidden.signal.aborted) take.connected(false, error.status ? error.message : 'The server is away; trying again …');
    } finally {
      document.removeEventListener('visibilitychange', hide);
    }
    if (!hidden.signal.aborted) await new Promise((go) => setTimeout(go, isLive ? 1000 : 3000));
  }
}

function parsed(line) {
  try {
    const object = JSON.parse(line);
    return object && typeof object === 'object' && Number.isFinite(object.step) ? object : null;
  } catch {
    return null;
  }
}
