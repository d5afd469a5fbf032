/** The REST API as the inbox uses it, with the operator's short-lived token. */

/** @typedef {import('./types.js').Operator} Operator */
/** @typedef {{id: string, name: string}} Project */
/** @typedef {import('./types.js').Attachment} Attachment */
/**
 * @typedef {{token: string, operator: Operator, project: Project, projects: Project[],
 *   capabilities: import('./types.js').Capabilities, life: number, goodUntil: number}}
 *   Token projects: those that the operator may see; life: in milliseconds; goodUntil: by the clock of this machine
 */

/** The path of the saved replies in the REST API. */
export const SAVED_REPLIES = '/saved-replies';

/** What the server refused. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {Record<string, any>} body
   * @param {number} [retryAfter] seconds
   */
  constructor(status, body, retryAfter = 0) {
    super(body.message || `HTTP ${status}`);
    this.status = status;
    this.code = body.code ?? '';
    this.details = body.details ?? {};
    this.retryAfter = retryAfter;
  }
}

/** Nobody is signed in to the host's app, or nobody who may open this inbox. */
export class SignedOut extends Error {}

/** The server can't be reached, or does not answer. */
export class Unreachable extends Error {}

/** Milliseconds after which a request is given up. */
const ANSWER_WITHIN = 30_000;

/**
 * Tell whether a request that failed may succeed later.
 *
 * @param {unknown} error
 */
export function passes(error) {
  return error instanceof Unreachable || (error instanceof Refused && (error.status >= 500 || error.status === 429));
}

export class Api {
  /**
   * @param {string} base where the extension is, without a slash at its end
   * @param {string} [project] '' is the one that the server chooses
   */
  constructor(base, project = '') {
    this.base = base;
    this.project = project;
    /** @type {Token | null} */
    this.token = null;
    /** @type {Promise<Token> | null} */
    this.asking = null;
    /** Whether the last token was refused because the operator may not open this project. */
    this.refusesProject = false;
  }

  /**
   * Return a token that stays valid for a while.
   *
   * @param {{fresh?: boolean}} [options] fresh: ask for a new one, even if there is one
   * @returns {Promise<Token>}
   */
  async signIn({ fresh = false } = {}) {
    if (!fresh && this.token && this.token.goodUntil - Date.now() > Math.min(10_000, this.token.life / 4))
      return this.token;
    this.asking ??= this.askForToken().finally(() => (this.asking = null));
    return this.asking;
  }

  /** @returns {Promise<Token>} */
  async askForToken() {
    const answer = await reach((signal) =>
      fetch(`${this.base}/inbox/token${this.project && `?project=${this.project}`}`, {
        method: 'POST',
        credentials: 'same-origin',
        redirect: 'manual',
        signal,
      }),
    );
    // A redirect leads to the host's sign-in.
    if (answer.type === 'opaqueredirect' || [401, 404].includes(answer.status)) throw new SignedOut();
    if (answer.status === 403) {
      this.refusesProject = Boolean((await refusal(answer)).details.project);
      throw new SignedOut();
    }
    if (!answer.ok) throw await refusal(answer);
    const { token, expiresAt, operator, project, projects, capabilities } = await answer.json();
    // The clock of this machine may be wrong; the server's tells how long the token is valid.
    const now = Date.parse(answer.headers.get('Date') ?? '') || Date.now();
    const life = Date.parse(expiresAt) - now;
    this.token = { token, operator, project, projects, capabilities, life, goodUntil: Date.now() + life };
    return this.token;
  }

  /**
   * Make a request. If the token is refused, try once more with a new one.
   *
   * @param {string} method
   * @param {string} path
   * @param {{body?: unknown, query?: Record<string, string | number | boolean | undefined>, key?: string}} [options]
   *   key: the Idempotency-Key
   * @returns {Promise<any>}
   */
  async call(method, path, { body, query = {}, key } = {}) {
    const entries = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
    const search = new URLSearchParams(entries.map(([name, value]) => [name, String(value)])).toString();
    const send = async () => {
      const { token } = await this.signIn();
      /** @type {Record<string, string>} */
      const headers = { Authorization: `Bearer ${token}` };
      if (body !== undefined) headers['Content-Type'] = 'application/json';
      if (key) headers['Idempotency-Key'] = key;
      const text = body === undefined ? null : JSON.stringify(body);
      const url = `${this.base}${path}${search && `?${search}`}`;
      return reach((signal) => fetch(url, { method, headers, body: text, signal, credentials: 'same-origin' }));
    };
    let answer = await send();
    if (answer.status === 401) {
      await this.signIn({ fresh: true });
      answer = await send();
    }
    if (answer.status === 401) throw new SignedOut();
    if (!answer.ok) throw await refusal(answer);
    return answer.status === 204 ? null : reach(() => answer.json());
  }

  /**
   * Tell the server something without waiting for the answer, even while the page is being left.
   *
   * @param {string} method
   * @param {string} path
   * @param {Record<string, string>} query
   */
  tell(method, path, query) {
    if (!this.token) return;
    const headers = { Authorization: `Bearer ${this.token.token}` };
    const url = `${this.base}${path}?${new URLSearchParams(query)}`;
    fetch(url, { method, headers, keepalive: true, credentials: 'same-origin' }).catch(() => {});
  }

  /**
   * Upload a file to a conversation. If the token is refused, try once more with a new one.
   *
   * @param {string} sessionId
   * @param {File} file
   * @param {(share: number) => void} onProgress
   * @param {AbortSignal} signal
   * @returns {Promise<Attachment>}
   */
  async upload(sessionId, file, onProgress, signal) {
    const path = `/sessions/${encodeURIComponent(sessionId)}/attachments?filename=${encodeURIComponent(file.name)}`;
    const send = async (/** @type {boolean} */ fresh) =>
      this.put(path, file, (await this.signIn({ fresh })).token, onProgress, signal);
    return send(false).catch((error) => {
      if (error instanceof Refused && error.status === 401) return send(true);
      throw error;
    });
  }

  /**
   * @param {string} path
   * @param {File} file
   * @param {string} token
   * @param {(share: number) => void} onProgress
   * @param {AbortSignal} signal
   * @returns {Promise<Attachment>}
   */
  put(path, file, token, onProgress, signal) {
    return new Promise((resolve, reject) => {
      // fetch does not report the progress of an upload.
      const request = new XMLHttpRequest();
      request.open('POST', this.base + path);
      request.setRequestHeader('Authorization', `Bearer ${token}`);
      request.setRequestHeader('Content-Type', 'application/octet-stream');
      request.upload.onprogress = ({ loaded, total }) => onProgress(total ? loaded / total : 0);
      request.onerror = () => reject(new Unreachable());
      request.onload = () => {
        const body = parse(request.responseText);
        if (request.status === 201) resolve(body.attachment);
        else reject(new Refused(request.status, body));
      };
      signal.addEventListener('abort', () => request.abort());
      request.send(file);
    });
  }
}

/**
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} ask
 * @returns {Promise<T>}
 */
async function reach(ask) {
  const stop = new AbortController();
  const late = setTimeout(() => stop.abort(), ANSWER_WITHIN);
  try {
    return await ask(stop.signal);
  } catch {
    throw new Unreachable();
  } finally {
    clearTimeout(late);
  }
}

/** @param {Response} answer */
async function refusal(answer) {
  const body = parse(await answer.text().catch(() => ''));
  return new Refused(answer.status, body, Number(answer.headers.get('Retry-After')) || 0);
}

/** @param {string} text */
function parse(text) {
  try {
    const body = JSON.parse(text);
    return body && typeof body === 'object' ? body : {};
  } catch {
    return {};
  }
}
