// The frame around every page: where one can go, who one is, and how it stands with the host.

import {
  AppstoreOutlined, AuditOutlined, BellOutlined, DashboardOutlined, FileProtectOutlined, InboxOutlined, LogoutOutlined,
  MenuOutlined, NodeIndexOutlined, SearchOutlined, SettingOutlined, TranslationOutlined, UserOutlined, BulbOutlined,
} from '@ant-design/icons';
import { useQueryClient } from '@tanstack/react-query';
import { Alert, Badge, Button, Drawer, Dropdown, Flex, Grid, Input, Layout, Menu, type MenuProps, Tag, Typography, theme } from 'antd';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useLocation, useNavigate } from 'react-router';

import { ask } from '../api/client';
import { useCases, useSession } from '../api/hooks';
import { useLiveState } from '../api/live';
import { type Key, useI18n } from '../i18n';
import { type Mode, useLook } from './theme';

interface Place {
  path: string;
  key: Key;
  icon: ReactNode;
  /** Only for admins of the host. */
  admin?: boolean;
}

const PLACES: Place[] = [
  { path: '/today', key: 'nav.today', icon: <DashboardOutlined /> },
  { path: '/inbox', key: 'nav.inbox', icon: <InboxOutlined /> },
  { path: '/monitor', key: 'nav.monitor', icon: <BellOutlined /> },
  { path: '/workflows', key: 'nav.workflows', icon: <NodeIndexOutlined /> },
  { path: '/plugins', key: 'nav.plugins', icon: <AppstoreOutlined /> },
  { path: '/policy', key: 'nav.policy', icon: <FileProtectOutlined /> },
  { path: '/audit', key: 'nav.audit', icon: <AuditOutlined /> },
  { path: '/admin', key: 'nav.admin', icon: <SettingOutlined /> },
];

function Places({ onGo, pending }: { onGo: () => void; pending: number }) {
  const { t } = useI18n();
  const { pathname } = useLocation();
  const navigate = useNavigate();
  const at = pathname.startsWith('/cases') ? '/today' : pathname.startsWith('/runs') ? '/workflows' : '/' + (pathname.split('/')[1] ?? '');
  return (
    <nav aria-label={t('nav')}>
      <Menu
        mode="inline"
        selectedKeys={[at]}
        style={{ borderInlineEnd: 'none' }}
        onClick={({ key }) => {
          void navigate(key);
          onGo();
        }}
        items={PLACES.map((place) => ({
          key: place.path,
          icon: place.icon,
          label: place.path === '/inbox' && pending > 0 ? <Badge count={pending} size="small" offset={[14, 0]}>{t(place.key)}</Badge> : t(place.key),
        }))}
      />
    </nav>
  );
}

export function Shell({ children }: { children: ReactNode }) {
  const { t, lang, setLang, name } = useI18n();
  const { mode, setMode } = useLook();
  const { token } = theme.useToken();
  const wide = Grid.useBreakpoint().md ?? true;
  const [open, setOpen] = useState(false);
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const client = useQueryClient();
  const me = useSession().data?.session;
  const live = useLiveState();
  const cases = useCases().data?.cases;
  const pending = cases?.reduce((sum, row) => sum + (row.state === 'closed' ? 0 : row.pending), 0) ?? 0;
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    // A new page begins at its top, for the eye and for who hears it.
    if (first.current) {
      first.current = false;
      return;
    }
    window.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [pathname]);

  useEffect(() => {
    // Wide tables scroll sideways: that is to be done by key, too.
    const reach = () => {
      for (const table of document.querySelectorAll('.ant-table-content:not([tabindex])')) table.setAttribute('tabindex', '0');
    };
    const observer = new MutationObserver(reach);
    observer.observe(document.body, { childList: true, subtree: true });
    reach();
    return () => observer.disconnect();
  }, []);

  const leave = async (everywhere: boolean) => {
    await ask('DELETE', everywhere ? '/v1/sessions' : '/v1/session').catch(() => undefined);
    // Nothing of the one who was there is kept for the next.
    client.removeQueries({ predicate: (query) => query.queryKey[0] !== 'session' });
    client.setQueryData(['session'], { session: null });
    void navigate('/');
  };
  const modes: Mode[] = ['auto', 'light', 'dark'];
  const account: MenuProps['items'] = [
    { key: 'who', disabled: true, label: `${me?.name ?? me?.account ?? ''}${me?.unit_name ? ' · ' + name(me.unit_name) : ''}` },
    { type: 'divider' },
    { key: 'password', label: t('account.password'), onClick: () => void navigate('/password') },
    { key: 'second', label: t('second'), onClick: () => void navigate('/second') },
    { key: 'theme', icon: <BulbOutlined />, label: t(`theme.${mode}`), onClick: () => setMode(modes[(modes.indexOf(mode) + 1) % 3] ?? 'auto') },
    { type: 'divider' },
    { key: 'out', icon: <LogoutOutlined />, label: t('account.out'), onClick: () => void leave(false) },
    { key: 'all', label: t('account.outall'), onClick: () => void leave(true) },
  ];
  return (
    <Layout style={{ minHeight: '100vh', background: token.colorBgLayout }}>
      <a href="#main" className="skip">{t('nav.skip')}</a>
      <Layout.Header
        style={{
          display: 'flex', alignItems: 'center', gap: 12, padding: '0 16px', height: 56, lineHeight: 'normal', position: 'sticky', top: 0,
          zIndex: 20, background: token.colorBgContainer, borderBottom: `1px solid ${token.colorBorderSecondary}`,
        }}
      >
        {!wide && <Button type="text" icon={<MenuOutlined />} aria-label={t('nav')} onClick={() => setOpen(true)} />}
        <Flex align="center" gap={8}>
          <img src="/huiyin.svg" alt="" width={28} height={28} />
          <Typography.Text strong style={{ fontSize: 17, whiteSpace: 'nowrap' }}>{t('app.name')}</Typography.Text>
        </Flex>
        <div style={{ flex: 1 }} />
        {wide ? (
          <Input.Search
            style={{ maxWidth: 280 }} maxLength={200} aria-label={t('search')} placeholder={t('search.hint')} data-testid="search"
            onSearch={(text) => text.trim() && void navigate(`/search?q=${encodeURIComponent(text.trim())}`)}
          />
        ) : (
          <Button type="text" icon={<SearchOutlined />} aria-label={t('search')} onClick={() => void navigate('/search')} />
        )}
        {wide && (
          <Tag color={live === 'live' ? 'green' : live === 'waiting' ? 'gold' : 'red'} data-testid="live" style={{ marginInlineEnd: 0 }}>{t(`live.${live}`)}</Tag>
        )}
        <Button type="text" icon={<TranslationOutlined />} onClick={() => setLang(lang === 'zh' ? 'en' : 'zh')} title={t('lang.switch')}>
          {t('lang.other')}
        </Button>
        <Dropdown menu={{ items: account }} trigger={['click']}>
          <Button type="text" icon={<UserOutlined />} data-testid="account" aria-label={wide ? undefined : t('account')} title={t('account')} style={{ maxWidth: 180 }}>
            {wide && <span style={{ overflow: 'hidden', textOverflow: 'ellipsis' }}>{me?.name ?? me?.account}</span>}
          </Button>
        </Dropdown>
      </Layout.Header>
      <Layout style={{ background: 'transparent' }}>
        {wide && (
          <Layout.Sider
            width={176}
            theme="light"
            style={{ position: 'sticky', top: 56, height: 'calc(100vh - 56px)', overflow: 'auto', background: token.colorBgContainer, borderInlineEnd: `1px solid ${token.colorBorderSecondary}` }}
          >
            <Places onGo={() => undefined} pending={pending} />
          </Layout.Sider>
        )}
        <Layout.Content style={{ minWidth: 0 }}>
          {live === 'offline' && (
            <Alert banner type="error" title={t('live.offline')} description={t('live.offline.help')} data-testid="offline" />
          )}
          <main id="main" ref={main} tabIndex={-1} style={{ padding: wide ? 24 : 12, maxWidth: 1_440, margin: '0 auto', outline: 'none' }}>
            {children}
          </main>
        </Layout.Content>
      </Layout>
      {!wide && (
        <Drawer open={open} onClose={() => setOpen(false)} placement="left" size={240} title={t('app.name')} styles={{ body: { padding: 0 } }} closable={{ 'aria-label': t('do.close') }}>
          <Places onGo={() => setOpen(false)} pending={pending} />
        </Drawer>
      )}
    </Layout>
  );
}
