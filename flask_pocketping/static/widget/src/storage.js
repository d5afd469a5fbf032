/** What the browser stores for the next page. */

/** Local storage under a prefix, or memory where the browser forbids it. @param {string} prefix @returns {WidgetStorage} */
export function openStorage(prefix) {
  /** What local storage has no room for. @type {Record<string, string>} */
  const memory = {};
  /** @type {Record<string, string>} */
  let stored = {};
  try {
    localStorage[prefix] = '';
    stored = localStorage;
    delete stored[prefix];
  } catch {
    // The browser forbids it.
  }

  /** @param {string} key */
  function remove(key) {
    delete memory[prefix + key];
    delete stored[prefix + key];
  }

  return {
    shared: 'setItem' in stored,
    remove,
    get(key) {
      try {
        return JSON.parse(memory[prefix + key] ?? stored[prefix + key]);
      } catch {
        return null;
      }
    },
    set(key, value) {
      const text = JSON.stringify(value);
      remove(key);
      try {
        stored[prefix + key] = text;
      } catch {
        memory[prefix + key] = text;
      }
    },
    keys(start) {
      const theirs = Object.keys({ ...memory, ...stored }).filter((key) => key.startsWith(prefix + start));
      return theirs.map((key) => key.slice(prefix.length));
    },
  };
}
