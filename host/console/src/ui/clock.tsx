// A legal clock, counting down.

import { ClockCircleOutlined, PauseCircleOutlined, WarningFilled } from '@ant-design/icons';
import { Flex, Tag, Tooltip, Typography, theme } from 'antd';

import { useNow } from '../api/now';
import type { Clock } from '../api/types';
import { useI18n } from '../i18n';
import { shown, span, useZone } from './time';

/** Below so many seconds a clock is pressing. */
export const PRESSING = 30 * 60;

export type Urgency = 'late' | 'pressing' | 'running' | 'paused' | 'over';

/** How a clock stands at a time of the host (ms), and the seconds that are left or over. */
export function standing(
  clock: Pick<Clock, 'state' | 'due_at' | 'remaining_seconds'>,
  now: number,
): { urgency: Urgency; left: number } {
  const left = Math.round((Date.parse(clock.due_at) - now) / 1_000);
  if (clock.state === 'paused') return { urgency: 'paused', left: clock.remaining_seconds ?? left };
  if (clock.state !== 'running' && clock.state !== 'breached') return { urgency: 'over', left };
  if (left < 0 || clock.state === 'breached') return { urgency: 'late', left };
  return { urgency: left < PRESSING ? 'pressing' : 'running', left };
}

/** What is left, or by how much it is late. */
export function Countdown({ clock, large }: { clock: Clock; large?: boolean }) {
  const i18n = useI18n();
  const { token } = theme.useToken();
  const { urgency, left } = standing(clock, useNow());
  const zone = useZone();
  const text =
    urgency === 'late' ? i18n.t('clock.late', { span: span(left, i18n) })
    : urgency === 'paused' ? i18n.t('clock.paused', { span: span(left, i18n) })
    : urgency === 'over' ? i18n.word('clockstate', clock.state, clock.state)
    : i18n.t('clock.left', { span: span(left, i18n) });
  const colour = {
    late: token.colorErrorText,
    pressing: token.colorWarningText,
    running: token.colorText,
    paused: token.colorTextSecondary,
    over: token.colorTextSecondary,
  }[urgency];
  const icon =
    urgency === 'late' || urgency === 'pressing' ? <WarningFilled />
    : urgency === 'paused' ? <PauseCircleOutlined />
    : <ClockCircleOutlined />;
  const calm = urgency === 'running' || urgency === 'over';
  return (
    <Tooltip title={i18n.t('clock.due', { at: shown(clock.due_at, i18n.lang, zone, true) })}>
      <span
        data-testid="countdown"
        style={{
          color: colour, fontVariantNumeric: 'tabular-nums', fontWeight: calm ? 400 : 600,
          fontSize: large ? 18 : undefined, whiteSpace: 'nowrap',
        }}
      >
        {icon} {text}
      </span>
    </Tooltip>
  );
}

/** A clock with its name, its basis and its due time. */
export function ClockLine({ clock }: { clock: Clock }) {
  const i18n = useI18n();
  const zone = useZone();
  const lifted = clock.breaches.filter((breach) => breach.lifted);
  return (
    <Flex justify="space-between" gap={8} wrap style={{ padding: '8px 0' }}>
      <div style={{ minWidth: 0 }}>
        <div>
          {i18n.name(clock.name, clock.rule)}{' '}
          {clock.clause && <Tag>{i18n.t('clause', { clause: clock.clause })}</Tag>}
          {clock.provisional && <Tag color="gold">{i18n.t('clock.provisional')}</Tag>}
        </div>
        <Typography.Text type="secondary" style={{ fontSize: 12 }}>
          {i18n.t('clock.due', { at: shown(clock.due_at, i18n.lang, zone) })}
          {lifted.length > 0 && ` · ${i18n.t('clock.lifted', { n: lifted.length })}`}
        </Typography.Text>
      </div>
      <Countdown clock={clock} />
    </Flex>
  );
}
