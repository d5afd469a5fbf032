/** Requests to the server: JSON over HTTP, and when to try again. */

/** Milliseconds after which a request is given up. */
const PATIENCE = 30000;

export class RequestError extends Error {
  /**
   * @param {number} status 0: the server was not reached
   * @param {WidgetRefusal & {most?: number}} [answer] most: the bytes that a file may have
   * @param {number} [wait] seconds that the server asks for
   */
  constructor(status, answer = {}, wait = 0) {
    super(answer.message ?? 'No connection.');
    this.status = status;
    // A proxy that refuses a large body does so with a page of its own.
    this.code = answer.code ?? (status === 413 ? 'PAYLOAD_TOO_LARGE' : undefined);
    this.details = answer.details;
    this.most = answer.most;
    this.wait = wait * 1000;
    /** Whether the same request may succeed later. */
    this.passes = !status || status === 429 || status >= 500;
  }
}

/**
 * A request that is about the conversation.
 * @typedef {(method: string, path: string, fields?: object, signal?: AbortSignal) => Promise<any>} Call
 */

/**
 * @param {string} method
 * @param {string} address
 * @param {object} [body] sent as JSON; for GET and DELETE it becomes the query
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>} the answer's JSON
 */
export async function request(method, address, body, signal) {
  /** @type {RequestInit} */
  const options = { method, keepalive: true, signal: signal ?? AbortSignal.timeout(PATIENCE) };
  if (/GET|DELETE/.test(method)) address += query(body);
  else Object.assign(options, { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } });
  const response = await fetch(address, options).catch(() => {
    throw new RequestError(0);
  });
  const answer = await response.json().catch(() => {});
  if (response.ok && answer) return answer;
  if (response.ok || /40[1345]/.test(`${response.status}`)) warnOfPage(method, address, response);
  // An answer that is cut off, or the sign-in page of a network, does not count as an answer.
  throw new RequestError(response.ok ? 0 : response.status, answer, Number(response.headers.get('Retry-After')));
}

let warned = false;

/**
 * Warn the site's developer that another part of the site answers for the chat. Once: the chat polls again and again.
 * @param {string} method
 * @param {string} address
 * @param {Response} response
 */
function warnOfPage(method, address, { headers, redirected, url, status }) {
  if (warned || !/html/.test(headers.get('Content-Type') ?? '')) return;
  warned = true;
  // A query may hold the handle of the conversation.
  const [path, place] = [address, url].map((one) => one.split('?')[0]);
  const page = redirected ? `the HTML page ${place}` : `an HTML page with status ${status}`;
  console.error(
    `PocketPing: ${method} ${path} was answered by ${page} instead of the chat. ` +
      'If the app checks sign-in before each request, let its blueprint "pocketping" through.',
  );
}

/** @param {object} [fields] */
export const query = (fields = {}) => `?${new URLSearchParams(Object.entries(fields))}`;

/** Milliseconds to wait before the next try: longer each time, and never the same for all. @param {number} tries */
export const backOff = (tries) => Math.min(30000, 500 * 2 ** tries) * (0.5 + Math.random() / 2);
