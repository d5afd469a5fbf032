/** The line on which the server tells what happens: which transport is used when, and how it comes back. */

import { backOff } from './request.js';

/**
 * @typedef {{address: () => string, poll: () => Promise<any>, transport?: string,
 *   carried?: string[], onFrame: (frame: WidgetFrame) => void, onState: (live: boolean) => void,
 *   onLost: () => Promise<unknown>}} Options carried: the transports that the server has
 * @typedef {(options: Options, opened: () => void, ended: () => void, only: boolean) => () => void} Transport
 *   only: there is no other
 */

const POLL = 2000;
/** Then another transport gets its chance. */
const POLLS = 150;
/** Longer than this, and an end is bad luck and no reason to try another transport. */
const STABLE = 5000;

/** Each way to listen, the best first, and how long it has to open. @type {Record<string, [number, Transport]>} */
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
        // What is not for the visitor is passed, too.
        onFrame({ type: '', data: {}, cursor: answer.cursor });
        onFrame({ type: 'presence', data: { online: answer.operatorOnline } });
        setTimeout(next, answer.hasMore ? 0 : POLL);
      }
      next();
      return () => (gone = true);
    },
  ],
};

/** Listen to the server, by the best transport that works, over all interruptions. @param {Options} options */
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
    /** Begin anew behind the cursor, at once: the line may be dead without a sign. */
    wake() {
      drop();
      at = tries = 0;
      open();
    },
    stop: drop,
  };
}
