/** Sorted arrays. */

/**
 * Find where a row stands, or would stand, in a sorted array.
 *
 * @template T
 * @param {T[]} rows
 * @param {T} row
 * @param {(a: T, b: T) => number} compare
 */
export function insertionIndex(rows, row, compare) {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(/** @type {T} */ (rows[middle]), row) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
