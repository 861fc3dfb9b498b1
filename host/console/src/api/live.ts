// What goes on at the host, as it happens: server-sent events, read from a stream that comes again when it breaks.

import { useSyncExternalStore } from 'react';

import { onReached, ownHeaders } from './client';
import type { Activity } from './types';

/** `live`: the stream is open; `waiting`: it is being opened again; `offline`: the host cannot be reached. */
export type LiveState = 'live' | 'waiting' | 'offline';

/** Reads the pieces of a stream of server-sent events. */
export class EventReader {
  private rest = '';

  /** The events that end in this piece. */
  push(piece: string): { event: string; data: string }[] {
    this.rest += piece;
    const events: { event: string; data: string }[] = [];
    for (;;) {
      const end = /\r?\n\r?\n/.exec(this.rest);
      if (!end) return events;
      const block = this.rest.slice(0, end.index);
      this.rest = this.rest.slice(end.index + end[0].length);
      let event = 'message';
      const data: string[] = [];
      for (const line of block.split(/\r?\n/)) {
        if (line.startsWith('event:')) event = line.slice(6).trim();
        else if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''));
      }
      if (data.length > 0) events.push({ event, data: data.join('\n') });
    }
  }
}

/** Pauses between tries, in milliseconds. */
const PAUSES = [500, 1_000, 2_000, 5_000, 10_000];

let state: LiveState = 'waiting';
let running: AbortController | null = null;
const watchers = new Set<() => void>();
const listeners = new Set<(activity: Activity) => void>();
/** What the stream may have missed has to be asked for again. */
const gaps = new Set<() => void>();

function become(next: LiveState): void {
  if (state === next) return;
  state = next;
  for (const watcher of watchers) watcher();
}

onReached((yes) => {
  if (!yes) become('offline');
  else if (state === 'offline') become(reading ? 'live' : 'waiting');
});

/** Hears what goes on. */
export function onActivity(listener: (activity: Activity) => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** Hears that something may have been missed. */
export function onGap(listener: () => void): () => void {
  gaps.add(listener);
  return () => void gaps.delete(listener);
}

/** Ends the pause before the next try. */
let wake: () => void = () => undefined;

/** Whether a stream is open that has not broken. */
let reading = false;

/** Opens the stream, and keeps it open until the returned function is called. */
export function startLive(): () => void {
  const control = new AbortController();
  running?.abort();
  running = control;
  // The browser knows at once that the network is gone, and that it is back.
  window.addEventListener('offline', () => become('offline'), { signal: control.signal });
  window.addEventListener('online', () => { become(reading ? 'live' : 'waiting'); wake(); }, { signal: control.signal });
  void keep(control.signal);
  return () => control.abort();
}

async function keep(signal: AbortSignal): Promise<void> {
  let tries = 0;
  let before = false;
  while (!signal.aborted) {
    try {
      const response = await fetch('/v1/activity', { headers: ownHeaders(), signal, credentials: 'same-origin' });
      // Signed out: the page asks for everything else, too, and hears of it there.
      if (response.status === 401 || response.status === 403) return become('waiting');
      if (!response.ok || !response.body) throw new Error(String(response.status));
      tries = 0;
      become('live');
      if (before) for (const gap of gaps) gap();
      before = true;
      reading = true;
      await read(response.body);
    } catch {
      if (signal.aborted) return;
      become(navigator.onLine === false || tries > 0 ? 'offline' : 'waiting');
    }
    reading = false;
    if (signal.aborted) return;
    if (state === 'live') become('waiting');
    const pause = PAUSES[Math.min(tries, PAUSES.length - 1)] ?? 10_000;
    tries += 1;
    await new Promise<void>((done) => {
      wake = done;
      setTimeout(done, pause);
    });
  }
}

async function read(body: ReadableStream<Uint8Array>): Promise<void> {
  const reader = new EventReader();
  const chunks = body.pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>).getReader();
  for (;;) {
    const { done, value } = await chunks.read();
    if (done) return;
    for (const { event, data } of reader.push(value)) {
      if (event === 'huiyin.stream.lagged') {
        for (const gap of gaps) gap();
        continue;
      }
      try {
        const activity = JSON.parse(data) as Activity;
        for (const listener of listeners) listener(activity);
      } catch {
        // A line that is no activity is left out.
      }
    }
  }
}

/** How it stands with the host. */
export function useLiveState(): LiveState {
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },
    () => state,
  );
}
