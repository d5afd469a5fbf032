/** The tabs of one browser that show the same chat. One of them leads: it listens and sends for all. */

/**
 * @typedef {object} Tabs
 * @property {boolean} leads
 * @property {() => void} join
 * @property {() => void} leave
 * @property {(kind: string, data?: unknown) => void} tell
 * @property {(action: () => Promise<void>) => Promise<unknown>} inTurn do something that only one tab may do at a time
 */

/**
 * One tab among those of its browser: the leader listens and sends for all. Without Web Locks each tab leads itself.
 * @param {string} name
 * @param {boolean} shared other tabs see what this one stores
 * @param {(kind: string, data: any) => void} onNews another tab said something
 * @param {() => void} onLead this tab became the leader
 */
export function openTabs(name, shared, onNews, onLead) {
  const { locks } = navigator;
  const alone = !shared || !locks;
  /** @type {AbortController} */
  let leaving;
  /** @type {BroadcastChannel | undefined} */
  let channel;

  /** @type {Tabs} */
  const tabs = {
    leads: false,
    join() {
      leaving = new AbortController();
      const { signal } = leaving;
      if (alone) return void lead(signal);
      channel = new BroadcastChannel(name);
      channel.onmessage = ({ data }) => onNews(data.kind, data.data);
      locks.request(name, { signal }, () => lead(signal)).catch(() => {});
    },
    leave() {
      tabs.leads = false;
      leaving.abort();
      channel?.close();
      channel = undefined;
    },
    tell(kind, data) {
      channel?.postMessage({ kind, data });
    },
    inTurn: (action) => (alone ? action() : locks.request(`${name}connect`, action)),
  };

  /** The lock is held until the tab leaves. @param {AbortSignal} signal */
  function lead(signal) {
    // A tab may leave before it is its turn.
    if (signal.aborted) return;
    tabs.leads = true;
    onLead();
    return new Promise((resolve) => (signal.onabort = resolve));
  }

  return tabs;
}
