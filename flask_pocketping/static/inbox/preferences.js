/** What this browser remembers for its operator: theme, sound, drafts. Without storage, until a reload. */

const PREFIX = 'pocketping-inbox:';

/** @typedef {'auto' | 'light' | 'dark'} Theme */

/**
 * @param {string} name
 * @returns {string | null}
 */
export function recall(name) {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return memory.get(name) ?? null;
  }
}

/**
 * @param {string} name
 * @param {string | null} value null forgets it
 */
export function remember(name, value) {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, value);
  } catch {
    if (value === null) memory.delete(name);
    else memory.set(name, value);
  }
}

/** @type {Map<string, string>} */
const memory = new Map();

/** @returns {Theme} */
export function theme() {
  const found = recall('theme');
  return found === 'light' || found === 'dark' ? found : 'auto';
}

/** @param {Theme} [wanted] without it the one that is remembered */
export function applyTheme(wanted) {
  if (wanted) remember('theme', wanted === 'auto' ? null : wanted);
  document.documentElement.dataset.theme = theme();
}

/** @param {string} sessionId */
export const draftOf = (sessionId) => recall(`draft:${sessionId}`) ?? '';

/**
 * @param {string} sessionId
 * @param {string} text
 */
export const keepDraft = (sessionId, text) => remember(`draft:${sessionId}`, text || null);
