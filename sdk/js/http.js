// Granted HTTP over `fetch`, which says of every failure the same: what it means depends on the request.

import { Transient, Unknown } from './index.js';

const SAFE = ['GET', 'HEAD', 'OPTIONS'];

/** Sends a request: `{status, headers, bytes, text(charset), json()}`. */
export async function send(method, url, { headers = {}, body } = {}) {
  const lost = (error) => {
    const why = `${method} ${url}: ${error?.message ?? error}`;
    return SAFE.includes(method) ? Transient(why) : Unknown(why);
  };
  let answer;
  let bytes;
  try {
    answer = await fetch(url, { method, headers, body, redirect: 'manual' });
    bytes = new Uint8Array(await answer.arrayBuffer());
  } catch (error) {
    throw lost(error);
  }
  const text = (charset = 'utf-8') => new TextDecoder(charset).decode(bytes);
  const json = () => {
    try {
      return JSON.parse(text());
    } catch (error) {
      throw lost(error);
    }
  };
  return { status: answer.status, headers: answer.headers, bytes, text, json };
}

export const get = (url, options) => send('GET', url, options);
export const post = (url, body, options) => send('POST', url, { ...options, body });
