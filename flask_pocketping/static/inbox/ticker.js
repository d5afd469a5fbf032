/** A worker that keeps time for a page in the background, whose own timers browsers hold back for up to a minute. */

onmessage = ({ data: { id, wait } }) => setTimeout(() => postMessage(id), wait);
