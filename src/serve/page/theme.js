// Dark and light: as the system has it, until the reader chooses.

const wish = matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set();

function apply() {
  document.documentElement.dataset.theme = localStorage.getItem('theme') ?? (wish.matches ? 'dark' : 'light');
  for (const listener of listeners) listener();
}

export function toggle() {
  localStorage.setItem('theme', document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark');
  apply();
}

// Calls `listener` after every change; returns a function that ends that.
export function onTheme(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

wish.addEventListener('change', apply);
apply();
