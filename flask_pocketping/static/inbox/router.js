/** The route in the page's address, so that back, forward, reload and links work. */

/**
 * @typedef {object} Route
 * @property {'list' | 'conversation' | 'stats'} screen
 * @property {string} sessionId
 * @property {boolean} details whether the details cover the conversation
 * @property {string} messageId the message of the conversation to bring into view, '' if none
 */

const STATS = 'statistics';

export class Router {
  /**
   * @param {string} base
   * @param {string} project the one that the page's address names, '' if it names none
   * @param {(route: Route) => void} onNavigate
   */
  constructor(base, project, onNavigate) {
    this.inbox = `${base}/inbox`;
    this.root = this.inbox + (project && `/${project}`);
    this.onNavigate = onNavigate;
    addEventListener('popstate', () => onNavigate(this.route()));
  }

  /** @returns {Route} */
  route() {
    const rest = decoded(location.pathname.slice(this.root.length)).replace(/^\/+|\/+$/g, '');
    const screen = rest === STATS ? 'stats' : rest ? 'conversation' : 'list';
    return {
      screen,
      sessionId: screen === 'conversation' ? rest : '',
      details: location.hash === '#details',
      messageId: /^#(msg_\w+)$/.exec(location.hash)?.[1] ?? '',
    };
  }

  /**
   * @param {string} sessionId
   * @param {string} [messageId] the message to bring into view
   */
  conversation(sessionId, messageId = '') {
    return `${this.root}/${encodeURIComponent(sessionId)}${messageId && `#${messageId}`}`;
  }

  /**
   * The inbox of another project.
   *
   * @param {string} id
   */
  project(id) {
    return `${this.inbox}/${encodeURIComponent(id)}`;
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
 * Tell the project that an address names: it stands before the conversation.
 *
 * @param {string} path
 * @param {string} base
 */
export function projectOf(path, base) {
  const [first = ''] = path.slice(`${base}/inbox/`.length).split('/');
  return /^proj_\w+$/.test(first) ? first : '';
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
