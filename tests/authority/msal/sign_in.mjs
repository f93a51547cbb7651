// Signs in with MSAL Node: code flow with loopback, device code, cache, forced refresh, and a call through the proxy.
//
// Takes AUTHORITY, CLIENT_ID, SCOPE and EXTERNAL_URL from the environment, as printed by `serve --https --localhost
// --answer`, and the CA in NODE_EXTRA_CA_CERTS. Whoever runs it follows each `OPEN url` and types each `CODE code` that it
// prints. `npm install @azure/msal-node`.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

// Resolved from the working directory, where node_modules is.
const msal = createRequire(process.cwd() + "/")("@azure/msal-node");
const { AUTHORITY: authority, CLIENT_ID: clientId, SCOPE, EXTERNAL_URL } = process.env;
const scopes = [SCOPE];
const app = () =>
  new msal.PublicClientApplication({ auth: { clientId, authority, knownAuthorities: [new URL(authority).host] } });

async function check(result, fromCache) {
  assert.equal(result.fromCache, fromCache);
  const reply = await fetch(EXTERNAL_URL + "api/me", {
    headers: { authorization: `Bearer ${result.accessToken}` },
    redirect: "manual",
  });
  assert.equal(reply.status, 200);
  const me = await reply.json();
  assert.equal(me.name, "Ada Lovelace");
  return JSON.stringify(me);
}

const browser = app();
const result = await browser.acquireTokenInteractive({
  scopes,
  openBrowser: async (url) => console.log("OPEN " + url),
});
console.log("interactive", await check(result, false));
const { account, accessToken: first } = result;
assert.equal(account.username, "ada@contoso.example");

const cached = await browser.acquireTokenSilent({ scopes, account });
await check(cached, true);
assert.equal(cached.accessToken, first);
const refreshed = await browser.acquireTokenSilent({ scopes, account, forceRefresh: true });
await check(refreshed, false);
assert.notEqual(refreshed.accessToken, first);
await assert.rejects(
  browser.acquireTokenSilent({ scopes: ["api://7a4e2c90-d5b8-4136-9ef7-c8b6a4d2f006/Reports.Read"], account }),
  (e) => e instanceof msal.InteractionRequiredAuthError && e.subError === "consent_required",
);

const device = app();
const byCode = await device.acquireTokenByDeviceCode({
  scopes,
  deviceCodeCallback: ({ userCode }) => console.log("CODE " + userCode),
});
console.log("device code", await check(byCode, false));
await check(await device.acquireTokenSilent({ scopes, account: byCode.account }), true);
console.log("msal-node", msal.version ?? "", "ok");
process.exit(0);
