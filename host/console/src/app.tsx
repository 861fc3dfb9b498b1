// Who is there, and which page they see.

import { useQueryClient } from '@tanstack/react-query';
import { Flex, Spin } from 'antd';
import { Suspense, lazy, useEffect } from 'react';
import { Navigate, Route, Routes } from 'react-router';

import { OfflineError, onSignedOut } from './api/client';
import { useFreshness, useSession } from './api/hooks';
import { startLive } from './api/live';
import { useHostNow } from './api/now';
import { useI18n } from './i18n';
import { ChangePassword, FirstAdmin, SecondFactor, SignInPage } from './pages/signin';
import { Nothing, ProblemAlert } from './ui/bits';
import { Shell } from './ui/shell';

const Today = lazy(() => import('./pages/today'));
const CasePage = lazy(() => import('./pages/case'));
const Inbox = lazy(() => import('./pages/inbox'));
const Search = lazy(() => import('./pages/search'));
const Monitor = lazy(() => import('./pages/monitor'));
const Workflows = lazy(() => import('./pages/workflows'));
const WorkflowPage = lazy(() => import('./pages/workflow'));
const RunPage = lazy(() => import('./pages/run'));
const Plugins = lazy(() => import('./pages/plugins'));
const Policy = lazy(() => import('./pages/policy'));
const Audit = lazy(() => import('./pages/audit'));
const Admin = lazy(() => import('./pages/admin'));

export function App() {
  const session = useSession();
  const client = useQueryClient();
  useHostNow(session.data?.now);
  useEffect(
    () =>
      onSignedOut(() => {
        // Nothing of the one who was there is kept for the next.
        client.removeQueries({ predicate: (query) => query.queryKey[0] !== 'session' });
        void client.invalidateQueries({ queryKey: ['session'] });
      }),
    [client],
  );
  if (session.isPending) return <Waiting />;
  if (session.error && !session.data) {
    return (
      <Flex align="center" justify="center" style={{ minHeight: '100vh', padding: 16 }}>
        <div role="main" style={{ maxWidth: 560, width: '100%' }}>
          <ProblemAlert error={session.error instanceof OfflineError ? session.error : session.error} again={() => void session.refetch()} />
        </div>
      </Flex>
    );
  }
  const me = session.data?.session;
  if (!me) return session.data?.awaits_first ? <FirstAdmin /> : <SignInPage />;
  if (me.must_change) return <ChangePassword forced />;
  return <SignedIn />;
}

function Waiting() {
  return (
    <Flex align="center" justify="center" style={{ minHeight: '60vh' }}>
      <Spin size="large" />
    </Flex>
  );
}

function SignedIn() {
  const { t } = useI18n();
  useFreshness();
  useEffect(() => startLive(), []);
  return (
    <Shell>
      <Suspense fallback={<Waiting />}>
        <Routes>
          <Route path="/" element={<Navigate to="/today" replace />} />
          <Route path="/today" element={<Today />} />
          <Route path="/cases/:number" element={<CasePage />} />
          <Route path="/inbox" element={<Inbox />} />
          <Route path="/search" element={<Search />} />
          <Route path="/monitor" element={<Monitor />} />
          <Route path="/workflows" element={<Workflows />} />
          <Route path="/workflows/:namespace/:name" element={<WorkflowPage />} />
          <Route path="/runs/:id" element={<RunPage />} />
          <Route path="/plugins" element={<Plugins />} />
          <Route path="/policy" element={<Policy />} />
          <Route path="/audit" element={<Audit />} />
          <Route path="/admin" element={<Admin />} />
          <Route path="/password" element={<ChangePassword />} />
          <Route path="/second" element={<SecondFactor />} />
          <Route path="*" element={<Nothing title={t('nopage')} help={t('nopage.help')} />} />
        </Routes>
      </Suspense>
    </Shell>
  );
}
