// What the host answers, as far as the console reads it (docs/reference/api.md).

export interface Name {
  zh: string;
  en?: string;
}

export type LevelCode = 'I' | 'II' | 'III' | 'IV';

export interface Session {
  account: string;
  actor: string;
  admin: boolean;
  must_change: boolean;
  /** A code of a second factor is asked for at sign-in. */
  second: boolean;
  ends: string;
  idle_seconds: number;
  name?: string | null;
  unit?: string;
  unit_name?: Name;
  roles?: string[];
  /** The units for which this person acts: their own, and those below it. */
  units?: string[];
}

export interface SessionAnswer {
  session: Session | null;
  awaits_first?: boolean;
  now?: string;
}

export interface Clock {
  clock: string;
  rule: string;
  follows?: string | null;
  name: Name;
  clause?: string | null;
  source: string;
  state: string;
  state_zh: string;
  anchor: string;
  anchor_at: string;
  allowance: string;
  due_at: string;
  provisional: boolean;
  remaining_seconds: number | null;
  late_seconds: number | null;
  breaches: { due_at: string; noticed_at: string; late_seconds: number; lifted: boolean }[];
  satisfied_at: string | null;
}

export interface CaseRow {
  number: string;
  unit: string;
  unit_name: Name | null;
  title: string;
  level: LevelCode;
  level_zh: string;
  colour: string;
  state: string;
  state_zh: string;
  kind?: string;
  opened_at: string;
  items: number;
  clock: Clock | null;
  breaches: number;
  pending: number;
  owed: number;
  time_zone?: string;
}

export interface CaseList {
  now: string;
  unjudged: number;
  cases: CaseRow[];
}

export interface Names {
  units: Record<string, string>;
  people: Record<string, string>;
}

export interface CaseItem {
  item: string;
  source: string;
  title: string;
  text?: string;
  url?: string;
  occurred_at: string;
  asker: string;
  level?: LevelCode;
}

export interface Approval {
  id: string;
  act: string;
  act_zh: string;
  state: 'pending' | 'approved' | 'voided';
  proposal: Record<string, unknown>;
  hash: string;
  author: string;
  co_authors?: string[];
  at: string;
  /** The steps that it takes, and those that were taken. */
  chain?: unknown[];
  steps?: { by: string; on_behalf_of?: string; at: string }[];
  expires_at?: string | null;
  approved?: { by: string; at: string } | null;
  voided?: unknown;
}

export interface TaskPart {
  unit: string;
  state: string;
  state_zh: string;
  returns: number;
  feedback?: { text: string; evidence?: string[]; at?: string; by?: string } | null;
}

export interface Task {
  case: string;
  title: string;
  level: LevelCode;
  task: string;
  kind: string;
  kind_zh: string;
  text: string;
  from: string;
  parts: TaskPart[];
  open: boolean;
  done: boolean;
  by: string;
  at: string;
  due_at: string | null;
  provisional?: boolean;
  breached_at: string | null;
  history?: Record<string, unknown>[];
}

export interface TaskList {
  now: string;
  tasks: Task[];
  names: Names | null;
  time_zone: string | null;
}

export interface CasePage {
  number: string;
  kind: string;
  kind_zh: string;
  unit: string;
  region: string;
  title: string;
  nature?: string | null;
  level: LevelCode;
  level_zh: string;
  state: string;
  state_zh: string;
  times: Record<string, string | undefined>;
  because: string;
  opened_by: string;
  pack: string;
  related?: string | null;
  clocks: Clock[];
  routed: boolean;
  tasks: Task[];
  contacts: { with: string; channel: string; text: string; time: string; by: string }[];
  offline: { id: string; text: string; outcome?: string | null; at?: string; by?: string }[];
  items: CaseItem[];
  more_items: number;
  askers: { id: string; asked?: string; again?: string; answered?: string }[];
  concerns: { id: string; text: string; settled: boolean }[];
  assessments: {
    at: string;
    by: string;
    classifier?: string | null;
    floor?: boolean;
    verdict: { level: LevelCode | null; score?: number; reasons?: string[]; labels?: string[] };
  }[];
  level_changes: { from: string; to: string; reason: string; by: string; at: string }[];
  corrections: { from: string; to: string; reason: string; by: string; at: string }[];
  recorded?: { milestone: string; time: string; by: string; at: string }[];
  notified: { to: { name?: string; role?: string; unit?: string }; on: string; delivered: boolean; owed_since?: string }[];
  reports: { id?: string; number_zh?: string | null; unsigned?: string[]; stage: string; seq: number; facts: string[]; documents?: { filename: string }[]; draft?: string; by: string; at: string }[];
  drafts: { id: string; stage: string; facts: string[]; documents?: { filename: string }[]; hash: string; by: string; at: string }[];
  answers: {
    askers: string[];
    public: boolean;
    text: string;
    channel: string;
    proof?: string;
    delivered_at: string;
    by: string;
    at: string;
  }[];
  approvals: Approval[];
  names: Names | null;
  time_zone: string | null;
  [more: string]: unknown;
}

export interface Unit {
  code: string;
  name: Name;
  parent?: string | null;
  number: Record<string, string>;
  duties?: string[];
  office: { name: string; contact?: string };
  spokesperson: string;
  principal: string;
  people: { id: string; name: string; roles?: string[] }[];
  superior?: { id: string; name: string } | null;
  clocks?: { rule: string; allowance?: unknown; warnings?: unknown[] }[];
}

export interface Basis {
  source: string;
  clause?: string;
  status: string;
}

export interface ClockRule {
  id: string;
  name: Name;
  levels: LevelCode[];
  anchor: string;
  allowance?: unknown;
  calendar: string;
  warnings: unknown[];
  pausable: boolean;
  satisfied_by: string;
  basis: Basis;
}

export interface Pack {
  name: string;
  version: string;
  title: Name;
  time_zone: string;
  units: Unit[];
  levels: { level: LevelCode; name: Name }[];
  calendars: { id: string }[];
  clocks: ClockRule[];
  floor: { name: string; version: string; opens_at: LevelCode; basis: Basis };
  responses: { levels: LevelCode[]; value: string; basis: Basis }[];
  notify: { on: string; levels: LevelCode[]; clocks?: string[]; tell: string[]; basis: Basis }[];
  acts?: { act: string; roles: string[]; basis: Basis }[];
  closing?: { levels: LevelCode[]; tasks: string[]; basis: Basis }[];
  [more: string]: unknown;
}

export interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  oneOf?: Schema[];
  anyOf?: Schema[];
  allOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  format?: string;
  description?: string;
  default?: unknown;
  title?: string;
}

export interface CommandForm {
  command: string;
  core_function: boolean;
  schema: Schema;
}

export interface Source {
  source: string;
  unit: string;
  state: 'new' | 'ok' | 'failing' | 'idling';
  items: number;
  known: number;
  polls: number;
  last_due: string | null;
  last_ok: string | null;
  last_item: string | null;
  failures: number;
  error: unknown;
  not_before: string | null;
}

export interface Unjudged {
  item: string;
  unit: string;
  unit_name: Name | null;
  source: string;
  title: string;
  text?: string | null;
  url?: string | null;
  occurred_at: string;
  observed: string;
  reason: string;
  case?: string | null;
}

export interface Activity {
  type: string;
  subject: string;
  unit: string | null;
  time: string;
  data: Record<string, unknown>;
}

export interface Workflow {
  name: string;
  version: string;
  unit: string | null;
  since: string;
  active: boolean;
  by: string | null;
  deployment: string;
  running: number;
  withheld: Record<string, string>;
}

export interface Run {
  run: string;
  workflow?: string;
  unit?: string | null;
  deployment: string;
  status: string;
  trigger: unknown;
  parent?: string | null;
  started: string;
  ended?: string;
  active?: { task?: string; pointer?: string; name?: string }[] | unknown[];
  effects?: Record<string, unknown>[];
  quarantined?: unknown;
  output?: unknown;
  error?: unknown;
  reopenable?: boolean;
}

export interface RunRecord {
  id: string;
  index: number;
  type: string;
  time: string;
  actor: string;
  redacted: boolean;
  data: Record<string, unknown> | null;
}

export interface Plugin {
  plugin: string;
  origin: string | null;
  kind: string | null;
  summary: string | null;
  digest: string | null;
  size: number | null;
  pure: boolean | null;
  idempotent: boolean | null;
  capabilities: Record<string, unknown> | null;
  publishers: string[];
  units: string[];
  withheld: string | null;
  installed: { actor?: string; reason?: string; at?: string } | null;
  grants: { plugin: string; unit: string; grant: unknown; by: string | null; reason: string | null }[];
  effective: { units: string[]; grant: unknown; limits: Record<string, unknown> }[];
  set_aside: Record<string, unknown>[];
  used_by: string[];
}

export interface LogRow {
  index: number;
  id: string;
  type: string;
  subject: string;
  time: string;
  actor: string;
  unit: string | null;
  causation: string | null;
  redacted: boolean;
}

export interface LogRecord extends LogRow {
  commitment: string;
  leaf: string;
  data?: unknown;
}

export interface LogPage {
  size: number;
  records: LogRow[];
  next: number | null;
}

export interface Account {
  account: string;
  actor: string;
  name: string | null;
  unit: string | null;
  unit_name: Name | null;
  must_change: boolean;
  second: boolean;
  locked: boolean;
  added: string;
  changed: string;
  sessions: number;
}

export interface SignIn {
  time: string;
  deed: string;
  account: string;
  by?: string;
  address?: string;
  forwarded?: string;
  detail?: string;
}

export interface Host {
  version: string;
  now: string;
  units: string[];
  partitions: number;
  records: number;
  checkpoint: number | null;
  runs: { running: number; started: number };
  cases: number;
  items: number;
}
