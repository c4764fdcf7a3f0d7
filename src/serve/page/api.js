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

// Follows a run's metrics.jsonl until `signal`. take: {events(list), reset(), gone(), connected(yes)}. It is a server-sent
// event stream, but EventSource could not send the token.
export async function follow(name, signal, take) {
  let place = '';
  while (!signal.aborted) {
    try {
      const response = await ask(`/events?run=${encodeURIComponent(name)}&from=${place}`, {signal});
      take.connected(true);
      let kind = '', data = [];
      for await (const some of lines(response)) {
        for (const line of some) {
          if (line.startsWith('id: ')) place = line.slice(4);
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
    } catch (error) {
      if (signal.aborted) return;
      if (error.status === 404) take.gone();
      else take.connected(false);
    }
    await new Promise((go) => setTimeout(go, 2000));
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
