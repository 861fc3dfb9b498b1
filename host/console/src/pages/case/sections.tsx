// The sections of a case's page.

import { Button, Card, Collapse, Flex, Tag, Typography } from 'antd';
import type { ReactNode } from 'react';

import type { CasePage } from '../../api/types';
import type { Asked } from '../../form/command';
import { useI18n } from '../../i18n';
import { Hash, Json, Level, Nothing, useActor } from '../../ui/bits';
import { Time } from '../../ui/time';

export type Ask = (command: string, more?: Partial<Asked>) => void;

/** A section; left out where there is nothing in it, unless `always`. */
export function Section({ title, count, always, extra, children, testid }: { title: string; count: number; always?: boolean; extra?: ReactNode; children: ReactNode; testid?: string }) {
  if (count === 0 && !always) return null;
  return (
    <Card size="small" title={<>{title}{count > 1 && <Typography.Text type="secondary"> {count}</Typography.Text>}</>} extra={extra} data-testid={testid}>
      {children}
    </Card>
  );
}

/** An address that the host let in is opened only where it is one of the web; nothing of this page goes along. */
export function safeUrl(url: string | undefined): string | undefined {
  if (!url) return undefined;
  try {
    const read = new URL(url);
    return read.protocol === 'http:' || read.protocol === 'https:' ? read.href : undefined;
  } catch {
    return undefined;
  }
}

export function Link({ url }: { url?: string }) {
  const href = safeUrl(url);
  if (!href) return url ? <Typography.Text type="secondary" style={{ overflowWrap: 'anywhere' }}>{url}</Typography.Text> : null;
  return <a href={href} target="_blank" rel="noopener noreferrer nofollow" style={{ overflowWrap: 'anywhere' }}>{url}</a>;
}

export function Posts({ page }: { page: CasePage }) {
  const { t } = useI18n();
  return (
    <Section title={t('case.posts')} count={page.items.length} always>
      {page.items.length === 0 && <Nothing title={t('case.noposts')} help={t('case.noposts.help')} />}
      <Flex vertical gap={16}>
        {page.items.slice(0, 30).map((item) => (
          <article key={item.item}>
            <Flex gap={8} wrap align="center">
              {item.level && <Level level={item.level} short />}
              <Typography.Text strong style={{ overflowWrap: 'anywhere' }}>{item.title}</Typography.Text>
            </Flex>
            <Typography.Text type="secondary" style={{ fontSize: 12 }}><Time at={item.occurred_at} /> · {item.source} · {item.asker}</Typography.Text>
            {item.text && <p className="post" style={{ margin: '6px 0' }}>{item.text}</p>}
            <div><Link url={item.url} /></div>
          </article>
        ))}
        {(page.items.length > 30 || page.more_items > 0) && (
          <Typography.Text type="secondary">{t('case.moreitems', { n: page.more_items + Math.max(0, page.items.length - 30) })}</Typography.Text>
        )}
      </Flex>
    </Section>
  );
}

export function Concerns({ page }: { page: CasePage }) {
  const { t } = useI18n();
  const owed = page.askers.filter((asker) => !asker.answered);
  return (
    <Section title={t('case.concerns')} count={page.concerns.length + page.askers.length}>
      {page.concerns.map((concern) => (
        <Flex key={concern.id} gap={8} style={{ padding: '4px 0' }} align="baseline">
          <code>{concern.id}</code>
          <span style={{ flex: 1, overflowWrap: 'anywhere' }}>{concern.text}</span>
          <Tag color={concern.settled ? 'green' : 'orange'}>{t(concern.settled ? 'case.settled' : 'case.unsettled')}</Tag>
        </Flex>
      ))}
      <Typography.Paragraph type="secondary" style={{ margin: '8px 0 0' }}>
        {t('case.askers', { n: page.askers.length, owed: owed.length })}
        {owed.length > 0 && owed.length <= 8 && `: ${owed.map((asker) => asker.id).join('、')}`}
      </Typography.Paragraph>
    </Section>
  );
}

export function Reports({ page, onAsk }: { page: CasePage; onAsk: Ask }) {
  const { t, word } = useI18n();
  const actor = useActor();
  const people = page.names?.people;
  const sent = new Set(page.reports.map((report) => report.draft).filter(Boolean));
  const drafts = page.drafts.filter((draft) => !sent.has(draft.hash));
  const facts = (list: string[] | undefined) => (
    <ul style={{ margin: '4px 0 0', paddingInlineStart: 20 }}>
      {(list ?? []).map((fact, at) => <li key={at} style={{ overflowWrap: 'anywhere' }}>{fact}</li>)}
    </ul>
  );
  return (
    <>
      <Section title={t('case.drafts')} count={drafts.length} testid="drafts">
        <Flex vertical gap={16}>
          {drafts.map((draft) => (
            <div key={draft.hash}>
              <Flex gap={8} wrap align="center" justify="space-between">
                <span><Tag>{word('value.stage', draft.stage)}</Tag> <Typography.Text type="secondary"><Time at={draft.at} /> · {actor(draft.by, people)}</Typography.Text></span>
                {page.state !== 'closed' && (
                  <Button size="small" onClick={() => onAsk('submit-report', { initial: { stage: draft.stage, draft: draft.hash }, fixed: ['stage', 'facts', 'documents', 'cause', 'cause_evidence', 'measures', 'result'], note: (draft.facts ?? []).join('\n') })}>
                    {t('case.senddraft')}
                  </Button>
                )}
              </Flex>
              {facts(draft.facts)}
              <Hash value={draft.hash} />
            </div>
          ))}
        </Flex>
      </Section>
      <Section title={t('case.reports')} count={page.reports.length} testid="reports">
        <Flex vertical gap={16}>
          {page.reports.map((report) => (
            <div key={`${report.stage}${report.seq}`}>
              <Tag color="green">{word('value.stage', report.stage)} {t('case.reportno', { n: report.seq })}</Tag>
              <Typography.Text type="secondary"><Time at={report.at} /> · {actor(report.by, people)}</Typography.Text>
              {report.number_zh && <div><Typography.Text type="secondary">{report.number_zh}</Typography.Text></div>}
              {facts(report.facts)}
              {(report.unsigned ?? []).map((addressee) => (
                <Flex key={addressee} gap={8} align="center" style={{ marginTop: 4 }}>
                  <Tag color="orange">{t('case.unsigned', { who: page.names?.units[addressee] ?? word('addressee', addressee) })}</Tag>
                  <Button size="small" onClick={() => onAsk('record-receipt', { initial: { report: report.id, addressee }, fixed: ['report', 'addressee'] })}>{word('command', 'record-receipt')}</Button>
                </Flex>
              ))}
              {(report.documents ?? []).map((document) => <Tag key={document.filename}>{document.filename}</Tag>)}
            </div>
          ))}
        </Flex>
      </Section>
    </>
  );
}

export function Answers({ page }: { page: CasePage }) {
  const { t } = useI18n();
  const actor = useActor();
  return (
    <Section title={t('case.answers')} count={page.answers.length} testid="answers">
      <Flex vertical gap={16}>
        {page.answers.map((answer, at) => (
          <div key={at}>
            <Typography.Text type="secondary">
              <Time at={answer.delivered_at} /> · {answer.channel} · {answer.public ? t('case.public') : answer.askers.join('、')} · {actor(answer.by, page.names?.people)}
            </Typography.Text>
            <p className="post" style={{ margin: '6px 0' }}>{answer.text}</p>
            {answer.proof && <div>{t('case.proof')} <Link url={answer.proof} /></div>}
          </div>
        ))}
      </Flex>
    </Section>
  );
}

export function Offline({ page, onAsk }: { page: CasePage; onAsk: Ask }) {
  const { t } = useI18n();
  const actor = useActor();
  return (
    <Section title={t('case.offline')} count={page.offline.length + page.contacts.length}>
      {page.offline.map((event) => (
        <Flex key={event.id} gap={8} style={{ padding: '4px 0' }} justify="space-between" wrap>
          <span style={{ overflowWrap: 'anywhere' }}><code>{event.id}</code> {event.text}{event.outcome ? ` → ${event.outcome}` : ''}</span>
          {!event.outcome && <Button size="small" onClick={() => onAsk('record-offline-event', { initial: { event: event.id }, fixed: ['text'] })}>{t('case.outcome')}</Button>}
        </Flex>
      ))}
      {page.contacts.map((contact, at) => (
        <div key={at} style={{ padding: '4px 0', overflowWrap: 'anywhere' }}>
          <Typography.Text type="secondary"><Time at={contact.time} /> · {contact.with} ({contact.channel}) · {actor(contact.by, page.names?.people)}</Typography.Text>
          <div>{contact.text}</div>
        </div>
      ))}
    </Section>
  );
}

export function Assessments({ page }: { page: CasePage }) {
  const { t } = useI18n();
  const actor = useActor();
  return (
    <Section title={t('case.assessments')} count={page.assessments.length}>
      <Flex vertical gap={12}>
        {page.assessments.slice(-10).reverse().map((one, at) => (
          <div key={at}>
            <Flex gap={8} wrap align="center">
              <Level level={one.verdict.level} short />
              <Typography.Text type="secondary">
                <Time at={one.at} /> · {one.floor ? t('case.floor', { name: one.classifier ?? '' }) : actor(one.by, page.names?.people)}
              </Typography.Text>
            </Flex>
            {(one.verdict.reasons ?? []).length > 0 && <div style={{ overflowWrap: 'anywhere' }}>{(one.verdict.reasons ?? []).join('；')}</div>}
          </div>
        ))}
      </Flex>
    </Section>
  );
}

export function Notified({ page }: { page: CasePage }) {
  const { t, word } = useI18n();
  return (
    <Section title={t('case.notified')} count={page.notified.length}>
      <Flex vertical gap={6}>
        {page.notified.slice(-20).reverse().map((one, at) => (
          <Flex key={at} gap={8} justify="space-between" wrap>
            <span>{one.to?.name ?? ''} <Typography.Text type="secondary">({word('role', one.to?.role)}) · {word('on', one.on)}</Typography.Text></span>
            <Tag color={one.delivered ? 'green' : 'orange'}>{t(one.delivered ? 'case.told' : 'case.untold')}</Tag>
          </Flex>
        ))}
      </Flex>
    </Section>
  );
}

/** What the page has a place for; whatever else the host tells of a case is shown as it is. */
const KNOWN = new Set([
  'number', 'kind', 'kind_zh', 'unit', 'region', 'title', 'nature', 'level', 'level_zh', 'colour', 'response_value', 'state', 'state_zh', 'times',
  'because', 'opened_by', 'pack', 'related', 'clocks', 'routed', 'tasks', 'contacts', 'offline', 'items', 'more_items', 'askers', 'concerns',
  'assessments', 'level_changes', 'corrections', 'recorded', 'notified', 'reports', 'drafts', 'answers', 'approvals', 'no_response', 'names', 'time_zone',
]);

/** Sections that the host has and this console does not know yet. */
export function Others({ page }: { page: CasePage }) {
  const { word } = useI18n();
  const empty = (value: unknown) => value === null || value === undefined || value === false || (Array.isArray(value) && value.length === 0) || (typeof value === 'object' && Object.keys(value as object).length === 0);
  const rest = Object.entries(page).filter(([name, value]) => !KNOWN.has(name) && !empty(value));
  if (rest.length === 0) return null;
  return (
    <Collapse
      size="small"
      items={rest.map(([name, value]) => ({
        key: name,
        label: word('section', name, name),
        children: Array.isArray(value) ? <Flex vertical gap={8}>{value.map((one, at) => <Facts key={at} value={one} />)}</Flex> : <Facts value={value} />,
      }))}
    />
  );
}

/** An object that the console knows nothing of, its texts as lines and the rest as JSON. */
function Facts({ value }: { value: unknown }) {
  const { word } = useI18n();
  if (typeof value !== 'object' || value === null) return <span>{String(value)}</span>;
  const entries = Object.entries(value).filter(([, one]) => one !== null);
  const plain = entries.filter(([, one]) => typeof one !== 'object');
  const deep = entries.filter(([, one]) => typeof one === 'object');
  return (
    <div>
      {plain.map(([name, one]) => (
        <div key={name} style={{ overflowWrap: 'anywhere' }}><Typography.Text type="secondary">{word('field', name, name)}: </Typography.Text>{word('value', String(one), String(one))}</div>
      ))}
      {deep.length > 0 && <Json value={Object.fromEntries(deep)} max={200} />}
    </div>
  );
}

