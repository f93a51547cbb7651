// A stranger's page in real Chromium, and what it gets out of a forwarder on this computer.
//
//     node stranger.mjs
//
// Environment: LOCAL (the forwarder's URL), STRANGER (the port of a server on 127.0.0.1 that has an empty page for any name).
// It prints one line of JSON: what each try came to; a try that got anything is told with it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const { LOCAL, STRANGER } = process.env;
const local = new URL(LOCAL);
const profile = mkdtempSync(join(tmpdir(), 'entrada-chromium-'));
const context = await chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium',
    headless: false, // as far as playwright is concerned: the flag below is the one Chromium itself has
    args: [
        '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync',
        // A name on the internet, and one that resolves to this computer: what DNS rebinding comes to.
        `--host-resolver-rules=MAP evil.example 127.0.0.1:${STRANGER}, MAP rebound.example 127.0.0.1:${local.port}`,
        // The browser's own guard of loopback is off, so that the forwarder's is what is tried.
        '--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,PrivateNetworkAccessSendPreflights',
    ],
});
context.setDefaultTimeout(30_000);
const page = context.pages()[0] ?? await context.newPage();

// What a page can try; each resolves with what it got.
const tries = async (base) => {
    const outcome = (work) => work().catch((error) => `nothing: ${error.name ?? error}`);
    const fetched = (path, options) => outcome(async () => {
        const answer = await fetch(base + path, options);
        return `${answer.type} ${answer.status} ${(await answer.text()).slice(0, 200)}`;
    });
    const element = (name, attribute, path) => outcome(() => new Promise((got, failed) => {
        const made = document.createElement(name);
        made.onload = () => got(`loaded ${name}`);
        made.onerror = () => failed(new Error('error'));
        made[attribute] = base + path;
        document.body.append(made);
    }));
    const socket = outcome(() => new Promise((got, failed) => {
        const made = new WebSocket(base.replace('http', 'ws') + 'ws');
        made.onopen = () => made.send('hello');
        made.onmessage = async (event) => got(`echo ${event.data.text ? await event.data.text() : event.data}`);
        made.onerror = () => failed(new Error('error'));
    }));
    return {
        cors: await fetched('api/me'),
        credentials: await fetched('api/me', { credentials: 'include' }),
        blind: await fetched('api/me', { mode: 'no-cors' }),
        post: await fetched('echo', { method: 'POST', mode: 'no-cors', body: 'x=1' }),
        preflighted: await fetched('echo', { method: 'PUT', headers: { 'x-own': '1' }, body: 'x' }),
        script: await element('script', 'src', 'api/me'),
        style: await outcome(() => new Promise((got, failed) => {
            const link = document.createElement('link');
            link.rel = 'stylesheet';
            link.onload = () => got('loaded');
            link.onerror = () => failed(new Error('error'));
            link.href = `${base}bytes/10`;
            document.head.append(link);
        })),
        socket: await socket,
        beacon: navigator.sendBeacon(`${base}echo`, 'x') ? 'queued' : 'nothing',
    };
};

const visited = async (url) => {
    const answer = await page.goto(url);
    return `${answer.status()} ${(await page.locator('body').innerText()).slice(0, 200)}`;
};

let code = 0;
try {
    const report = {};
    // Its own page, which the user has opened: all of it works.
    report.opened = await visited(LOCAL);
    report.own = await page.evaluate(tries, LOCAL);
    for (const [name, origin] of [['site', 'http://evil.example/'], ['port', `http://127.0.0.1:${STRANGER}/`], ['localhost', `http://localhost:${STRANGER}/`]]) {
        await page.goto(origin);
        report[name] = await page.evaluate(tries, LOCAL);
        report[`${name}_by_name`] = await page.evaluate(tries, LOCAL.replace('127.0.0.1', 'localhost'));
        await page.evaluate((to) => {
            const form = document.createElement('form');
            form.method = 'POST';
            form.action = `${to}echo`;
            document.body.append(form);
            form.submit();
        }, LOCAL);
        await page.waitForURL((to) => to.origin === local.origin);
        report[`${name}_form`] = await page.locator('body').innerText();
        await page.goto(origin);
        await page.evaluate((to) => { location.href = `${to}api/me`; }, LOCAL);
        await page.waitForURL((to) => to.origin === local.origin);
        report[`${name}_link`] = await page.locator('body').innerText();
    }
    report.rebound = await visited(`http://rebound.example:${local.port}/api/me`);
    console.log(JSON.stringify(report));
} catch (error) {
    console.error(error.stack);
    code = 1;
}
await context.close();
rmSync(profile, { recursive: true, force: true });
process.exit(code);
