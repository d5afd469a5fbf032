/** Tells the operator of messages in the title, by desktop notifications and by a sound. */

import { nameOf, preview } from './format.js';
import { recall, remember } from './preferences.js';
import { texts } from './texts.js';

/** @typedef {import('./types.js').Message} Message */

export class Notifier {
  /**
   * @param {import('./store/store.js').Store} store
   * @param {object} options
   * @param {() => string} options.openSession
   * @param {(sessionId: string) => void} options.open
   */
  constructor(store, { openSession, open }) {
    this.store = store;
    this.openSession = openSession;
    this.open = open;
    /** @type {AudioContext | null} */
    this.audio = null;
    this.more = false;
    store.on('waiting', () => this.title());
    store.on('message', (message) => this.arrived(message));
  }

  get soundOn() {
    return recall('sound') === 'on';
  }

  /** @param {boolean} on */
  setSound(on) {
    remember('sound', on ? 'on' : null);
    if (on) this.tone();
  }

  get notificationsOn() {
    return 'Notification' in window && Notification.permission === 'granted' && recall('notifications') !== 'off';
  }

  /**
   * @param {boolean} on
   * @returns {Promise<boolean>} what it is now
   */
  async setNotifications(on) {
    remember('notifications', on ? null : 'off');
    if (on && 'Notification' in window && Notification.permission === 'default') await Notification.requestPermission();
    return this.notificationsOn;
  }

  /** @param {boolean} more whether more sessions wait for a reply than are known */
  setMore(more) {
    this.more = more;
    this.title();
  }

  /** The title tells how many sessions wait for a reply. */
  title() {
    const { waiting } = this.store.sessions;
    const count = waiting > 0 ? `(${waiting}${this.more ? '+' : ''}) ` : '';
    document.title = `${count}${texts.inbox}`;
  }

  /** @param {Message} message */
  arrived(message) {
    const looking = document.visibilityState === 'visible' && document.hasFocus();
    if (looking && this.openSession() === message.sessionId) return;
    if (this.soundOn) this.tone();
    if (!looking && this.notificationsOn) this.show(message);
  }

  /** @param {Message} message */
  show(message) {
    const session = this.store.sessions.get(message.sessionId);
    const shown = notification(session ? nameOf(session) : texts.inbox, {
      body: preview(message),
      tag: message.sessionId,
    });
    if (!shown) return;
    shown.onclick = () => {
      window.focus();
      this.open(message.sessionId);
      shown.close();
    };
  }

  /** Play two short notes; no file has to be loaded. */
  tone() {
    this.audio ??= new AudioContext();
    // Browsers play no sound before the first click or key.
    if (this.audio.state === 'suspended') void this.audio.resume();
    const start = this.audio.currentTime;
    for (const [pitch, at] of [
      [660, 0],
      [880, 0.11],
    ]) {
      const oscillator = this.audio.createOscillator();
      const volume = this.audio.createGain();
      oscillator.frequency.value = pitch ?? 660;
      volume.gain.setValueAtTime(0.0001, start + (at ?? 0));
      volume.gain.exponentialRampToValueAtTime(0.12, start + (at ?? 0) + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.0001, start + (at ?? 0) + 0.22);
      oscillator.connect(volume).connect(this.audio.destination);
      oscillator.start(start + (at ?? 0));
      oscillator.stop(start + (at ?? 0) + 0.25);
    }
  }
}

/**
 * Make a notification. Some phones have the class, but throw when a page uses it.
 *
 * @param {string} title
 * @param {NotificationOptions} options
 */
function notification(title, options) {
  try {
    return new Notification(title, options);
  } catch {
    return null;
  }
}
