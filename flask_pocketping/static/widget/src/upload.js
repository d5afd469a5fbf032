/** Uploads a file, and tells the progress. */

import { RequestError } from './request.js';

/**
 * Announce a file, send it, complete it.
 * @param {File} file
 * @param {import('./request.js').Call} call
 * @param {string} endpoint
 * @param {(share: number) => void} onProgress from 0 to 1
 * @param {AbortSignal} signal
 * @param {number} [most] the bytes that a file may have
 * @returns {Promise<WidgetAttachment>}
 */
export async function upload(file, call, endpoint, onProgress, signal, most = Infinity) {
  const { name: filename, type, size } = file;
  // What the server would refuse is not even announced.
  if (!size) throw new RequestError(400, { details: { size: [] } });
  if (size > most) throw new RequestError(413, { most });
  const announced = { filename, size, mimeType: type || 'application/octet-stream' };
  const { attachmentId, uploadUrl } = await call('POST', '/upload', announced, signal);
  await new Promise((resolve, reject) => {
    // fetch does not report the progress of an upload.
    const sending = new XMLHttpRequest();
    sending.open('PUT', new URL(uploadUrl, endpoint));
    sending.responseType = 'json';
    sending.upload.onprogress = ({ loaded, total }) => onProgress(loaded / total);
    sending.onloadend = () => {
      const { status, response } = sending;
      if (status >= 200 && status < 300) resolve(status);
      else reject(new RequestError(status, response ?? {}));
    };
    signal.onabort = () => sending.abort();
    sending.send(file);
  });
  return call('POST', '/upload/complete', { attachmentId }, signal);
}
