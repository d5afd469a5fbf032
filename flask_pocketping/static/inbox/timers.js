/** Timers that run on time in the background, as far as the browser lets them. */

/** @type {Map<number, () => void>} */
const waiting = new Map();
/** @type {Worker | null | undefined} undefined: not tried yet; null: the browser has none */
let worker;
let last = 0;

/**
 * Call something later.
 *
 * @param {number} wait in milliseconds
 * @param {() => void} run
 * @returns {() => void} cancels it
 */
export function later(wait, run) {
  const id = ++last;
  waiting.set(id, run);
  // A worker costs a thread, and the timers of a visible page are on time.
  const ticker = globalThis.document?.visibilityState === 'hidden' ? background() : null;
  if (ticker) ticker.postMessage({ id, wait });
  else setTimeout(() => ring(id), wait);
  return () => waiting.delete(id);
}

/** @param {number} id */
function ring(id) {
  const run = waiting.get(id);
  waiting.delete(id);
  run?.();
}

function background() {
  if (worker !== undefined) return worker;
  try {
    worker = new Worker(new URL('./ticker.js', import.meta.url));
    worker.onmessage = ({ data }) => ring(data);
    worker.onerror = () => {
      worker = null;
      // A timer that fires early does no harm; one that never fires would.
      for (const id of [...waiting.keys()]) setTimeout(() => ring(id), 1000);
    };
  } catch {
    worker = null;
  }
  return worker;
}
