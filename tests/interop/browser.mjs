// The user and their browser: real Chromium, driven through playwright-core, on a new profile each time.
//
//     node browser.mjs URL
//
// Environment: MODE (accept, the default; decline; cancel; device), LOGIN_USER, LOGIN_PASSWORD, USER_CODE (device),
// SCREENSHOTS (a prefix: a picture of each page is saved as PREFIX-N-name.png), FINAL_TEXT (a file for the last page's text),
// PUBLIC (an address:port that Chromium is to take for a public one, as an authority on the internet is).
// It ends with 0 when the last page has come: the loopback listener's, or the provider's own after a device code.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const { MODE = 'accept', LOGIN_USER, LOGIN_PASSWORD, USER_CODE, SCREENSHOTS, FINAL_TEXT, PUBLIC } = process.env;
const url = process.argv[2];
const profile = mkdtempSync(join(tmpdir(), 'entrada-chromium-'));
const context = await chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium',
    headless: false, // as far as playwright is concerned: the flag below is the one Chromium itself has
    args: [
        '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync', ...(PUBLIC ? [`--ip-address-space-overrides=${PUBLIC}=public`] : []),
    ],
    ignoreHTTPSErrors: true,
    viewport: { width: 800, height: 600 },
});
context.setDefaultTimeout(30_000);
const page = context.pages()[0] ?? await context.newPage();
page.on('requestfailed', (request) => console.error(`failed: ${request.method()} ${new URL(request.url()).origin} ${request.failure()?.errorText}`));
page.on('console', (message) => console.error(`console: ${message.text()}`));

let pictures = 0;
const picture = async (name) => {
    if (SCREENSHOTS) await page.screenshot({ path: `${SCREENSHOTS}-${pictures++}-${name}.png` });
};
const click = async (id) => {
    const button = page.locator(`#${id}`);
    await button.waitFor();
    await picture(id);
    await button.click({ noWaitAfter: true });
};
const signIn = async () => {
    await page.locator('#password').waitFor();
    await page.locator('#user').fill(LOGIN_USER);
    await page.locator('#password').fill(LOGIN_PASSWORD);
    await click(MODE === 'cancel' ? 'cancel' : 'sign-in');
    if (MODE !== 'cancel') await click(MODE === 'decline' ? 'decline' : 'accept');
};

let code = 0;
try {
    await page.goto(url, { waitUntil: 'commit' });
    if (MODE === 'device') {
        await page.locator('input[name=user_code]').fill(USER_CODE);
        await click('continue');
        await click('confirm');
        await signIn();
        await page.locator('#done').waitFor();
    } else {
        const back = page.waitForURL((to) => to.protocol === 'http:', { waitUntil: 'load' });
        await Promise.all([back, signIn()]);
    }
    await picture('final');
    if (FINAL_TEXT) writeFileSync(FINAL_TEXT, await page.locator('body').innerText());
} catch (error) {
    console.error(`${new URL(page.url()).origin}${new URL(page.url()).pathname}: ${error.stack}`);
    console.error(await page.locator('body').innerText().catch(() => ''));
    await picture('failure').catch(() => {});
    code = 1;
} finally {
    await context.close().catch(() => {});
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
}
process.exit(code);
