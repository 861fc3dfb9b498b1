// 检索: words looked for in cases and items, of one's own unit and all below it.

import { useInfiniteQuery } from '@tanstack/react-query';
import { Button, Card, Flex, Input, Segmented, Tag, Typography, theme } from 'antd';
import { useEffect, useState } from 'react';
import { Link, useSearchParams } from 'react-router';

import { get, query } from '../api/client';
import type { LevelCode, Names } from '../api/types';
import { useI18n } from '../i18n';
import { Level, Loaded, Nothing, PageHead } from '../ui/bits';
import { Time } from '../ui/time';

/** A case or an item that was found. */
interface Hit {
  kind: 'case' | 'item';
  number?: string;
  item?: string;
  case?: string | null;
  unit: string;
  title: string;
  level: LevelCode | null;
  state?: string;
  state_zh?: string;
  at: string;
  found_in: string;
  found_in_zh: string;
  snippet: { text: string; hit: boolean }[];
}

interface Page {
  hits: Hit[];
  next: string | null;
  names: Names | null;
}

type Which = 'all' | 'case' | 'item';

export default function Search() {
  const { t } = useI18n();
  const [params, setParams] = useSearchParams();
  const asked = params.get('q') ?? '';
  const [text, setText] = useState(asked);
  useEffect(() => setText(asked), [asked]);
  const which = (params.get('kind') ?? 'all') as Which;
  const go = (q: string, kind: Which) => setParams(kind === 'all' ? { q } : { q, kind });
  return (
    <>
      <PageHead title={t('search')} about={t('search.about')} />
      <Flex vertical gap={16}>
        <Flex gap={12} wrap>
          <Input.Search
            style={{ flex: '1 1 260px', maxWidth: 560 }} value={text} maxLength={200} allowClear aria-label={t('search')} placeholder={t('search.hint')}
            onChange={(event) => setText(event.target.value)} onSearch={(q) => go(q.trim(), which)}
          />
          <Segmented<Which>
            value={which} onChange={(kind) => go(asked, kind)} aria-label={t('search.which')}
            options={[{ value: 'all', label: t('search.all') }, { value: 'case', label: t('search.cases') }, { value: 'item', label: t('search.items') }]}
          />
        </Flex>
        {asked ? <Hits asked={asked} kind={which === 'all' ? undefined : which} /> : <Nothing title={t('search.hint')} help={t('search.help')} />}
      </Flex>
    </>
  );
}

function Hits({ asked, kind }: { asked: string; kind: 'case' | 'item' | undefined }) {
  const { t } = useI18n();
  const found = useInfiniteQuery({
    queryKey: ['search', asked, kind ?? ''],
    queryFn: ({ pageParam }) => get<Page>('/v1/search' + query({ q: asked, kind, after: pageParam })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
    retry: false,
  });
  return (
    <Loaded of={found}>
      {({ pages }) => {
        const rows = pages.flatMap((page) => page.hits.map((hit) => ({ hit, unit: page.names?.units[hit.unit] ?? hit.unit })));
        if (rows.length === 0) return <Nothing title={t('search.none')} help={t('search.help')} />;
        return (
          <Flex vertical gap={12}>
            {rows.map(({ hit, unit }) => <Found key={hit.number ?? hit.item} hit={hit} unit={unit} />)}
            {found.hasNextPage && (
              <Button loading={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()} style={{ alignSelf: 'center' }}>{t('search.more')}</Button>
            )}
          </Flex>
        );
      }}
    </Loaded>
  );
}

function Found({ hit, unit }: { hit: Hit; unit: string }) {
  const { t, word } = useI18n();
  const { token } = theme.useToken();
  const number = hit.number ?? hit.case;
  return (
    <Card size="small" data-testid="hit">
      <Flex gap={8} wrap align="center">
        <Level level={hit.level} short />
        <Tag>{hit.kind === 'case' ? word('state', hit.state ?? '', hit.state_zh) : t('search.item')}</Tag>
        {number ? <Link to={`/cases/${encodeURIComponent(number)}`}>{hit.title}</Link> : <Typography.Text strong>{hit.title}</Typography.Text>}
      </Flex>
      <Typography.Paragraph style={{ margin: '6px 0', overflowWrap: 'anywhere' }}>
        <Typography.Text type="secondary">{word('found', hit.found_in, hit.found_in_zh)} </Typography.Text>
        {hit.snippet.map((part, at) => part.hit ? <mark key={at} style={{ background: token.colorWarningBg, color: token.colorText, fontWeight: 600 }}>{part.text}</mark> : <span key={at}>{part.text}</span>)}
      </Typography.Paragraph>
      <Typography.Text type="secondary">{unit} · {hit.number ?? hit.item} · <Time at={hit.at} /></Typography.Text>
    </Card>
  );
}
