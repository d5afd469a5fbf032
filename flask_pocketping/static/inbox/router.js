/** Where the operator is, as the address says it, so that back, forward, reload and links work. */

/**
 * @typedef {object} Place
 * @property {'list' | 'conversation' | 'stats'} screen
 * @property {string} sessionId
 * @property {boolean} details whether the details lie over the conversation
 */

const STATS = 'statistics';

export class Router {
  /**
   * @param {string} base
   * @param {(place: Place) => void} onMove
   */
  constructor(base, onMove) {
    this.root = `${base}/inbox`;
    this.onMove = onMove;
    addEventListener('popstate', () => onMove(this.place()));
  }

  /** @returns {Place} */
  place() {
    const rest = decoded(location.pathname.slice(this.root.length)).replace(/^\/+|\/+$/g, '');
    const screen = rest === STATS ? 'stats' : rest ? 'conversation' : 'list';
    return { screen, sessionId: screen === 'conversation' ? rest : '', details: location.hash === '#details' };
  }

  /** @param {string} sessionId */
  conversation(sessionId) {
    return `${this.root}/${encodeURIComponent(sessionId)}`;
  }

  get stats() {
    return `${this.root}/${STATS}`;
  }

  /**
   * @param {string} address
   * @param {{replace?: boolean}} [options] replace: the place before is none to come back to
   */
  go(address, { replace = false } = {}) {
    if (address === location.pathname + location.hash) return;
    history[replace ? 'replaceState' : 'pushState']({ inside: true }, '', address);
    this.onMove(this.place());
  }

  /** One screen up: back where that is where the operator came from. */
  up() {
    const { details, sessionId } = this.place();
    const above = details ? this.conversation(sessionId) : this.root;
    if (history.state?.inside && matchMedia('(max-width: 760px)').matches) history.back();
    else this.go(above);
  }
}

/**
 * A part of an address in plain letters; one that is broken stays as it is.
 *
 * @param {string} text
 */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
