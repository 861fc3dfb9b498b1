// The browser tests, against a real host: node e2e/run.mjs [story|access|screenshots]…
import { launch } from './browser.mjs';
import { startHost } from './host.mjs';
import { screenshots } from './screenshots.mjs';

const wanted = process.argv.slice(2);
const tests = [];
if (wanted.length === 0 || wanted.includes('story') || wanted.includes('access')) {
  const { tests: all } = await import('./tests.mjs');
  tests.push(...all.filter((test) => wanted.length === 0 || wanted.includes(test.group)));
}
const host = await startHost();
const browser = await launch();
let failed = 0;
try {
  for (const test of tests) {
    const began = Date.now();
    try {
      await test.run(browser, host);
      console.log(`ok    ${test.name} (${Date.now() - began} ms)`);
    } catch (error) {
      failed += 1;
      console.error(`FAIL  ${test.name}\n${error.stack ?? error}`);
    }
  }
  if (wanted.includes('screenshots')) await screenshots(browser, host);
} finally {
  await browser.close();
  await host.stop();
}
if (failed > 0) process.exit(1);
