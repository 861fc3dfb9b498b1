// A run: where it stands in its workflow's graph, what each step was given and gave, and what can be done with it.

import { useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Card, Col, Collapse, Descriptions, Flex, Row, Slider, Spin, Tag, Typography } from 'antd';
import { Suspense, lazy, useMemo, useState } from 'react';
import { Link, useParams } from 'react-router';

import { post } from '../api/client';
import { useRun, useRunRecords } from '../api/hooks';
import type { Run, RunRecord } from '../api/types';
import { type Key, useI18n } from '../i18n';
import { Json, Loaded, PageHead, useActor } from '../ui/bits';
import { ReasonModal } from '../ui/reason';
import { Time } from '../ui/time';
import { RUN_COLOUR } from './workflows';
import type { StepState } from './workflow/diagram';

const Diagram = lazy(() => import('./workflow/diagram'));

export interface StepFact {
  pointer: string;
  what: string;
  value: Record<string, unknown>;
}

/** Facts of a record that are about a task, with the task's pointer. */
export function factsOf(record: Pick<RunRecord, 'data'>): StepFact[] {
  const facts: StepFact[] = [];
  const walk = (value: unknown, depth: number) => {
    if (depth > 6) return;
    if (Array.isArray(value)) {
      value.forEach((one) => walk(one, depth + 1));
      return;
    }
    if (!value || typeof value !== 'object') return;
    const fields = value as Record<string, unknown>;
    const pointer = [fields['task'], fields['pointer'], fields['at']].find((one): one is string => typeof one === 'string' && one.startsWith('/'));
    if (pointer) {
      const what = String(fields['fact'] ?? fields['type'] ?? fields['kind'] ?? fields['status'] ?? '');
      facts.push({ pointer, what, value: fields });
      return;
    }
    for (const [name, one] of Object.entries(fields)) {
      if (one && typeof one === 'object') {
        const inner = one as Record<string, unknown>;
        const at = [inner['task'], inner['pointer'], inner['at']].find((each): each is string => typeof each === 'string' && each.startsWith('/'));
        if (at && !Array.isArray(one)) facts.push({ pointer: at, what: name, value: inner });
        else walk(one, depth + 1);
      }
    }
  };
  walk(record.data, 0);
  return facts;
}

/** Pointers of a loop's turns stand for the step that the document has. */
export function stepOf(pointer: string): string {
  return pointer.replace(/\/(for|do|try|catch)\/\d+(?=\/\d+\/)/g, '/$1');
}

/** How far each step had come after so many records. */
export function statesAfter(records: RunRecord[], count: number): Map<string, StepState> {
  const states = new Map<string, StepState>();
  for (const record of records.slice(0, count)) {
    for (const fact of factsOf(record)) {
      const step = stepOf(fact.pointer);
      const what = fact.what.toLowerCase();
      if (/fault|fail|rais|error/.test(what)) states.set(step, 'failed');
      else if (/complet|end|finish|done|left|output|result/.test(what)) states.set(step, 'done');
      else if (!states.has(step) || /start|enter|begin|retri/.test(what)) states.set(step, states.get(step) === 'done' ? 'done' : 'active');
    }
  }
  return states;
}

/** A record's type without what every one has. */
export const kindOf = (type: string) => type.replace(/^huiyin\./, '').replace(/\.v\d+$/, '');

/** The names of the steps that a record is about, each once. */
export function stepsIn(record: Pick<RunRecord, 'data'>): string[] {
  return [...new Set(factsOf(record).map((fact) => stepOf(fact.pointer).split('/').at(-1) ?? ''))].filter((name) => name !== '').slice(0, 6);
}

type Doing = 'cancel' | 'suspend' | 'resume' | 'retry';

export default function RunPage() {
  const { id = '' } = useParams();
  const { t } = useI18n();
  const run = useRun(id);
  return (
    <>
      <Typography.Paragraph style={{ marginBottom: 8 }}><Link to="/workflows">{t('workflow.back')}</Link></Typography.Paragraph>
      <Loaded of={run}>{(found) => <Shown run={found} />}</Loaded>
    </>
  );
}

const ACTS: Record<string, Doing[]> = {
  running: ['suspend', 'cancel'], suspended: ['resume', 'cancel'], waiting: ['retry', 'cancel'], quarantined: ['retry', 'cancel'],
  faulted: ['retry'], cancelled: [], completed: [],
};

function Shown({ run }: { run: Run }) {
  const { t } = useI18n();
  const [doing, setDoing] = useState<Doing | null>(null);
  const client = useQueryClient();
  const records = useRunRecords(run.run);
  const ended = run.output !== undefined || run.error !== undefined;
  return (
    <>
      <PageHead
        title={<Flex gap={8} wrap align="center">{run.workflow ?? t('run.run')} <Tag color={RUN_COLOUR[run.status]}>{t(`run.${run.status}` as Key)}</Tag></Flex>}
        about={<><code style={{ overflowWrap: 'anywhere' }}>{run.run}</code> · <Time at={run.started} seconds />{run.ended && <> → <Time at={run.ended} seconds /></>}</>}
        extra={(ACTS[run.status] ?? []).map((act) => (
          <Button key={act} danger={act === 'cancel'} onClick={() => setDoing(act)}>{t(`run.do.${act}`)}</Button>
        ))}
      />
      {run.quarantined !== null && run.quarantined !== undefined && <Alert type="error" showIcon title={t('run.quarantined')} description={<Json value={run.quarantined} />} style={{ marginBottom: 16 }} />}
      {run.status === 'waiting' && <Alert type="warning" showIcon title={t('run.waiting.help')} style={{ marginBottom: 16 }} />}
      <Loaded of={records}>
        {(found) => <Replay document={found.document} records={found.records} active={(run.active ?? []) as { task?: string }[]} ended={ended} />}
      </Loaded>
      {ended && <Card size="small" title={t(run.error !== undefined && run.status !== 'completed' ? 'run.error' : 'run.output')} style={{ marginTop: 16 }}><Json value={run.status === 'completed' ? run.output : run.error} /></Card>}
      {doing && (
        <ReasonModal
          open
          danger={doing === 'cancel'}
          title={t(`run.do.${doing}`)}
          onClose={() => setDoing(null)}
          onSend={async (reason) => {
            await post(`/v1/runs/${encodeURIComponent(run.run)}/${doing}`, { reason });
            await Promise.all(['run', 'runs', 'run-records'].map((one) => client.invalidateQueries({ queryKey: [one] })));
          }}
        />
      )}
    </>
  );
}

function Replay({ document, records, active, ended }: { document: string | null; records: RunRecord[]; active: { task?: string }[]; ended: boolean }) {
  const { t, word } = useI18n();
  const actor = useActor();
  const [at, setAt] = useState<number | null>(null);
  const [step, setStep] = useState<string | null>(null);
  const upTo = at ?? records.length;
  const states = useMemo(() => {
    const found = statesAfter(records, upTo);
    // What is at work now is told by the run itself; of one that ended nothing is.
    if (at === null) {
      for (const [id, state] of found) if (state === 'active' && ended) found.set(id, 'done');
      for (const one of active) {
        const pointer = typeof one === 'string' ? one : (one.task ?? (one as { pointer?: string }).pointer);
        if (pointer) found.set(stepOf(pointer), 'active');
      }
    }
    return found;
  }, [records, upTo, at, active, ended]);
  const shown = records.slice(0, upTo).filter((record) => step === null || factsOf(record).some((fact) => stepOf(fact.pointer) === step));
  return (
    <Row gutter={[16, 16]}>
      <Col xs={24} lg={13}>
        {document ? (
          <Suspense fallback={<Spin />}>
            <Diagram text={document} states={states} chosen={step ?? undefined} onChoose={(chosen) => setStep(chosen.id === step || !chosen.name ? null : chosen.id)} />
          </Suspense>
        ) : <Alert type="info" title={t('run.nodocument')} />}
        <Card size="small" title={t('run.replay')} style={{ marginTop: 12 }}>
          <Slider min={0} max={records.length} value={upTo} onChange={(value) => setAt(value === records.length ? null : value)} ariaLabelForHandle={t('run.replay')} tooltip={{ formatter: (value) => t('run.replay.at', { n: value ?? 0, of: records.length }) }} />
          <Typography.Text type="secondary">{t('run.replay.at', { n: upTo, of: records.length })}</Typography.Text>
        </Card>
      </Col>
      <Col xs={24} lg={11}>
        <Card size="small" title={step ? t('run.records.of', { step: step.split('/').at(-1) ?? '' }) : t('run.records')} extra={step && <Button size="small" onClick={() => setStep(null)}>{t('run.allsteps')}</Button>}>
          <Collapse
            size="small"
            items={shown.map((record) => ({
              key: record.id,
              label: <Flex justify="space-between" gap={8} wrap><span>{word('event', kindOf(record.type))} <Typography.Text type="secondary" style={{ fontSize: 12 }}>{stepsIn(record).join(' → ')}</Typography.Text></span><Typography.Text type="secondary" style={{ fontSize: 12 }}><Time at={record.time} seconds /></Typography.Text></Flex>,
              children: (
                <>
                  <Descriptions size="small" column={1} items={[{ key: 'by', label: t('workflow.by'), children: actor(record.actor) }, { key: 'index', label: t('audit.index'), children: <Link to={`/audit?record=${record.index}`}>{record.index}</Link> }]} />
                  {record.redacted ? <Alert type="info" title={t('audit.redacted')} /> : <Json value={step ? factsOf(record).filter((fact) => stepOf(fact.pointer) === step).map((fact) => fact.value) : record.data} />}
                </>
              ),
            }))}
          />
        </Card>
      </Col>
    </Row>
  );
}
