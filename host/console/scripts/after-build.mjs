// What the program embeds: each text file also compressed, so that nothing is compressed while it serves.
// Then the source file that embeds them is touched: Cargo does not see files that were not there before.
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
let plain = 0;
let small = 0;
for (const name of readdirSync(dist, { recursive: true })) {
  const path = join(dist, name);
  if (!statSync(path).isFile() || !/\.(html|js|css|svg|json|txt|webmanifest)$/.test(name)) continue;
  const bytes = readFileSync(path);
  if (bytes.length < 512) continue;
  const br = brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });
  writeFileSync(`${path}.br`, br);
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  plain += bytes.length;
  small += br.length;
}
const now = new Date();
utimesSync(join(root, '../server/src/console.rs'), now, now);
console.log(`console: ${Math.round(plain / 1024)} KiB, ${Math.round(small / 1024)} KiB compressed`);
