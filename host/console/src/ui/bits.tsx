// Small pieces that every page uses.

import { CheckOutlined, CopyOutlined, ReloadOutlined } from '@ant-design/icons';
import { Alert, Button, Empty, Flex, Skeleton, Tag, Tooltip, Typography, theme } from 'antd';
import { type ReactNode, useEffect, useState } from 'react';

import { OfflineError, ProblemError } from '../api/client';
import type { LevelCode } from '../api/types';
import { type I18n, useI18n } from '../i18n';

const LEVEL_COLOUR: Record<LevelCode, string> = { I: 'red', II: 'orange', III: 'gold', IV: 'blue' };
const LEVEL_SIGN: Record<LevelCode, string> = { I: 'Ⅰ', II: 'Ⅱ', III: 'Ⅲ', IV: 'Ⅳ' };

/** A level, by sign and word: colour alone says nothing to who does not see it. */
export function Level({ level, short }: { level: LevelCode | null | undefined; short?: boolean }) {
  const { t, word } = useI18n();
  if (!level) return <Tag>{t('level.none')}</Tag>;
  return (
    <Tag color={LEVEL_COLOUR[level]} style={{ marginInlineEnd: 0 }}>
      {LEVEL_SIGN[level]}
      {short ? '' : ` ${word('level', level)}`}
    </Tag>
  );
}

/** What went wrong, in words for people; with the host's own words beneath. */
export function problemText(error: unknown, { t, word }: Pick<I18n, 't' | 'word'>): { title: string; detail: string } {
  if (error instanceof OfflineError) return { title: t('problem.offline'), detail: t('problem.offline.help') };
  if (error instanceof ProblemError) {
    return { title: word('problem', error.kind, error.problem.title), detail: error.problem.detail };
  }
  return { title: t('problem.internal'), detail: error instanceof Error ? error.message : String(error) };
}

export function ProblemAlert({ error, again }: { error: unknown; again?: () => void }) {
  const i18n = useI18n();
  const { title, detail } = problemText(error, i18n);
  return (
    <Alert
      type="error"
      showIcon
      title={title}
      description={<div style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>{detail}</div>}
      action={again ? <Button size="small" icon={<ReloadOutlined />} onClick={again}>{i18n.t('do.again')}</Button> : undefined}
    />
  );
}

interface Asked<T> {
  data: T | undefined;
  error: unknown;
  refetch: () => unknown;
}

/** What was asked for, once it is there; before it a skeleton, and where it failed the reason. */
export function Loaded<T>({ of, children }: { of: Asked<T>; children: (data: T) => ReactNode }) {
  if (of.data !== undefined) return <>{children(of.data)}</>;
  if (of.error) return <ProblemAlert error={of.error} again={() => void of.refetch()} />;
  return <Skeleton active paragraph={{ rows: 6 }} />;
}

/** Nothing there, and what that means or what to do next. */
export function Nothing({ title, help, children }: { title: string; help?: ReactNode; children?: ReactNode }) {
  return (
    <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={<Typography.Text strong>{title}</Typography.Text>}>
      {help && (
        <Typography.Paragraph type="secondary" style={{ maxWidth: 560, margin: '0 auto 12px' }}>
          {help}
        </Typography.Paragraph>
      )}
      {children}
    </Empty>
  );
}

/** A page's head: its one heading, what it is for, and what can be done on all of it. */
export function PageHead({ title, about, extra }: { title: ReactNode; about?: ReactNode; extra?: ReactNode }) {
  return (
    <Flex justify="space-between" align="flex-start" gap={12} wrap style={{ marginBottom: 16 }}>
      <div style={{ minWidth: 0, flex: '1 1 260px' }}>
        <Typography.Title level={1} style={{ fontSize: 22, margin: 0, overflowWrap: 'anywhere' }}>
          {title}
        </Typography.Title>
        {about && <Typography.Text type="secondary">{about}</Typography.Text>}
      </div>
      {extra && <Flex gap={8} wrap>{extra}</Flex>}
    </Flex>
  );
}

/** A hash: its beginning, and all of it on demand. */
export function Hash({ value, length = 12 }: { value: string | null | undefined; length?: number }) {
  const { t } = useI18n();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), 1_500);
    return () => clearTimeout(timer);
  }, [copied]);
  if (!value) return <span>–</span>;
  const copy = () => void navigator.clipboard?.writeText(value).then(() => setCopied(true), () => undefined);
  return (
    <span style={{ whiteSpace: 'nowrap' }}>
      <Tooltip title={value}>
        <code>{value.length > length ? value.slice(0, length) + '…' : value}</code>
      </Tooltip>
      <Button
        type="text"
        size="small"
        aria-label={t('do.copy')}
        icon={copied ? <CheckOutlined /> : <CopyOutlined />}
        onClick={copy}
      />
    </span>
  );
}

/** A value as JSON, to be read and not to be run. */
export function Json({ value, max = 360 }: { value: unknown; max?: number }) {
  const { token } = theme.useToken();
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  return (
    <pre
      // What scrolls must be reached by key, too.
      tabIndex={0}
      style={{
        margin: 0, padding: 12, maxHeight: max, overflow: 'auto', fontSize: 12, borderRadius: token.borderRadius,
        background: token.colorFillTertiary, whiteSpace: 'pre-wrap', overflowWrap: 'anywhere',
      }}
    >
      {text}
    </pre>
  );
}

/** Who acts, by name where the pack knows one. */
export function useActor(): (actor: string | null | undefined, people?: Record<string, string>) => string {
  const { t } = useI18n();
  return (actor, people) => {
    if (!actor) return '–';
    const at = actor.indexOf(':');
    if (at < 0) return people?.[actor] ?? actor;
    const [kind, name] = [actor.slice(0, at), actor.slice(at + 1)];
    switch (kind) {
      case 'person': return people?.[name] ?? name;
      case 'admin': return t('actor.admin', { name });
      case 'run': return t('actor.run', { name: name.slice(0, 8) });
      case 'plugin': return t('actor.plugin', { name });
      case 'system': return t('actor.system');
      default: return actor;
    }
  };
}
