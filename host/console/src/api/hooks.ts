// What pages ask for, each under one key, and which of it is asked for again when something happens.

import { type QueryClient, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';

import { get, query } from './client';
import { onActivity, onGap } from './live';
import { useHostNow } from './now';
import type {
  Account, CaseList, CasePage, CommandForm, Host, LogPage, LogRecord, Pack, Plugin, Run, RunRecord, SessionAnswer, SignIn,
  Source, TaskList, Unjudged, Workflow,
} from './types';

export function useSession() {
  return useQuery({
    queryKey: ['session'],
    queryFn: () => get<SessionAnswer>('/v1/session', { quiet: true }),
    staleTime: 60_000,
  });
}

export function useCases() {
  const found = useQuery({ queryKey: ['cases'], queryFn: () => get<CaseList>('/v1/cases'), refetchInterval: 60_000 });
  useHostNow(found.data?.now);
  return found;
}

export function useCase(number: string) {
  return useQuery({
    queryKey: ['case', number],
    queryFn: () => get<CasePage>(`/v1/cases/${encodeURIComponent(number)}`),
    refetchInterval: 60_000,
  });
}

export function useTasks(unit: string | undefined, all: boolean) {
  const found = useQuery({
    queryKey: ['tasks', unit ?? '', all],
    queryFn: () => get<TaskList>('/v1/tasks' + query({ unit, all })),
    refetchInterval: 60_000,
  });
  useHostNow(found.data?.now);
  return found;
}

export function usePack() {
  return useQuery({
    queryKey: ['policy'],
    queryFn: () => get<{ now: string; pack: Pack }>('/v1/policy').then((answer) => answer.pack),
    staleTime: 300_000,
    retry: false,
  });
}

export function useCommands() {
  return useQuery({
    queryKey: ['commands'],
    queryFn: () => get<{ commands: CommandForm[] }>('/v1/commands').then((answer) => answer.commands),
    staleTime: Infinity,
  });
}

export function useSources() {
  return useQuery({
    queryKey: ['sources'],
    queryFn: () => get<{ sources: Source[] }>('/v1/sources').then((answer) => answer.sources),
    refetchInterval: 15_000,
  });
}

export function useUnjudged() {
  return useQuery({
    queryKey: ['items', 'unjudged'],
    queryFn: () => get<{ items: Unjudged[] }>('/v1/items?unjudged=true').then((answer) => answer.items),
    refetchInterval: 60_000,
  });
}

export function useWorkflows() {
  return useQuery({
    queryKey: ['workflows'],
    queryFn: () => get<{ workflows: Workflow[] }>('/v1/workflows').then((answer) => answer.workflows),
  });
}

export function useWorkflow(name: string, unit?: string | null) {
  return useQuery({
    queryKey: ['workflow', name, unit ?? ''],
    queryFn: () =>
      get<{ name: string; version: string; text: string; deployments: Workflow[] }>(
        `/v1/workflows/${name.split('/').map(encodeURIComponent).join('/')}` + query({ unit }),
      ),
  });
}

export function useRuns(filter: { workflow?: string; status?: string; unit?: string; limit?: number }) {
  return useQuery({
    queryKey: ['runs', filter],
    queryFn: () => get<{ runs: Run[] }>('/v1/runs' + query(filter)).then((answer) => answer.runs),
    refetchInterval: 30_000,
  });
}

export function useRun(id: string) {
  return useQuery({ queryKey: ['run', id], queryFn: () => get<Run>(`/v1/runs/${encodeURIComponent(id)}`) });
}

export function useRunRecords(id: string) {
  return useQuery({
    queryKey: ['run-records', id],
    queryFn: () =>
      get<{ run: string; workflow: string | null; document: string | null; records: RunRecord[] }>(
        `/v1/runs/${encodeURIComponent(id)}/records`,
      ),
  });
}

export interface Schedule {
  workflow: string;
  unit?: string | null;
  paused?: unknown;
  next?: string[];
  [more: string]: unknown;
}

export function useSchedules() {
  return useQuery({
    queryKey: ['schedules'],
    queryFn: () => get<{ schedules: Schedule[] }>('/v1/schedules').then((answer) => answer.schedules),
    refetchInterval: 60_000,
  });
}

export function usePlugins() {
  return useQuery({
    queryKey: ['plugins'],
    queryFn: () => get<{ plugins: Plugin[] }>('/v1/plugins').then((answer) => answer.plugins),
  });
}

export interface LogFilter {
  type?: string;
  subject?: string;
  actor?: string;
  unit?: string;
  before?: number;
}

export function useLog(filter: LogFilter) {
  return useQuery({
    queryKey: ['log', filter],
    queryFn: () => get<LogPage>('/v1/records' + query({ ...filter, limit: 50 })),
    placeholderData: (before) => before,
  });
}

export function useLogRecord(index: number | undefined) {
  return useQuery({
    queryKey: ['log-record', index],
    queryFn: () => get<LogRecord>(`/v1/records/${index ?? 0}`),
    enabled: index !== undefined,
    staleTime: Infinity,
  });
}

export function useHost() {
  return useQuery({ queryKey: ['host'], queryFn: () => get<Host>('/v1/host'), refetchInterval: 10_000 });
}

export function useAccounts(enabled: boolean) {
  return useQuery({
    queryKey: ['accounts'],
    queryFn: () => get<{ accounts: Account[] }>('/v1/accounts').then((answer) => answer.accounts),
    enabled,
  });
}

export function useSignIns(enabled: boolean) {
  return useQuery({
    queryKey: ['sign-ins'],
    queryFn: () => get<{ sign_ins: SignIn[] }>('/v1/sign-ins?limit=200').then((answer) => answer.sign_ins),
    enabled,
  });
}

/** What an event makes stale: the beginnings of the keys. */
export function staleBy(type: string, subject: string, data: Record<string, unknown>): string[][] {
  const kind = type.replace(/^huiyin\./, '').replace(/\.v\d+$/, '');
  const topic = kind.split('.')[0] ?? '';
  const number = typeof data['case'] === 'string' ? data['case'] : /^case\/(.+)$/.exec(subject)?.[1];
  const stale: string[][] = [];
  if (number || ['case', 'clock', 'task', 'report', 'answer', 'approval', 'response', 'warning'].includes(topic)) {
    stale.push(['cases'], ['tasks']);
    if (number) stale.push(['case', number]);
  }
  if (topic === 'item' || topic === 'floor') stale.push(['items']);
  if (topic === 'source') stale.push(['sources']);
  if (topic === 'run' || topic === 'effect') stale.push(['runs'], ['run'], ['run-records']);
  if (topic === 'workflow' || topic === 'deployment' || topic === 'binding' || topic === 'canary') stale.push(['workflows'], ['workflow']);
  if (topic === 'schedule') stale.push(['schedules']);
  if (topic === 'plugin' || topic === 'publisher') stale.push(['plugins']);
  if (topic === 'policy') stale.push(['policy']);
  return stale;
}

/** Pauses between rounds of asking again, in milliseconds: a burst of events is one round. */
const ROUND_MS = 400;

/** Keeps what pages show as new as the host's events. */
export function useFreshness(): void {
  const client = useQueryClient();
  useEffect(() => keepFresh(client), [client]);
}

function keepFresh(client: QueryClient): () => void {
  const waiting = new Map<string, string[]>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    timer = undefined;
    for (const queryKey of waiting.values()) void client.invalidateQueries({ queryKey });
    waiting.clear();
  };
  const stop = onActivity((activity) => {
    for (const key of staleBy(activity.type, activity.subject, activity.data ?? {})) waiting.set(key.join('\n'), key);
    timer ??= setTimeout(flush, ROUND_MS);
  });
  const stopGaps = onGap(() => void client.invalidateQueries());
  return () => {
    stop();
    stopGaps();
    clearTimeout(timer);
  };
}
