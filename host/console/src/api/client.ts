// Asking the host. Every error of the host is a problem detail (RFC 9457); that it cannot be reached is another error.

export interface Diagnostic {
  severity?: string;
  message: string;
  file?: string | null;
  line?: number | null;
  column?: number | null;
  pointer?: string | null;
  hint?: string | null;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  pointer?: string;
  diagnostics?: Diagnostic[];
  retry_after?: number;
}

export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail || problem.title);
    this.name = 'ProblemError';
  }
  get kind(): string {
    return this.problem.type.replace('urn:huiyin:problem:', '');
  }
}

export class OfflineError extends Error {
  constructor() {
    super('offline');
    this.name = 'OfflineError';
  }
}

type Listener = () => void;
const signedOut = new Set<Listener>();
const reached = new Set<(yes: boolean) => void>();

/** Calls back when the host says that the session is over. */
export function onSignedOut(listener: Listener): () => void {
  signedOut.add(listener);
  return () => void signedOut.delete(listener);
}

/** Calls back with every answer (true), and when there was none (false). */
export function onReached(listener: (yes: boolean) => void): () => void {
  reached.add(listener);
  return () => void reached.delete(listener);
}

/** Without a key or a touch for so long, requests are the page's doing and not a person's. */
const AT_THE_DESK_MS = 60_000;
let lastTouch = Date.now();
if (typeof window !== 'undefined') {
  for (const name of ['pointerdown', 'keydown', 'touchstart'] as const) {
    window.addEventListener(name, () => (lastTouch = Date.now()), { passive: true, capture: true });
  }
}

/** Headers of everything that the console asks for. */
export function ownHeaders(): Record<string, string> {
  const headers: Record<string, string> = { 'huiyin-console': '1' };
  if (Date.now() - lastTouch > AT_THE_DESK_MS) headers['huiyin-background'] = '1';
  return headers;
}

/** A fresh key for `idempotency-key`: what is sent twice on its way acts once. */
export function freshKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export interface Options {
  body?: unknown;
  /** A file as it is, with its media type. */
  file?: { bytes: Blob; type: string };
  key?: string;
  signal?: AbortSignal;
  /** That nobody is signed in is an answer here, not the end of a session. */
  quiet?: boolean;
  /** The answer as text. */
  text?: boolean;
}

/** Asks the host for something. */
export async function ask<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const headers = ownHeaders();
  let body: BodyInit | undefined;
  if (options.file) {
    headers['content-type'] = options.file.type;
    body = options.file.bytes;
  } else if (options.body !== undefined) {
    headers['content-type'] = 'application/json';
    body = JSON.stringify(options.body);
  }
  if (options.key) headers['idempotency-key'] = `"${options.key}"`;
  let response: Response;
  try {
    response = await fetch(path, { method, headers, body, signal: options.signal, credentials: 'same-origin' });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    for (const listener of reached) listener(false);
    throw new OfflineError();
  }
  for (const listener of reached) listener(true);
  if (response.ok) {
    if (response.status === 204) return undefined as T;
    const text = await response.text();
    if (options.text) return text as T;
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }
  const problem = await readProblem(response);
  if (response.status === 401 && !options.quiet) for (const listener of signedOut) listener();
  throw new ProblemError(problem);
}

async function readProblem(response: Response): Promise<Problem> {
  const text = await response.text().catch(() => '');
  try {
    const read = JSON.parse(text) as Partial<Problem>;
    if (typeof read.type === 'string' && typeof read.title === 'string') {
      return { status: response.status, detail: '', ...read } as Problem;
    }
  } catch {
    // Not of the host: a proxy's page, most likely.
  }
  return { type: 'urn:huiyin:problem:unknown', title: response.statusText, status: response.status, detail: text.slice(0, 500) };
}

export const get = <T>(path: string, options?: Options) => ask<T>('GET', path, options);
export const post = <T>(path: string, body?: unknown, options?: Options) =>
  ask<T>('POST', path, { ...options, body: body ?? {} });

/** A query string of what is given. */
export function query(fields: Record<string, string | number | boolean | null | undefined>): string {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null && value !== '');
  if (given.length === 0) return '';
  return '?' + new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
}
