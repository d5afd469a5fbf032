/** The stream of events from the server: which transport is used when, and how it reconnects. */

import { backOff } from './request.js';

/**
 * @typedef {{address: () => string, poll: () => Promise<any>, transport?: string,
 *   carried?: string[], onFrame: (frame: WidgetFrame) => void, onState: (live: boolean) => void,
 *   onLost: () => Promise<unknown>}} Options carried: the transports that the server offers
 * @typedef {(options: Options, opened: () => void, ended: () => void, only: boolean) => () => void} Transport
 *   only: there is no other
 */

const POLL = 2000;
/** Polls after which a better transport is tried again. */
const POLLS = 150;
/** Milliseconds after which a transport counts as working: when it ends, it is tried again first. */
const STABLE = 5000;

/** Each transport, the best first, and the milliseconds that it has to open. @type {Record<string, [number, Transport]>} */
const transports = {
  ws: [
    5000,
    ({ onFrame, address }, opened, ended) => {
      const socket = new WebSocket(address().replace('http', 'ws'));
      socket.onopen = opened;
      socket.onmessage = ({ data }) => onFrame(JSON.parse(data));
      socket.onclose = ended;
      return () => {
        socket.onclose = socket.onmessage = null;
        socket.close();
      };
    },
  ],
  sse: [
    15000,
    ({ onFrame, address }, opened, ended) => {
      const source = new EventSource(address());
      source.onopen = opened;
      source.onerror = ended;
      for (const name of ['message', 'csat_request'])
        source.addEventListener(name, ({ data }) => onFrame(JSON.parse(data)));
      return () => source.close();
    },
  ],
  poll: [
    15000,
    ({ poll, onFrame }, opened, ended, only) => {
      let polls = 0;
      let gone = false;
      async function next() {
        const answer = !gone && (only || polls++ <= POLLS) && (await poll().catch(() => {}));
        if (gone) return;
        if (!answer) return ended();
        opened();
        answer.frames.forEach(onFrame);
        // The cursor also passes events that are not for the visitor.
        onFrame({ type: '', data: {}, cursor: answer.cursor });
        onFrame({ type: 'presence', data: { online: answer.operatorOnline } });
        setTimeout(next, answer.hasMore ? 0 : POLL);
      }
      next();
      return () => (gone = true);
    },
  ],
};

/**
 * Listen to the server by the best transport that works, and reconnect when it ends.
 * @param {Options} options
 * @returns {{wake: () => void, stop: () => void}}
 */
export function listen(options) {
  const { transport = '', carried = Object.keys(transports), onState, onLost } = options;
  const kinds = carried.includes(transport) ? [transport] : carried;
  let at = 0;
  let tries = 0;
  let timer = 0;
  let close = () => {};

  function drop() {
    clearTimeout(timer);
    close();
    close = () => {};
  }

  function open() {
    const [patience, transport] = transports[kinds[at]];
    let openedAt = 0;
    function ended() {
      drop();
      const stable = openedAt && Date.now() - openedAt > STABLE;
      at = stable ? 0 : (at + 1) % kinds.length;
      if (at) return open();
      if (stable) tries = 0;
      onState(false);
      const closed = close;
      timer = setTimeout(async () => {
        await onLost().catch(() => {});
        // It may have been woken or stopped meanwhile.
        if (close === closed) open();
      }, backOff(tries++));
    }
    function opened() {
      if (!openedAt) onState(true);
      openedAt ||= Date.now();
      clearTimeout(timer);
    }
    timer = setTimeout(ended, patience);
    close = transport(options, opened, ended, !kinds[1]);
  }

  open();
  return {
    /** Reconnect at once, after the cursor: the connection may be dead without a sign. */
    wake() {
      drop();
      at = tries = 0;
      open();
    },
    stop: drop,
  };
}
