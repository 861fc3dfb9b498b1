import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// `npm run dev` serves the page and hands the API to a running host (HUIYIN_HOST, the usual address unless told).
const host = process.env['HUIYIN_HOST'] ?? 'http://127.0.0.1:7575';

export default defineConfig({
  plugins: [react()],
  build: {
    target: 'es2022',
    sourcemap: false,
    // Small files are kept apart from the page: its policy allows no inline script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1_300,
  },
  server: { proxy: { '/v1': host } },
  test: { environment: 'jsdom', include: ['src/**/*.test.{ts,tsx}'] },
});
