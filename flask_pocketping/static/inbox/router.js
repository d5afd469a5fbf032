/** The route in the page's address, so that back, forward, reload and links work. */

/**
 * @typedef {object} Route
 * @property {'list' | 'conversation' | 'stats'} screen
 * @property {string} sessionId
 * @property {boolean} details whether the details cover the conversation
 */

const STATS = 'statistics';

export class Router {
  /**
   * @param {string} base
   * @param {(route: Route) => void} onNavigate
   */
  constructor(base, onNavigate) {
    this.root = `${base}/inbox`;
    this.onNavigate = onNavigate;
    addEventListener('popstate', () => onNavigate(this.route()));
  }

  /** @returns {Route} */
  route() {
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
   * @param {{replace?: boolean}} [options] replace: the operator does not go back to the present address
   */
  go(address, { replace = false } = {}) {
    if (address === location.pathname + location.hash) return;
    history[replace ? 'replaceState' : 'pushState']({ inside: true }, '', address);
    this.onNavigate(this.route());
  }

  /** Go one screen up: back in the history, if the operator came from there. */
  up() {
    const { details, sessionId } = this.route();
    const above = details ? this.conversation(sessionId) : this.root;
    if (history.state?.inside && matchMedia('(max-width: 760px)').matches) history.back();
    else this.go(above);
  }
}

/**
 * Decode a part of an address; a malformed one stays as it is.
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
