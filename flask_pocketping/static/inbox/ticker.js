/** A worker with timers for a page in the background: browsers delay the page's own by up to a minute. */

onmessage = ({ data: { id, wait } }) => setTimeout(() => postMessage(id), wait);
