// A real host with the sample bureau, in a folder of its own; ended with the test.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = fileURLToPath(new URL('../../..', import.meta.url));

/** The program: HUIYIN, or what Cargo built last. */
export function program() {
  const target = process.env.CARGO_TARGET_DIR ?? join(project, 'target');
  const found = [process.env.HUIYIN, join(target, 'release/huiyin'), join(target, 'debug/huiyin')].find((path) => path && existsSync(path));
  if (!found) throw new Error('there is no huiyin program; run `make console` and `cargo build --bin huiyin`, or set HUIYIN');
  return found;
}

/** Starts the demo and waits until it is ready. Gives its address, the sample people's password, and how to end it. */
export async function startHost() {
  const folder = mkdtempSync(join(tmpdir(), 'huiyin-console-'));
  const child = spawn(program(), ['demo', '--data', join(folder, 'demo')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (text) => (said += text));
  const ended = new Promise((done) => child.once('exit', done));
  const stop = async () => {
    child.kill('SIGINT');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  for (let waited = 0; waited < 180_000; waited += 100) {
    if (child.exitCode !== null) throw new Error(`the host ended at once:\n${said}`);
    const found = /网页控制台: (\S+)\s+password 口令: (\S+)/.exec(said);
    if (found) return { url: found[1], password: found[2], folder, stop, said: () => said };
    if (said.includes('without web console')) {
      await stop();
      throw new Error('this program was built without the console: run `make console`, then build it again');
    }
    await new Promise((done) => setTimeout(done, 100));
  }
  await stop();
  throw new Error(`the host was not ready within three minutes:\n${said}`);
}
