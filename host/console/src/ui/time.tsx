// Times on the clock of the pack's zone, and spans as people say them.

import { Tooltip } from 'antd';

import { usePack } from '../api/hooks';
import { type I18n, type Lang, useI18n } from '../i18n';

const LOCALE: Record<Lang, string> = { zh: 'zh-CN', en: 'en-GB' };

/** `2026-11-24 11:22`, by the clock of the zone; with seconds where they matter. */
export function shown(time: string | number | null | undefined, lang: Lang, zone?: string, seconds = false): string {
  if (time === null || time === undefined) return '–';
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return String(time);
  const parts = new Intl.DateTimeFormat(LOCALE[lang], {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: seconds ? '2-digit' : undefined,
    hourCycle: 'h23',
  }).formatToParts(date);
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? '';
  const clock = `${part('hour')}:${part('minute')}${seconds ? ':' + part('second') : ''}`;
  return `${part('year')}-${part('month')}-${part('day')} ${clock}`;
}

/** The zone of the pack in force; the browser's own where there is none. */
export function useZone(): string | undefined {
  return usePack().data?.time_zone;
}

/** A time; the whole of it, with its zone, on demand. */
export function Time({ at, seconds }: { at: string | null | undefined; seconds?: boolean }) {
  const { lang } = useI18n();
  const zone = useZone();
  if (!at) return <span>–</span>;
  return (
    <Tooltip title={`${shown(at, lang, zone, true)} ${zone ?? ''}`}>
      <time dateTime={at} style={{ whiteSpace: 'nowrap' }}>
        {shown(at, lang, zone, seconds)}
      </time>
    </Tooltip>
  );
}

/** Seconds as people say them: the two largest units. */
export function span(total: number, { t }: Pick<I18n, 't'>): string {
  const seconds = Math.max(0, Math.floor(Math.abs(total)));
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor((seconds % 86_400) / 3_600);
  const minutes = Math.floor((seconds % 3_600) / 60);
  if (days > 0) return hours > 0 ? t('span.dh', { d: days, h: hours }) : t('span.d', { d: days });
  if (hours > 0) return t('span.hm', { h: hours, m: minutes });
  if (minutes > 0) return t('span.ms', { m: minutes, s: seconds % 60 });
  return t('span.s', { s: seconds });
}
