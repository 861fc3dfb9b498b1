// 经过: everything that somebody did with a case, in the order of time.

import { Card, Timeline, Typography } from 'antd';

import type { CasePage } from '../../api/types';
import { type I18n, useI18n } from '../../i18n';
import { useActor } from '../../ui/bits';
import { Time, shown } from '../../ui/time';

export interface Deed {
  at: string;
  by: string | null;
  what: string;
  colour?: string;
}

/** The story of a case, the earliest first. */
export function storyOf(page: CasePage, { t, word, name, lang }: Pick<I18n, 't' | 'word' | 'name' | 'lang'>): Deed[] {
  const deeds: Deed[] = [];
  const zone = page.time_zone ?? undefined;
  const add = (at: string | null | undefined, by: string | null | undefined, what: string, colour?: string) => {
    if (at) deeds.push({ at, by: by ?? null, what, colour });
  };
  add(page.times['occurred'], null, word('milestone', 'occurred'));
  add(page.times['discovered'], null, word('milestone', 'discovered'));
  add(page.times['opened'], page.opened_by, word('milestone', 'opened'));
  for (const one of page.assessments.filter((each) => !each.floor)) add(one.at, one.by, t('story.assessed', { level: one.verdict.level ?? '–' }));
  for (const one of page.level_changes) add(one.at, one.by, t('story.level', { from: one.from, to: one.to, reason: one.reason }));
  for (const one of page.corrections) add(one.at, one.by, t('story.corrected', { from: shown(one.from, lang, zone), to: shown(one.to, lang, zone), reason: one.reason }));
  for (const one of page.recorded ?? []) add(one.at, one.by, t('story.recorded', { what: word('milestone', one.milestone), at: shown(one.time, lang, zone) }));
  for (const one of page.reports) add(one.at, one.by, t('story.reported', { stage: word('value.stage', one.stage), n: one.seq }), 'green');
  for (const one of page.answers) add(one.at, one.by, t('story.answered', { channel: one.channel }), 'green');
  for (const one of page.contacts) add(one.time, one.by, t('story.contact', { with: one.with }));
  for (const one of page.tasks) {
    add(one.at, one.by, t('story.task', { kind: word('value.kind', one.kind, one.kind_zh), units: one.parts.map((part) => page.names?.units[part.unit] ?? part.unit).join('、') }));
    for (const part of one.parts) add(part.feedback?.at, part.feedback?.by, t('story.feedback', { unit: page.names?.units[part.unit] ?? part.unit }));
  }
  for (const one of page.approvals) {
    const what = word('approval.act', one.act, one.act_zh);
    add(one.at, `person:${one.author}`, t('story.proposed', { what }));
    add(one.approved?.at, one.approved ? `person:${one.approved.by}` : null, t('story.approved', { what }), 'green');
  }
  for (const clock of page.clocks) for (const breach of clock.breaches) add(breach.noticed_at, 'system:clock', t('story.breached', { clock: name(clock.name, clock.rule) }), 'red');
  add(page.times['closed'], null, word('milestone', 'closed'), 'green');
  return deeds.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

export function Story({ page }: { page: CasePage }) {
  const i18n = useI18n();
  const actor = useActor();
  const deeds = storyOf(page, i18n);
  return (
    <Card size="small" title={i18n.t('case.story')} data-testid="story">
      <Timeline
        items={deeds.map((deed) => ({
          color: deed.colour,
          content: (
            <>
              <div style={{ overflowWrap: 'anywhere' }}>{deed.what}</div>
              <Typography.Text type="secondary" style={{ fontSize: 12 }}>
                <Time at={deed.at} />{deed.by ? ` · ${actor(deed.by, page.names?.people)}` : ''}
              </Typography.Text>
            </>
          ),
        }))}
      />
    </Card>
  );
}
