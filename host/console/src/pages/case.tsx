// 办件: a case: the post itself, what is asked, the clocks, who did what, and everything that can be done with it.

import { MoreOutlined } from '@ant-design/icons';
import { Alert, Button, Card, Col, Dropdown, Flex, Grid, Row, Tag, Typography } from 'antd';
import { useMemo, useState } from 'react';
import { Link, useParams } from 'react-router';

import { useCase, useCommands, usePack, useSession } from '../api/hooks';
import type { CasePage as Case } from '../api/types';
import { type Asked, CommandDrawer } from '../form/command';
import { useI18n } from '../i18n';
import { Level, Loaded, Nothing, PageHead } from '../ui/bits';
import { ClockLine } from '../ui/clock';
import { Approvals } from './case/approvals';
import { offersOf, prepared, primaryActs } from './case/acts';
import { Answers, Assessments, Concerns, Notified, Offline, Others, Posts, Reports } from './case/sections';
import { Tasks } from './case/tasks';
import { Story } from './case/story';

export default function CasePage() {
  const { number = '' } = useParams();
  const { t } = useI18n();
  const found = useCase(number);
  return (
    <>
      <Typography.Paragraph style={{ marginBottom: 8 }}><Link to="/today">{t('case.back')}</Link></Typography.Paragraph>
      <Loaded of={found}>{(page) => <Shown page={page} />}</Loaded>
    </>
  );
}

function Shown({ page }: { page: Case }) {
  const { t, word, name } = useI18n();
  const session = useSession().data?.session;
  const pack = usePack().data;
  const commands = useCommands().data;
  const [asked, setAsked] = useState<Asked | null>(null);
  const offers = useMemo(() => offersOf(page), [page]);
  const person = session?.unit !== undefined;
  const may = person && (session.units ?? []).includes(page.unit);
  const ask = (command: string, more: Partial<Asked> = {}) =>
    setAsked(prepared({ command, unit: page.unit, ...more, offers: { ...offers, ...more.offers }, initial: { case: page.number, ...more.initial }, fixed: ['case', ...(more.fixed ?? [])] }, page));
  const open = page.state !== 'closed';
  const primary = primaryActs(page, pack);
  const rest = (commands ?? [])
    .filter((one) => one.schema.properties?.['case'] && !primary.some((act) => act.command === one.command))
    .filter((one) => !['approve', 'decline', 'approve-no-response', 'accept-task', 'transfer-task', 'return-task', 'feed-back-task', 'withdraw-task'].includes(one.command));
  const unitName = name(pack?.units.find((one) => one.code === page.unit)?.name, page.names?.units[page.unit] ?? page.unit);
  const wide = Grid.useBreakpoint().lg ?? true;
  const clocks = (
    <Card size="small" title={t('case.clocks')}>
      {page.clocks.length === 0 && <Nothing title={t('case.noclocks')} help={t('case.noclocks.help')} />}
      {page.clocks.map((clock) => <ClockLine key={clock.clock} clock={clock} />)}
    </Card>
  );
  return (
    <>
      <PageHead
        title={<Flex gap={8} align="center" wrap><Level level={page.level} /><span style={{ minWidth: 0 }}>{page.title || page.number}</span></Flex>}
        about={<>{unitName} · <span data-testid="case-state">{word('state', page.state, page.state_zh)}</span> · {word('kind', page.kind, page.kind_zh)} · <code style={{ overflowWrap: 'anywhere' }}>{page.number}</code></>}
        extra={person && (
          <>
            {open && primary.map((act, at) => (
              <Button key={act.command} type={at === 0 ? 'primary' : 'default'} onClick={() => ask(act.command, act)}>
                {word('act', act.command, word('command', act.command))}
              </Button>
            ))}
            <Dropdown
              trigger={['click']}
              menu={{
                style: { maxHeight: 480, overflow: 'auto' },
                items: rest.map((one) => ({ key: one.command, label: word('command', one.command), onClick: () => ask(one.command) })),
              }}
            >
              <Button icon={<MoreOutlined />}>{t('case.more')}</Button>
            </Dropdown>
          </>
        )}
      />
      {!person && <Alert type="info" showIcon title={t('case.admin')} style={{ marginBottom: 16 }} />}
      {person && !may && <Alert type="info" showIcon title={t('case.notyours')} style={{ marginBottom: 16 }} />}
      {!page.routed && <Alert type="warning" showIcon title={t('case.unrouted')} style={{ marginBottom: 16 }} />}
      <Row gutter={[16, 16]}>
        <Col xs={24} lg={15}>
          <Flex vertical gap={16}>
            {/* On a phone the clocks come first. */}
            {!wide && clocks}
            <Approvals page={page} onAsk={ask} />
            <Posts page={page} />
            <Concerns page={page} />
            <Tasks page={page} onAsk={ask} />
            <Reports page={page} onAsk={ask} />
            <Answers page={page} />
            <Offline page={page} onAsk={ask} />
            <Assessments page={page} />
            <Others page={page} />
          </Flex>
        </Col>
        <Col xs={24} lg={9}>
          <Flex vertical gap={16}>
            {wide && clocks}
            <Story page={page} />
            <Notified page={page} />
          </Flex>
        </Col>
      </Row>
      {page.related && <Tag>{t('case.related', { number: page.related })}</Tag>}
      <CommandDrawer asked={asked} onClose={() => setAsked(null)} />
    </>
  );
}
