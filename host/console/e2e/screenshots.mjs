// Every page in Chinese and English, at the size of a desk and of a phone: to be looked at.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { DESKTOP, PHONE, open, signIn } from './browser.mjs';

export const PAGES = ['today', 'inbox', 'search', 'monitor', 'workflows', 'plugins', 'policy', 'audit', 'admin', 'password'];

/** Waits until a page shows what it has: no skeleton, no spinner. */
export async function settled(page) {
  await page.locator('main h1').first().waitFor();
  await page.waitForFunction(() => document.querySelectorAll('.ant-skeleton, .ant-spin-spinning').length === 0, null, { timeout: 15_000 }).catch(() => undefined);
  await page.waitForTimeout(250);
}

/** Places that exist only once the host has something: a case, a workflow, a run, a record. */
export async function places(page) {
  const ask = (path) => page.evaluate(async (at) => (await fetch(at)).json(), path);
  const [cases, workflows, runs, records] = [await ask('/v1/cases'), await ask('/v1/workflows'), await ask('/v1/runs?limit=20'), await ask('/v1/records?limit=5&type=huiyin.desk')];
  const found = [];
  if (cases.cases?.[0]) found.push(['case', `/cases/${cases.cases[0].number}`]);
  if (workflows.workflows?.[0]) found.push(['workflow', `/workflows/${workflows.workflows[0].name}?unit=${workflows.workflows[0].unit ?? ''}`]);
  const ended = runs.runs?.find((run) => run.ended) ?? runs.runs?.[0];
  if (ended) found.push(['run', `/runs/${encodeURIComponent(ended.run)}`]);
  if (records.records?.[0]) found.push(['record', `/audit?record=${records.records[0].index}`]);
  return found;
}

export async function screenshots(browser, host) {
  const folder = process.env.SHOTS ?? join(fileURLToPath(new URL('..', import.meta.url)), 'screenshots');
  mkdirSync(folder, { recursive: true });
  const only = process.env.ONLY?.split(',');
  const wanted = (name) => !only || only.includes(name);
  for (const lang of ['zh', 'en']) {
    for (const [size, viewport] of [['desktop', DESKTOP], ['phone', PHONE]]) {
      if (process.env.SIZE && process.env.SIZE !== `${lang}-${size}`) continue;
      const { context, page } = await open(browser, host.url, { lang, viewport });
      const shoot = async (name) => page.screenshot({ path: join(folder, `${name}.${lang}.${size}.png`), fullPage: size === 'phone' || name !== 'record' });
      await page.goto('/');
      await page.locator('#account').waitFor();
      if (wanted('signin')) await shoot('signin');
      await signIn(page, 'he-ping', host.password);
      for (const [name, path] of [...PAGES.map((one) => [one, `/${one}`]), ...(await places(page))].filter(([one]) => wanted(one))) {
        await page.goto(path);
        await settled(page);
        if (name === 'workflow' || name === 'run') await page.waitForTimeout(800);
        await shoot(name);
      }
      if (wanted('form')) {
        const [, at] = (await places(page)).find(([name]) => name === 'case') ?? [];
        if (at) {
          await page.goto(at);
          await settled(page);
          await page.locator('main button.ant-btn-primary').first().click();
          await page.locator('.ant-drawer-body form').waitFor();
          await page.waitForTimeout(500);
          await page.screenshot({ path: join(folder, `form.${lang}.${size}.png`) });
        }
      }
      await context.close();
      if (wanted('accounts') || wanted('admin-plugins')) {
        const second = await open(browser, host.url, { lang, viewport });
        await signIn(second.page, 'demo-admin', host.password);
        await second.page.goto('/admin');
        await settled(second.page);
        await second.page.getByRole('tab').nth(1).click();
        await second.page.waitForTimeout(700);
        await second.page.screenshot({ path: join(folder, `accounts.${lang}.${size}.png`), fullPage: true });
        await second.page.goto('/plugins');
        await settled(second.page);
        await second.page.screenshot({ path: join(folder, `admin-plugins.${lang}.${size}.png`) });
        await second.context.close();
      }
    }
  }
  console.log(`screenshots: ${folder}`);
}
