import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter } from 'react-router';

import { OfflineError, ProblemError } from './api/client';
import { App } from './app';
import { I18nProvider } from './i18n';
import { ThemeProvider } from './ui/theme';
import './style.css';

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // Asked also where the browser thinks that there is no network: the host may be this very machine.
      networkMode: 'always',
      // What the host refuses it refuses again; what does not reach it may the next time.
      retry: (count, error) => error instanceof OfflineError ? count < 2 : !(error instanceof ProblemError) && count < 1,
    },
  },
});

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <I18nProvider>
          <ThemeProvider>
            <BrowserRouter>
              <App />
            </BrowserRouter>
          </ThemeProvider>
        </I18nProvider>
      </QueryClientProvider>
    </StrictMode>,
  );
}
