// 转办: work that units hand to each other, and the steps that the person's own units can take.

import { Button, Flex, Tag, Typography } from 'antd';

import { useSession } from '../../api/hooks';
import type { CasePage, Task } from '../../api/types';
import { useI18n } from '../../i18n';
import { useActor } from '../../ui/bits';
import { Time } from '../../ui/time';
import { type Ask, Section } from './sections';

export function Tasks({ page, onAsk }: { page: CasePage; onAsk: Ask }) {
  const { t } = useI18n();
  return (
    <Section title={t('case.tasks')} count={page.tasks.length}>
      <Flex vertical gap={16}>
        {page.tasks.map((task) => <TaskView key={task.task} task={task} units={page.names?.units} people={page.names?.people} onAsk={onAsk} />)}
      </Flex>
    </Section>
  );
}

/** The steps that a part of a task can take, by its state. */
export function stepsOf(state: string): string[] {
  switch (state) {
    case 'assigned': return ['accept-task', 'return-task', 'transfer-task'];
    case 'accepted': return ['feed-back-task', 'transfer-task', 'return-task'];
    case 'returned': return ['transfer-task'];
    default: return [];
  }
}

export function TaskView({ task, units, people, onAsk }: { task: Task; units?: Record<string, string>; people?: Record<string, string>; onAsk: Ask }) {
  const { t, word } = useI18n();
  const actor = useActor();
  const session = useSession().data?.session;
  const mine = new Set(session?.units ?? []);
  return (
    <div data-testid="task">
      <Flex gap={8} wrap align="center">
        <Tag color="blue">{word('value.kind', task.kind, task.kind_zh)}</Tag>
        <Typography.Text strong style={{ overflowWrap: 'anywhere' }}>{task.text}</Typography.Text>
        {task.breached_at && <Tag color="red">{t('task.late')}</Tag>}
      </Flex>
      <Typography.Text type="secondary" style={{ fontSize: 12 }}>
        {task.task} · {t('task.from', { unit: units?.[task.from] ?? task.from, who: actor(task.by, people) })}
        {task.due_at && <> · {t('task.due')} <Time at={task.due_at} /></>}
      </Typography.Text>
      {task.parts.map((part) => (
        <Flex key={part.unit} gap={8} wrap align="center" style={{ paddingTop: 6 }}>
          <span>{units?.[part.unit] ?? part.unit}</span>
          <Tag color={part.state === 'done' ? 'green' : part.state === 'returned' ? 'red' : 'gold'}>{word('taskstate', part.state, part.state_zh)}</Tag>
          {part.feedback && <span className="post">{part.feedback.text}</span>}
          {task.open && stepsOf(part.state).filter(() => mine.has(part.unit) || mine.has(task.from)).map((command) => (
            <Button key={command} size="small" onClick={() => onAsk(command, { unit: part.unit, initial: { case: task.case, task: task.task }, fixed: ['task'] })}>
              {word('command', command)}
            </Button>
          ))}
        </Flex>
      ))}
      {task.open && mine.has(task.from) && (
        <Button size="small" type="link" style={{ paddingInline: 0 }} onClick={() => onAsk('withdraw-task', { unit: task.from, initial: { case: task.case, task: task.task }, fixed: ['task'] })}>
          {word('command', 'withdraw-task')}
        </Button>
      )}
    </div>
  );
}
