// 待办: what waits for this person: approvals of a second person, and tasks of their units.

import { useQueries } from '@tanstack/react-query';
import { Badge, Card, Flex, Segmented, Tabs, Typography } from 'antd';
import { useState } from 'react';
import { Link } from 'react-router';

import { get } from '../api/client';
import { useCases, useSession, useTasks } from '../api/hooks';
import type { CasePage, CaseRow } from '../api/types';
import { type Asked, CommandDrawer } from '../form/command';
import { OtherCommands } from '../form/others';
import { useI18n } from '../i18n';
import { Level, Loaded, Nothing, PageHead } from '../ui/bits';
import { ApprovalCard } from './case/approvals';
import { TaskView } from './case/tasks';

/** Cases with something pending whose approvals are read at once. */
const READ = 30;

export default function Inbox() {
  const { t } = useI18n();
  const [asked, setAsked] = useState<Asked | null>(null);
  const cases = useCases();
  const tasks = useTasks(undefined, false);
  const waiting = cases.data?.cases.filter((row) => row.pending > 0 && row.state !== 'closed') ?? [];
  const session = useSession().data?.session;
  const mine = new Set(session?.units ?? []);
  const own = tasks.data?.tasks.filter((task) => task.open && (mine.size === 0 || task.parts.some((part) => mine.has(part.unit)) || mine.has(task.from))) ?? [];
  return (
    <>
      <PageHead title={t('nav.inbox')} about={t('inbox.about')} extra={<OtherCommands />} />
      <Tabs
        items={[
          {
            key: 'approvals',
            label: <Badge count={waiting.reduce((sum, row) => sum + row.pending, 0)} size="small" offset={[10, 0]}>{t('inbox.approvals')}</Badge>,
            children: <Loaded of={cases}>{() => <ApprovalList rows={waiting} onAsk={setAsked} />}</Loaded>,
          },
          {
            key: 'tasks',
            label: <Badge count={own.length} size="small" offset={[10, 0]}>{t('inbox.tasks')}</Badge>,
            children: <Loaded of={tasks}>{() => <TaskListView onAsk={setAsked} />}</Loaded>,
          },
        ]}
      />
      <CommandDrawer asked={asked} onClose={() => setAsked(null)} />
    </>
  );
}

function ApprovalList({ rows, onAsk }: { rows: CaseRow[]; onAsk: (asked: Asked) => void }) {
  const { t } = useI18n();
  const pages = useQueries({
    queries: rows.slice(0, READ).map((row) => ({
      queryKey: ['case', row.number],
      queryFn: () => get<CasePage>(`/v1/cases/${encodeURIComponent(row.number)}`),
    })),
  });
  if (rows.length === 0) return <Card><Nothing title={t('inbox.noapprovals')} help={t('inbox.noapprovals.help')} /></Card>;
  return (
    <Flex vertical gap={12}>
      {pages.map((found, at) => {
        const row = rows[at];
        if (!row) return null;
        return (
          <Card key={row.number} size="small" title={<Flex gap={8} align="center"><Level level={row.level} short /><Link to={`/cases/${row.number}`} style={{ overflow: 'hidden', textOverflow: 'ellipsis' }}>{row.title}</Link></Flex>}>
            <Loaded of={found}>
              {(page) => (
                <Flex vertical gap={16}>
                  {page.approvals.filter((one) => one.state === 'pending').map((one) => (
                    <ApprovalCard
                      key={one.id}
                      approval={one}
                      number={page.number}
                      unit={page.unit}
                      people={page.names?.people}
                      onDecline={() => onAsk({ command: 'decline', unit: page.unit, initial: { case: page.number, hash: one.hash }, fixed: ['case', 'hash'] })}
                    />
                  ))}
                </Flex>
              )}
            </Loaded>
          </Card>
        );
      })}
      {rows.length > READ && <Typography.Text type="secondary">{t('inbox.more', { n: rows.length - READ })}</Typography.Text>}
    </Flex>
  );
}

function TaskListView({ onAsk }: { onAsk: (asked: Asked) => void }) {
  const { t } = useI18n();
  const [all, setAll] = useState(false);
  const session = useSession().data?.session;
  const tasks = useTasks(undefined, all);
  const mine = new Set(session?.units ?? []);
  const rows = tasks.data?.tasks.filter((task) => mine.size === 0 || task.parts.some((part) => mine.has(part.unit)) || mine.has(task.from)) ?? [];
  return (
    <Flex vertical gap={12}>
      <Segmented value={all} onChange={setAll} options={[{ value: false, label: t('inbox.open') }, { value: true, label: t('inbox.all') }]} style={{ alignSelf: 'flex-start' }} aria-label={t('inbox.which')} />
      {rows.length === 0 && <Card><Nothing title={t('inbox.notasks')} help={t('inbox.notasks.help')} /></Card>}
      {rows.map((task) => (
        <Card key={`${task.case}/${task.task}`} size="small" title={<Flex gap={8} align="center"><Level level={task.level} short /><Link to={`/cases/${task.case}`} style={{ overflow: 'hidden', textOverflow: 'ellipsis' }}>{task.title}</Link></Flex>}>
          <TaskView
            task={task}
            units={tasks.data?.names?.units}
            people={tasks.data?.names?.people}
            onAsk={(command, more) => onAsk({ command, ...more, fixed: ['case', ...(more?.fixed ?? [])] })}
          />
        </Card>
      ))}
    </Flex>
  );
}
