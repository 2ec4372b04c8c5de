// Unpacks the Chromium that the browser tests run, pinned by package-lock.json,
// into .tools/browser of the tree: the program, the libraries it needs and the
// fonts that pages are drawn with, so that a page looks alike on every machine.
// Does nothing when that version is there already. Needs Node.js, npm and tar.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, createReadStream, createWriteStream, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createBrotliDecompress } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const tools = resolve(here, '../../../.tools');
const home = join(tools, 'browser');
const inputs = ['package.json', 'package-lock.json', 'install.mjs'];
const version = createHash('sha256').update(inputs.map((f) => readFileSync(join(here, f))).join('\0')).digest('hex');

const installed = () => existsSync(join(home, 'version')) && readFileSync(join(home, 'version'), 'utf8') === version;

async function inflate(from, to, mode) {
  await pipeline(createReadStream(from), createBrotliDecompress({ chunkSize: 1 << 20 }), createWriteStream(to, { mode }));
}

async function install() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`the pinned Chromium runs on linux x64 only, this is ${process.platform} ${process.arch}: set E2E_CHROMIUM to a Chromium or Chrome of your own`);
  }
  console.log('installing Chromium for the browser tests into .tools/browser (75 MB to fetch, 200 MB on disk)');
  mkdirSync(tools, { recursive: true });
  const work = mkdtempSync(join(tools, 'browser-'));
  try {
    for (const f of inputs.slice(0, 2)) copyFileSync(join(here, f), join(work, f));
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: work, stdio: ['ignore', 'ignore', 'inherit'] });
    const packed = join(work, 'node_modules/@sparticuz/chromium/bin');
    await inflate(join(packed, 'chromium.br'), join(work, 'chromium'), 0o755);
    await inflate(join(packed, 'al2023.tar.br'), join(work, 'lib.tar'));
    execFileSync('tar', ['-xf', 'lib.tar'], { cwd: work });
    mkdirSync(join(work, 'fonts'));
    const fonts = join(work, 'node_modules/dejavu-fonts-ttf/ttf');
    for (const f of readdirSync(fonts).filter((f) => f.endsWith('.ttf'))) copyFileSync(join(fonts, f), join(work, 'fonts', f));
    writeFileSync(join(work, 'fonts.conf'), `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
<dir prefix="relative">fonts</dir><cachedir prefix="xdg">fontconfig</cachedir>
<alias><family>sans-serif</family><prefer><family>DejaVu Sans</family></prefer></alias>
<alias><family>serif</family><prefer><family>DejaVu Serif</family></prefer></alias>
<alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
<match target="pattern"><edit name="family" mode="append_last"><string>DejaVu Sans</string></edit></match>
</fontconfig>
`);
    for (const f of ['node_modules', 'lib.tar', 'package.json', 'package-lock.json']) rmSync(join(work, f), { recursive: true });
    writeFileSync(join(work, 'version'), version);
    // Whole or not at all: another run may be using, or making, the same folder.
    rmSync(home, { recursive: true, force: true });
    renameSync(work, home);
  } catch (err) {
    rmSync(work, { recursive: true, force: true });
    if (!installed()) throw err;
  }
}

if (!installed()) {
  await install().catch((err) => {
    console.error(`Chromium for the browser tests could not be installed: ${err.message}`);
    process.exit(1);
  });
}
