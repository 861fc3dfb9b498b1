// Debian's Chromium, driven by playwright-core; nothing is downloaded but by apt-get.
import { existsSync } from 'node:fs';

import { chromium } from 'playwright-core';

export function chromiumPath() {
  const found = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => path && existsSync(path));
  if (!found) throw new Error('there is no Chromium; scripts/console-browser installs it, or set CHROMIUM');
  return found;
}

export async function launch() {
  return chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox', '--disable-dev-shm-usage', '--force-color-profile=srgb'] });
}

export const DESKTOP = { width: 1440, height: 900 };
export const PHONE = { width: 390, height: 844 };

/** For work on the console: its files from a folder, and not those that the program carries. */
async function fromDist(context, folder) {
  await context.route((url) => !url.pathname.startsWith('/v1/'), async (route) => {
    const { pathname } = new URL(route.request().url());
    const name = pathname.split('/').pop().includes('.') ? pathname : '/index.html';
    await route.fulfill({ path: folder + name });
  });
}

/** A browser of somebody: cookies and words of their own. Anything the page's policy or code faults at is kept. */
export async function open(browser, url, { lang = 'zh', viewport = DESKTOP, dark = false } = {}) {
  const context = await browser.newContext({ baseURL: url, viewport, locale: lang === 'zh' ? 'zh-CN' : 'en-GB', timezoneId: 'Asia/Shanghai', colorScheme: dark ? 'dark' : 'light' });
  await context.addInitScript((value) => localStorage.setItem('huiyin.lang', value), lang);
  if (process.env.CONSOLE_DIST) await fromDist(context, process.env.CONSOLE_DIST);
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const faults = [];
  page.on('pageerror', (error) => faults.push(`${page.url()}: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of (401|403|404|409|400|422|429)/.test(message.text())) faults.push(`${page.url()}: ${message.text()}`);
  });
  return { context, page, faults };
}

export async function signIn(page, account, password) {
  await page.goto('/');
  await page.locator('#account').fill(account);
  await page.locator('#password').fill(password);
  await page.locator('button[type=submit]').click();
  await page.locator('[data-testid=account]').waitFor();
}
