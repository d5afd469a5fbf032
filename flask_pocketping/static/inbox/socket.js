/** The WebSocket of the inbox. It reconnects by itself, and asks for what it missed by a cursor. */

/** @typedef {import('./types.js').Frame} Frame */
/** @typedef {'connecting' | 'open' | 'lost' | 'signed out'} SocketState */

const FIRST_WAIT = 400;
const LONGEST_WAIT = 15_000;
/** A connection that died silently is found by a ping that is not answered. */
const PING_EVERY = 25_000;
const PONG_WITHIN = 10_000;
/** Some proxies open a connection, and let nothing through. */
const OPEN_WITHIN = 15_000;
const UNAUTHORIZED = 4401;

export class Socket {
  /**
   * @param {object} options
   * @param {string} options.url
   * @param {(fresh: boolean) => Promise<string>} options.token
   * @param {() => boolean} options.available whether the operator counts as online
   * @param {() => string | null} options.cursor behind what to go on
   * @param {() => number} [options.longestWait] milliseconds between two tries, at most, if more than usual
   * @param {(frame: Frame) => void} options.onFrame
   * @param {(state: SocketState) => void} options.onState
   * @param {(error: unknown) => boolean} options.isSignedOut
   */
  constructor({ url, token, available, cursor, longestWait = () => 0, onFrame, onState, isSignedOut }) {
    this.url = url;
    this.token = token;
    this.available = available;
    this.cursor = cursor;
    this.longestWait = longestWait;
    this.onFrame = onFrame;
    this.onState = onState;
    this.isSignedOut = isSignedOut;
    /** @type {SocketState} */
    this.state = 'connecting';
    /** @type {WebSocket | null} */
    this.socket = null;
    /** The cursor that the server was told. @type {string | null} */
    this.after = null;
    this.wait = FIRST_WAIT;
    this.fresh = false;
    /** Whether the server was told, with the token, that the operator is available. */
    this.told = true;
    this.refusals = 0;
    this.stopped = false;
    this.retry = 0;
    this.pinging = 0;
    this.silence = 0;
  }

  /** Connect, and stay connected. */
  async start() {
    if (this.stopped || this.socket) return;
    clearTimeout(this.retry);
    const socket = await this.open();
    if (!socket) return;
    socket.onmessage = ({ data }) => this.receive(JSON.parse(data));
    socket.onclose = ({ code }) => this.lost(socket, code);
  }

  async open() {
    /** @type {string} */
    let token;
    // This keeps others from connecting while the token is on its way.
    const socket = (this.socket = /** @type {WebSocket} */ (/** @type {unknown} */ ({ close() {} })));
    try {
      token = await this.token(this.fresh);
    } catch (error) {
      this.socket = null;
      if (this.isSignedOut(error)) this.signedOut();
      else this.again();
      return null;
    }
    if (this.stopped || this.socket !== socket) return null;
    const opened = (this.socket = new WebSocket(this.url));
    this.silence = window.setTimeout(() => this.lost(opened, 0), OPEN_WITHIN);
    opened.onopen = () => {
      this.after = this.cursor();
      this.told = this.available();
      opened.send(
        JSON.stringify({ type: 'auth', apiKey: token, after: this.after ?? undefined, available: this.told }),
      );
    };
    return opened;
  }

  /** Try again at once: the network is back, or the page is visible again. */
  hurry() {
    if (this.stopped) return;
    if (this.state === 'open') this.ping();
    else if (!this.socket) {
      if (!this.longestWait()) this.wait = FIRST_WAIT;
      void this.start();
    }
  }

  /**
   * Send a frame, if the line is there; nobody waits for typing or presence.
   *
   * @param {Frame} frame
   * @returns {boolean} whether it went
   */
  send(frame) {
    if (this.state !== 'open') return false;
    this.socket?.send(JSON.stringify(frame));
    return true;
  }

  /** @param {string} token */
  renew(token) {
    this.send({ type: 'auth', apiKey: token });
  }

  /** @param {Frame} frame */
  receive(frame) {
    clearTimeout(this.silence);
    if (frame.type === 'auth.ok' && this.state !== 'open') {
      // Polling began while the server looked at the token: what lies between the two beginnings would be missed.
      if (this.after === null && this.cursor() !== null) return this.anew();
      this.onFrame(frame);
      this.wait = FIRST_WAIT;
      this.fresh = false;
      this.refusals = 0;
      this.tell('open');
      // Nothing could be sent while the server looked at the token.
      if (this.told !== this.available()) this.send({ type: 'available', available: this.available() });
      this.pinging = window.setInterval(() => this.ping(), PING_EVERY);
    } else this.onFrame(frame);
  }

  ping() {
    this.send({ type: 'ping' });
    clearTimeout(this.silence);
    const socket = this.socket;
    this.silence = window.setTimeout(() => socket && this.lost(socket, 0), PONG_WITHIN);
  }

  /**
   * @param {WebSocket} socket
   * @param {number} code
   */
  lost(socket, code) {
    if (this.socket !== socket) return;
    this.drop(socket);
    if (this.stopped) return;
    if (code === UNAUTHORIZED) {
      this.fresh = true;
      this.refusals += 1;
      if (this.refusals > 2) return this.signedOut();
      this.wait = FIRST_WAIT;
    }
    this.again();
  }

  /** @param {WebSocket} socket */
  drop(socket) {
    clearInterval(this.pinging);
    clearTimeout(this.silence);
    socket.onclose = socket.onmessage = null;
    socket.close();
    this.socket = null;
  }

  /** Reconnect at once, after the cursor. */
  anew() {
    if (this.socket) this.drop(this.socket);
    void this.start();
  }

  again() {
    this.tell('lost');
    // Clients that lost the same server do not all come back at the same moment.
    this.retry = window.setTimeout(() => void this.start(), this.wait * (0.5 + Math.random()));
    this.wait = Math.min(this.wait * 2, Math.max(LONGEST_WAIT, this.longestWait()));
  }

  signedOut() {
    this.stopped = true;
    this.tell('signed out');
  }

  /** Close it for good. */
  stop() {
    this.stopped = true;
    this.state = 'lost';
    clearTimeout(this.retry);
    clearInterval(this.pinging);
    clearTimeout(this.silence);
    this.socket?.close();
  }

  /**
   * Tell of a new state, and of each attempt that failed: what was impossible after one may work after the next.
   *
   * @param {SocketState} state
   */
  tell(state) {
    if (this.state === state && state !== 'lost') return;
    this.state = state;
    this.onState(state);
  }
}
