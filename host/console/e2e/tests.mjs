// What people do with the console, in real browsers against a real host.
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { PHONE, open, signIn } from './browser.mjs';
import { PAGES, places, settled } from './screenshots.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const field = (page, label) => page.locator('.ant-drawer-body .ant-form-item', { has: page.locator('label', { hasText: new RegExp(`^${label}$`) }) });
const submit = (page) => page.locator('.ant-drawer-body button[type=submit]').click();
const drawerGone = (page) => page.locator('.ant-drawer-body').waitFor({ state: 'detached' });

/** Chooses an act of a case: its button, or from the menu of further ones. */
async function act(page, name) {
  const button = page.locator('main').getByRole('button', { name, exact: true }).first();
  if (await button.isVisible()) {
    await button.click();
    await page.locator('.ant-drawer-body form').waitFor();
    return;
  }
  await page.getByRole('button', { name: '更多操作' }).click();
  await page.getByRole('menuitem', { name, exact: true }).click();
  await page.locator('.ant-drawer-body form').waitFor();
}

async function story(browser, host) {
  const officer = await open(browser, host.url);
  const principal = await open(browser, host.url);
  const page = officer.page;

  // Wrong at first: the console says so, and nobody is in.
  await page.goto('/');
  await page.locator('#account').fill('xu-ming');
  await page.locator('#password').fill('not the password');
  await page.locator('button[type=submit]').click();
  await page.getByTestId('refused').waitFor();
  await signIn(page, 'xu-ming', host.password);
  assert.equal(new URL(page.url()).pathname, '/today');
  // Clocks run before one's eyes.
  const running = page.getByTestId('countdown').filter({ hasText: '秒' }).first();
  const before = await running.textContent();
  await running.filter({ hasNotText: before }).waitFor();

  // 立案: somebody called. The number is the receipt; the clock of answering runs.
  await page.getByRole('button', { name: '立案' }).first().click();
  await page.locator('.ant-drawer-body form').waitFor();
  await field(page, '标题').locator('input, textarea').fill('后山采石扰民');
  await field(page, '等级').locator('.ant-select').click();
  await page.locator('.ant-select-dropdown:visible .ant-select-item', { hasText: '较大' }).click();
  await field(page, '提出人').locator('input').fill('来电人甲');
  await field(page, '诉求点').getByRole('button', { name: '添加诉求点' }).click();
  await field(page, '诉求点').locator('textarea').fill('何时停工');
  await submit(page);
  await page.waitForURL(/\/cases\//);
  await page.getByText('后山采石扰民').first().waitFor();
  const number = decodeURIComponent(new URL(page.url()).pathname.split('/').pop());
  assert.equal(await page.getByTestId('case-state').textContent(), '已立案');
  const clock = page.getByTestId('countdown').first();
  await clock.waitFor();
  assert.match(await clock.textContent(), /剩/);

  // The host's refusal stands at the field that it is about: an allowance that is none.
  await act(page, '转办');
  await field(page, '类别').locator('.ant-select').click();
  await page.locator('.ant-select-dropdown:visible .ant-select-item', { hasText: '核实' }).click();
  await field(page, '承办单位').locator('input').fill('cuihu');
  await field(page, '内容').locator('textarea').fill('请核实');
  await field(page, '时长').locator('input').fill('very soon');
  await submit(page);
  await field(page, '时长').locator('.ant-form-item-explain-error').waitFor();
  await field(page, '时长').locator('input').fill('PT2H');
  await submit(page);
  await drawerGone(page);
  await page.getByTestId('task').waitFor();
  await page.getByRole('button', { name: '收回转办单' }).click();
  await field(page, '理由').locator('textarea').fill('已另行核实');
  await submit(page);
  await drawerGone(page);

  // 两人: the officer proposes; they cannot approve it themselves; the principal sees the exact text, and does not approve.
  await act(page, '提请不予回应');
  await field(page, '理由').locator('textarea').fill('同一事项已答复');
  await submit(page);
  await drawerGone(page);
  const own = page.getByTestId('approval');
  await own.waitFor();
  assert.equal(await own.getByRole('button', { name: '批准', exact: true }).count(), 0, 'nobody approves their own');

  const second = principal.page;
  await signIn(second, 'gao-yuan', host.password);
  await second.goto('/inbox');
  const waiting = second.getByTestId('approval').filter({ hasText: '同一事项已答复' });
  await waiting.waitFor();
  await waiting.getByRole('button', { name: '不批准' }).click();
  await field(second, '理由').locator('textarea').fill('应当答复');
  await submit(second);
  await drawerGone(second);
  await waiting.waitFor({ state: 'detached' });
  // The officer's page hears of it by itself.
  await page.getByText('已失效').waitFor();

  // And one that is approved: it happened later than was recorded.
  await act(page, '提请不予回应');
  await field(page, '理由').locator('textarea').fill('提出人已撤回');
  await submit(page);
  await drawerGone(page);
  await second.goto(`/cases/${encodeURIComponent(number)}`);
  const exact = second.getByTestId('approval').filter({ hasText: '提出人已撤回' });
  await exact.getByRole('button', { name: '批准', exact: true }).click();
  await exact.waitFor({ state: 'detached' });
  await page.getByTestId('approvals').getByText('已批准').waitFor();

  // 答复、办结: answered all the same, each concern settled, and closed.
  await page.getByRole('button', { name: '记录答复' }).first().click();
  await page.locator('.ant-drawer-body form').waitFor();
  await field(page, '内容').first().locator('textarea').fill('3月1日起停工。');
  await field(page, '渠道').locator('input').fill('电话');
  await field(page, '凭证').locator('input').fill('通话记录 17');
  await field(page, '诉求点').first().getByRole('button', { name: '添加诉求点' }).click();
  const concern = page.locator('.ant-drawer-body .ant-form-item', { has: page.locator('label', { hasText: /^诉求点$/ }) }).last();
  await concern.locator('input').first().fill('c1');
  await page.locator('.ant-drawer-body textarea').last().waitFor();
  const texts = page.locator('.ant-drawer-body .ant-form-item', { has: page.locator('label', { hasText: /^内容$/ }) });
  await texts.last().locator('textarea').fill('3月1日起停工');
  await submit(page);
  await drawerGone(page);
  await page.getByTestId('answers').getByText('3月1日起停工。').waitFor();
  await page.waitForFunction(() => document.querySelector('[data-testid=case-state]')?.textContent === '已回应');
  await page.getByRole('button', { name: '办结' }).first().click();
  await page.locator('.ant-drawer-body form').waitFor();
  await submit(page);
  await drawerGone(page);
  await page.waitForFunction(() => document.querySelector('[data-testid=case-state]')?.textContent === '已办结');

  // 审计: what they did is in the log under their own names, and one record is proved.
  const records = await page.evaluate(async () => (await fetch('/v1/records?limit=200&type=huiyin.desk')).json());
  const actors = new Set(records.records.filter((one) => one.subject.includes('case/')).map((one) => one.actor));
  assert.ok(actors.has('person:xu-ming') && actors.has('person:gao-yuan'), [...actors].join());
  await page.goto(`/audit?record=${records.records[0].index}`);
  await page.getByRole('button', { name: '取得证明' }).click();
  await page.getByText('主机给出了这条记录的证明').waitFor();

  await page.keyboard.press('Escape');
  await page.locator('.ant-drawer-body').waitFor({ state: 'detached' });

  // Signed out, nothing is left in the browser.
  await page.getByTestId('account').click();
  await page.getByRole('menuitem', { name: '退出登录' }).click();
  await page.locator('#account').waitFor();
  assert.equal((await page.request.get('/v1/cases')).status(), 401);
  await page.goBack();
  await page.locator('#account').waitFor();
  assert.deepEqual([...officer.faults, ...principal.faults], []);
  await officer.context.close();
  await principal.context.close();
}

async function accounts(browser, host) {
  const admin = await open(browser, host.url);
  const page = admin.page;
  await signIn(page, 'demo-admin', host.password);
  await page.goto('/admin');
  await page.getByRole('tab', { name: '账号' }).click();
  await page.getByRole('button', { name: '新增账号' }).click();
  await page.locator('.ant-modal #account').fill('tang-xue');
  await page.locator('.ant-modal-footer .ant-btn-primary').click();
  const password = await page.getByTestId('first-password').textContent();
  // The first password opens nothing but its own change.
  const fresh = await open(browser, host.url, { viewport: PHONE });
  await fresh.page.goto('/');
  await fresh.page.locator('#account').fill('tang-xue');
  await fresh.page.locator('#password').fill(password);
  await fresh.page.locator('button[type=submit]').click();
  await fresh.page.locator('#old').fill(password);
  await fresh.page.locator('#new').fill('tang-xue 的口令 123456');
  await fresh.page.locator('#repeat').fill('tang-xue 的口令 123456');
  await fresh.page.locator('button[type=submit]').click();
  await fresh.page.locator('.ant-form-item-explain-error').first().waitFor();
  await fresh.page.locator('#new').fill('松柏常青 映山红 六月雪');
  await fresh.page.locator('#repeat').fill('松柏常青 映山红 六月雪');
  await fresh.page.locator('button[type=submit]').click();
  await fresh.page.locator('[data-testid=account]').waitFor();
  await fresh.page.getByText('今日').first().waitFor();
  assert.deepEqual(fresh.faults, []);
  await fresh.context.close();
  await admin.context.close();
}

async function workflows(browser, host) {
  const { page, context, faults } = await open(browser, host.url);
  await signIn(page, 'he-ping', host.password);
  await page.goto('/workflows');
  await page.getByRole('button', { name: '部署' }).first().click();
  const text = (call) => JSON.stringify({ document: { dsl: '1.0.3', namespace: 'tests', name: 'hello', version: '1.0.0' }, do: [{ greet: call }] }, null, 2);
  await page.locator('#deploy-text').fill(text({ call: 'no-such-function:9.9.9@default' }));
  await page.locator('.ant-drawer-body .ant-btn-primary').click();
  await page.getByText('主机发现').waitFor();
  await page.locator('#deploy-text').fill(text({ set: { hello: '林海' } }));
  await page.locator('.ant-drawer-body .ant-btn-primary').click();
  await page.locator('.ant-drawer-body').waitFor({ state: 'hidden' });
  await page.goto('/workflows/tests/hello');
  await page.getByTestId('diagram').getByText('greet').waitFor();
  await page.getByRole('button', { name: '启动运行' }).click();
  await page.locator('.ant-modal-footer .ant-btn-primary').click();
  await page.waitForURL(/\/runs\//);
  await page.getByText('林海').first().waitFor();
  assert.deepEqual(faults, []);
  await context.close();
}

async function offline(browser, host) {
  const { page, context } = await open(browser, host.url);
  await signIn(page, 'xu-ming', host.password);
  await page.getByTestId('case-row').first().waitFor();
  await context.setOffline(true);
  await page.getByTestId('offline').waitFor({ timeout: 90_000 });
  assert.ok((await page.getByTestId('case-row').count()) > 0, 'what was there stays to be read');
  await context.setOffline(false);
  await page.getByTestId('offline').waitFor({ state: 'detached', timeout: 90_000 });
  await context.close();
}

async function access(browser, host) {
  const bad = [];
  for (const look of [{ lang: 'zh' }, { lang: 'en', dark: true, viewport: PHONE }]) {
    const { page, context, faults } = await open(browser, host.url, look);
    const check = async (name) => {
      // By the debugger and not by a script of the page: its policy allows none.
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }));
      for (const one of violations.filter((each) => each.impact === 'serious' || each.impact === 'critical')) {
        bad.push(`${name} (${look.lang}): ${one.id}: ${one.help}\n      ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 200) + ' ' + (node.any[0]?.message ?? '')).join('\n      ')}`);
      }
    };
    await page.goto('/');
    await page.locator('#account').waitFor();
    await check('signin');
    await signIn(page, 'he-ping', host.password);
    for (const [name, path] of [...PAGES.map((one) => [one, `/${one}`]), ...(await places(page))]) {
      await page.goto(path);
      await settled(page);
      await page.waitForTimeout(400);
      await check(name);
      // A phone does not scroll sideways.
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      if (wide > 1) bad.push(`${name} (${look.lang}) is ${wide} px wider than the screen`);
    }
    for (const fault of faults) bad.push(fault);
    await context.close();
  }
  assert.deepEqual(bad, [], bad.join('\n'));
}

export const tests = [
  { group: 'story', name: 'an officer opens, hands over, proposes, answers and closes; a second person decides', run: story },
  { group: 'story', name: 'an admin lets somebody in, who changes the first password', run: accounts },
  { group: 'story', name: 'a workflow is refused with its findings, deployed, drawn and run', run: workflows },
  { group: 'story', name: 'without the host the page says so and keeps what it has', run: offline },
  { group: 'access', name: 'axe finds no serious violation on any page, and no page is wider than its screen', run: access },
];
