// 制度: the policy pack in force, as tables that an officer can read.

import { Card, Flex, Table, Tabs, Tag, Tree, Typography } from 'antd';

import { usePack } from '../api/hooks';
import type { Basis, ClockRule, LevelCode, Pack, Unit } from '../api/types';
import { type I18n, useI18n } from '../i18n';
import { Json, Level, Loaded, Nothing, PageHead } from '../ui/bits';

/** An allowance as people say it, of `PT1H`, `3wd` or an object of them. */
export function allowance(value: unknown, { t }: Pick<I18n, 't'>): string {
  if (value === null || value === undefined) return t('policy.unset');
  if (typeof value === 'object') return JSON.stringify(value);
  const text = String(value);
  const working = /^(\d+)wd$/.exec(text);
  if (working?.[1]) return t('policy.workingdays', { n: working[1] });
  const iso = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?$/.exec(text);
  if (!iso) return text;
  const [, days, hours, minutes] = iso;
  return [days && t('policy.days', { n: days }), hours && t('policy.hours', { n: hours }), minutes && t('policy.minutes', { n: minutes })].filter(Boolean).join(' ') || text;
}

function BasisText({ basis }: { basis: Basis }) {
  const { t, word } = useI18n();
  return (
    <div style={{ minWidth: 200, maxWidth: 420 }}>
      {basis.clause && <Tag>{t('clause', { clause: basis.clause })}</Tag>}
      <Tag color={basis.status === 'regulation' ? 'green' : basis.status === 'unset' ? 'red' : undefined}>{word('basis', basis.status)}</Tag>
      <div style={{ fontSize: 12 }}>{basis.source}</div>
    </div>
  );
}

function Levels({ levels }: { levels: LevelCode[] }) {
  const { t } = useI18n();
  if (levels.length === 0) return <span>{t('policy.onrequest')}</span>;
  return <Flex gap={4} wrap>{levels.map((level) => <Level key={level} level={level} short />)}</Flex>;
}

interface TreeNode {
  key: string;
  title: React.ReactNode;
  children: TreeNode[];
}

function tree(units: Unit[], parent: string | null, show: (unit: Unit) => React.ReactNode): TreeNode[] {
  return units
    .filter((unit) => (unit.parent ?? null) === parent)
    .map((unit) => ({ key: unit.code, title: show(unit), children: tree(units, unit.code, show) }));
}

export default function Policy() {
  const { t, name } = useI18n();
  const pack = usePack();
  if (pack.error && !pack.data) {
    return (
      <>
        <PageHead title={t('nav.policy')} />
        <Card><Nothing title={t('policy.none')} help={t('policy.none.help')} /></Card>
      </>
    );
  }
  return (
    <Loaded of={pack}>
      {(found) => (
        <>
          <PageHead title={name(found.title, found.name)} about={t('policy.about', { name: found.name, version: found.version, zone: found.time_zone })} />
          <Tabs
            items={[
              { key: 'clocks', label: t('policy.clocks'), children: <Clocks pack={found} /> },
              { key: 'units', label: t('policy.units'), children: <Units pack={found} /> },
              { key: 'notify', label: t('policy.notify'), children: <Notify pack={found} /> },
              { key: 'rules', label: t('policy.rules'), children: <Rules pack={found} /> },
              { key: 'all', label: t('policy.all'), children: <Json value={found} max={680} /> },
            ]}
          />
        </>
      )}
    </Loaded>
  );
}

function Clocks({ pack }: { pack: Pack }) {
  const i18n = useI18n();
  const { t, name, word } = i18n;
  return (
    <Table<ClockRule>
      size="small"
      rowKey="id"
      dataSource={pack.clocks}
      pagination={false}
      scroll={{ x: 'max-content' }}
      columns={[
        { title: t('policy.rule'), render: (_, rule) => <><div>{name(rule.name)}</div><code>{rule.id}</code></> },
        { title: t('field.level'), dataIndex: 'levels', render: (levels: LevelCode[]) => <Levels levels={levels} /> },
        { title: t('policy.anchor'), dataIndex: 'anchor', render: (anchor: string) => word('milestone', anchor.replace(/_at$/, ''), anchor) },
        { title: t('policy.allowance'), render: (_, rule) => allowance(rule.allowance, i18n) },
        { title: t('policy.stops'), dataIndex: 'satisfied_by', render: (by: string) => word('satisfied', by) },
        { title: t('policy.pausable'), dataIndex: 'pausable', render: (yes: boolean) => t(yes ? 'yes' : 'no') },
        { title: t('policy.tighter'), render: (_, rule) => pack.units.flatMap((unit) => (unit.clocks ?? []).filter((own) => own.rule === rule.id && own.allowance).map((own) => <div key={unit.code}>{name(unit.name)}: {allowance(own.allowance, i18n)}</div>)) },
        { title: t('policy.basis'), dataIndex: 'basis', render: (basis: Basis) => <BasisText basis={basis} /> },
      ]}
    />
  );
}

function Units({ pack }: { pack: Pack }) {
  const { t, name, word } = useI18n();
  const person = (unit: Unit, id: string) => unit.people.find((one) => one.id === id)?.name ?? id;
  const nodes = tree(pack.units, null, (unit) => (
    <div style={{ paddingBlock: 6 }}>
      <Typography.Text strong>{name(unit.name)}</Typography.Text> <code>{unit.code}</code>
      <div><Typography.Text type="secondary">{unit.office.name} {unit.office.contact ?? ''} · {t('policy.principal')} {person(unit, unit.principal)} · {t('policy.spokesperson')} {person(unit, unit.spokesperson)}</Typography.Text></div>
      <div>{unit.people.map((one) => <Tag key={one.id}>{one.name} {(one.roles ?? []).map((role) => word('role', role)).join(' ')}</Tag>)}</div>
      {(unit.duties ?? []).length > 0 && <div><Typography.Text type="secondary">{t('policy.duties')}: {(unit.duties ?? []).join('、')}</Typography.Text></div>}
    </div>
  ));
  return <Card size="small"><Tree<TreeNode> treeData={nodes} defaultExpandAll selectable={false} showLine virtual={false} /></Card>;
}

function Notify({ pack }: { pack: Pack }) {
  const { t, word } = useI18n();
  const who = (target: string) => {
    const [whose = '', role = ''] = target.split('.');
    return `${word('whose', whose)}${t('policy.of')}${word('role', role)}`;
  };
  return (
    <Table
      size="small"
      rowKey={(_, at) => String(at)}
      dataSource={pack.notify}
      pagination={false}
      scroll={{ x: 'max-content' }}
      columns={[
        { title: t('policy.on'), dataIndex: 'on', render: (on: string) => word('on', on) },
        { title: t('field.level'), dataIndex: 'levels', render: (levels: LevelCode[]) => <Levels levels={levels} /> },
        { title: t('policy.rule'), dataIndex: 'clocks', render: (clocks?: string[]) => (clocks ?? []).join(', ') || '–' },
        { title: t('policy.tell'), dataIndex: 'tell', render: (tell: string[]) => tell.map(who).join('、') },
        { title: t('policy.basis'), dataIndex: 'basis', render: (basis: Basis) => <BasisText basis={basis} /> },
      ]}
    />
  );
}

function Rules({ pack }: { pack: Pack }) {
  const { t, word } = useI18n();
  const rows = [
    { key: 'floor', what: t('policy.floor', { name: `${pack.floor.name}:${pack.floor.version}`, level: pack.floor.opens_at }), basis: pack.floor.basis },
    ...pack.responses.map((rule, at) => ({ key: `r${at}`, what: t('policy.response', { levels: rule.levels.join(' '), value: word('response', rule.value) }), basis: rule.basis })),
    ...(pack.acts ?? []).map((rule) => ({ key: `a${rule.act}`, what: t('policy.act', { act: word('command', rule.act), roles: rule.roles.map((role) => word('role', role)).join('、') }), basis: rule.basis })),
    ...(pack.closing ?? []).map((rule, at) => ({ key: `c${at}`, what: t('policy.closing', { levels: rule.levels.join(' '), tasks: rule.tasks.map((kind) => word('value.kind', kind)).join('、') }), basis: rule.basis })),
  ];
  return (
    <Table
      size="small"
      rowKey="key"
      dataSource={rows}
      pagination={false}
      scroll={{ x: 'max-content' }}
      columns={[
        { title: t('policy.rule'), dataIndex: 'what', render: (what: string) => <div style={{ maxWidth: 480, whiteSpace: 'normal' }}>{what}</div> },
        { title: t('policy.basis'), dataIndex: 'basis', render: (basis: Basis) => <BasisText basis={basis} /> },
      ]}
    />
  );
}
