/** Names of operators. Ids tell them apart; two of them may have the same name. */

/** The characters of an id that are shown behind a name that is not enough. */
const LONGEST_ID = 8;

export class OperatorNames {
  /** The ids that were seen with each name. @type {Map<string, Set<string>>} */
  #ids = new Map();
  #onAmbiguous;

  /** @param {() => void} onAmbiguous a name turned out to be that of several operators */
  constructor(onAmbiguous) {
    this.#onAmbiguous = onAmbiguous;
  }

  /**
   * Return what to call an operator: the name, with the id where others have the same one.
   *
   * @param {string | undefined} id undefined: not known
   * @param {string} name
   */
  label(id, name) {
    if (id === undefined) return name;
    const ids = this.#ids.get(name) ?? new Set();
    if (!ids.has(id)) {
      this.#ids.set(name, ids.add(id));
      if (ids.size === 2) this.#onAmbiguous();
    }
    return ids.size > 1 ? `${name} (${id.length > LONGEST_ID ? `…${id.slice(-6)}` : id})` : name;
  }
}
