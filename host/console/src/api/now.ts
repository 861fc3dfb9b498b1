// The host's clock: a browser's own may be wrong, and due times are the host's.

import { useEffect, useSyncExternalStore } from 'react';

let ahead = 0;

/** Takes the host's time from an answer. */
export function hostNowIs(now: string | undefined): void {
  if (!now) return;
  const at = Date.parse(now);
  if (!Number.isNaN(at)) ahead = at - Date.now();
}

/** The host's time, in milliseconds. */
export function hostNow(): number {
  return Date.now() + ahead;
}

const watchers = new Set<() => void>();
let second = 0;
let timer: ReturnType<typeof setInterval> | undefined;

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  timer ??= setInterval(() => {
    second += 1;
    for (const each of watchers) each();
  }, 1_000);
  return () => {
    watchers.delete(watcher);
    if (watchers.size === 0 && timer) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** The host's time, anew each second. */
export function useNow(): number {
  useSyncExternalStore(watch, () => second);
  return hostNow();
}

/** Takes the host's time from an answer as it comes. */
export function useHostNow(now: string | undefined): void {
  useEffect(() => hostNowIs(now), [now]);
}
