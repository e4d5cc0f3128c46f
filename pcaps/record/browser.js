// node browser.js SPEC: drives one Chromium with a new profile, inside the caller's network namespace.
//
// SPEC is JSON: {"profile": DIR, "ca": PEM, "spki": BASE64, "quic": [HOST...] or absent, "steps": [...]}
// Steps: ["open", url]  ["wait", ms]  ["ask", path, [bytes...]]  ["put", url, bytes]  ["ping", url, bytes]
//        ["talk", path, [[bytes, pace, pause]...], path or absent]  ["repeat", url, ms, bytes or 0]  ["socket", url]
//        ["say", [[bytes, pace, pause]...]]
// `pace` tells the server how to answer (see answers.rs), `pause` is the reader's, in ms; `repeat` goes on until the
// page is left, with bodies of one to four times `bytes`. The second path of `talk` is asked before each prompt, as
// pages fetch a token that the prompt then carries.
'use strict';
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const puppeteer = require(require.resolve('puppeteer-core', { paths: [process.env.LAB_NODE || __dirname] }));

const spec = JSON.parse(process.argv[2]);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// A trusted root for TLS over TCP lives in the user's NSS database.
function trustRoot(home) {
  const db = path.join(home, '.pki', 'nssdb');
  fs.mkdirSync(db, { recursive: true });
  spawnSync('certutil', ['-d', `sql:${db}`, '-N', '--empty-password']);
  const added = spawnSync('certutil', ['-d', `sql:${db}`, '-A', '-t', 'C,,', '-n', 'lab', '-i', spec.ca]);
  if (added.status !== 0) throw new Error(`certutil: ${added.stderr}`);
}

function flags(profile) {
  const common = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
    '--no-default-browser-check', '--disable-background-networking', '--disable-component-update', '--disable-sync',
    '--disable-default-apps', '--disable-extensions', '--password-store=basic', '--remote-debugging-pipe',
    `--user-data-dir=${profile}`];
  if (!spec.quic) return [...common, '--disable-quic', 'about:blank'];
  // Alt-Svc is not believed with a private root, so QUIC is forced per host and the root named by its key hash.
  const origins = spec.quic.map((host) => `${host}:443`).join(',');
  return [...common, '--enable-quic', `--origin-to-force-quic-on=${origins}`,
    `--ignore-certificate-errors-spki-list=${spec.spki}`, 'about:blank'];
}

// In the page: one prompt, the answer read to its end.
async function ask(url, bytes, pace) {
  const words = 'please compare the figures of this quarter with the last one and write a short note for the team ';
  const content = words.repeat(Math.ceil(bytes / words.length)).slice(0, bytes);
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ action: 'next', messages: [{ role: 'user', content }], pace }),
  });
  return [response.status, (await response.text()).length];
}

async function put(url, bytes) {
  const data = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 65536) crypto.getRandomValues(data.subarray(at, Math.min(at + 65536, bytes)));
  const response = await fetch(url, { method: 'PUT', body: new Blob([data]) });
  return [response.status, await response.text()];
}

async function ping(url, bytes) {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify({ event: 'view', pad: 'x'.repeat(bytes) }) });
  return [response.status];
}

function repeat(url, ms, bytes) {
  let count = 0;
  const once = () => {
    const body = JSON.stringify({ event: 'view', pad: 'x'.repeat(bytes + (count++ * 700) % (3 * bytes)) });
    fetch(url, bytes ? { method: 'POST', body } : {});
  };
  setInterval(once, ms);
}

function socket(url) {
  return new Promise((done, failed) => {
    window.socket = new WebSocket(url);
    window.socket.onopen = () => done('open');
    window.socket.onerror = () => failed(new Error(`no socket to ${url}`));
  });
}

// In the page: one prompt over the open socket, until the answer says that it is done.
function say(bytes, pace) {
  const words = 'please compare the figures of this quarter with the last one and write a short note for the team ';
  const text = words.repeat(Math.ceil(bytes / words.length)).slice(0, bytes);
  return new Promise((done) => {
    let messages = 0;
    window.socket.onmessage = ({ data }) => {
      messages += 1;
      if (JSON.parse(data).event === 'done') done(messages);
    };
    window.socket.send(JSON.stringify({ event: 'send', content: [{ type: 'text', text }], pace }));
  });
}

async function run(page, [what, ...args]) {
  switch (what) {
    case 'open': return [(await page.goto(args[0], { waitUntil: 'load', timeout: 20000 })).status()];
    case 'wait': return sleep(args[0]);
    case 'put': return page.evaluate(put, args[0], args[1]);
    case 'ping': return page.evaluate(ping, args[0], args[1]);
    case 'ask':
      for (const bytes of args[1]) {
        console.log('ask', args[0], bytes, await page.evaluate(ask, args[0], bytes));
        await sleep(1600 + (bytes % 13) * 90); // reading the answer
      }
      return 'done';
    case 'talk':
      for (const [bytes, pace, pause] of args[1]) {
        if (args[2]) await page.evaluate(ask, args[2], 600);
        console.log('talk', args[0], bytes, await page.evaluate(ask, args[0], bytes, pace));
        await sleep(pause);
      }
      return 'done';
    case 'repeat': return page.evaluate(repeat, ...args);
    case 'socket': return page.evaluate(socket, args[0]);
    case 'say':
      for (const [bytes, pace, pause] of args[0]) {
        console.log('say', bytes, await page.evaluate(say, bytes, pace));
        await sleep(pause);
      }
      return 'done';
    default: throw new Error(`unknown step ${what}`);
  }
}

(async () => {
  const home = path.join(spec.profile, 'home');
  trustRoot(home);
  process.env.HOME = home;
  const browser = await puppeteer.launch({ executablePath: '/usr/bin/chromium', ignoreDefaultArgs: true, pipe: true,
    args: flags(path.join(spec.profile, 'data')), timeout: 60000, protocolTimeout: 90000 });
  try {
    console.log(await browser.version());
    const page = (await browser.pages())[0];
    for (const step of spec.steps) console.log(step[0], step[1], await run(page, step));
  } finally {
    await browser.close();
  }
})().catch((error) => {
  console.error(String(error));
  process.exit(1);
});
