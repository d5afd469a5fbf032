/** The files of a reply: uploaded as soon as they are picked, and shown as chips above the composer. */

import { Refused } from './api.js';
import { announce, el, fill, iconButton } from './dom.js';
import { errorText } from './errors.js';
import { binarySize, fileSize } from './format.js';
import { icon } from './icons.js';
import { texts } from './texts.js';

/**
 * @typedef {object} Upload
 * @property {number} id
 * @property {File} file
 * @property {'running' | 'done' | 'failed'} state
 * @property {number} share of it that was uploaded, 0 to 1
 * @property {string} error
 * @property {boolean} hopeless whether another try would end the same way
 * @property {string} picture the address of its preview, if it is a picture
 * @property {import('./types.js').Attachment} [attachment]
 * @property {AbortController} stop
 */

const MOST = 10;
let count = 0;

export class Uploads {
  /**
   * @param {import('./api.js').Api} api
   * @param {string} sessionId
   * @param {Pick<import('./store/store.js').Store, 'capabilities'>} store
   */
  constructor(api, sessionId, store) {
    this.api = api;
    this.sessionId = sessionId;
    this.store = store;
    this.onChange = () => {};
    /** @type {Upload[]} */
    this.items = [];
    /** Whether more files were added than a message takes. */
    this.crowded = false;
    this.element = el('ul', { class: 'chips', hidden: true });
  }

  get running() {
    return this.items.some(({ state }) => state === 'running');
  }

  /** The files that are uploaded. */
  get attachments() {
    return this.items.flatMap(({ attachment }) => (attachment ? [attachment] : []));
  }

  /** @param {Iterable<File>} files */
  add(files) {
    const given = [...files];
    const taken = given.slice(0, MOST - this.items.length);
    this.crowded = taken.length < given.length;
    for (const file of taken) {
      const picture = /^image\/(png|jpeg|gif|webp)$/.test(file.type) ? URL.createObjectURL(file) : '';
      /** @type {Upload} */
      const item = {
        id: (count += 1),
        file,
        state: 'running',
        share: 0,
        error: '',
        hopeless: false,
        picture,
        stop: new AbortController(),
      };
      this.items.push(item);
      const refused = this.refusal(file);
      if (refused) this.fail(item, refused, true);
      else void this.run(item);
    }
    this.paint();
  }

  /** @param {Upload} item */
  async run(item) {
    item.state = 'running';
    announce(texts.uploading(item.file.name));
    try {
      item.attachment = await this.api.upload(
        this.sessionId,
        item.file,
        (share) => this.progress(item, share),
        item.stop.signal,
      );
      item.state = 'done';
    } catch (error) {
      const refused = error instanceof Refused;
      this.fail(item, refused ? errorText(error) : texts.uploadFailed, refused && error.status === 413);
    }
    this.paint();
  }

  /**
   * Return why the server would refuse a file, without asking it; '' if it may take it.
   *
   * @param {File} file
   */
  refusal({ size }) {
    const { maxUploadSize = Infinity } = this.store.capabilities;
    if (!size) return texts.errors.emptyFile;
    return size > maxUploadSize ? texts.fileTooLarge(binarySize(maxUploadSize)) : '';
  }

  /**
   * @param {Upload} item
   * @param {string} error
   * @param {boolean} hopeless
   */
  fail(item, error, hopeless) {
    Object.assign(item, { state: 'failed', error, hopeless });
    announce(`${item.file.name}: ${error}`);
  }

  /**
   * @param {Upload} item
   * @param {number} share
   */
  progress(item, share) {
    item.share = share;
    const bar = this.element.querySelector(`[data-id="${item.id}"] progress`);
    if (bar instanceof HTMLProgressElement) bar.value = share;
  }

  /** @param {Upload} item */
  remove(item) {
    item.stop.abort();
    this.crowded = false;
    this.items = this.items.filter((other) => other !== item);
    if (item.picture) URL.revokeObjectURL(item.picture);
    this.paint();
  }

  /** Forget the uploaded files, which are in a message now. Those that failed stay, to be tried again. */
  clear() {
    for (const item of [...this.items]) if (item.attachment) this.remove(item);
  }

  paint() {
    this.element.hidden = this.items.length === 0;
    fill(this.element, ...this.items.map((item) => this.chip(item)));
    this.onChange();
  }

  /** @param {Upload} item */
  chip(item) {
    const { file, state, picture, error, share } = item;
    const again = () => {
      void this.run(item);
      this.paint();
    };
    return el(
      'li',
      { class: `chip is-${state}`, 'data-id': item.id },
      picture ? el('img', { src: picture, alt: '' }) : icon('file'),
      el(
        'span',
        { class: 'chip-text' },
        el('span', { class: 'file-name', dir: 'auto' }, file.name),
        state === 'running'
          ? el('progress', { max: 1, value: share, 'aria-label': texts.uploading(file.name) })
          : el('span', { class: 'file-size' }, error || fileSize(file.size)),
      ),
      state === 'failed' &&
        !item.hopeless &&
        el('button', { type: 'button', class: 'link', onClick: again }, texts.retry),
      iconButton('cross', texts.removeFile(file.name), () => this.remove(item)),
    );
  }
}
