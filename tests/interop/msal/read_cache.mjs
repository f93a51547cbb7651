// Takes a token from the cache file that entrada wrote, then refreshes with it, and writes the file back.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const msal = createRequire(process.cwd() + "/")("@azure/msal-node");
const { AUTHORITY: authority, CLIENT_ID: clientId, SCOPE, CACHE } = process.env;
const scopes = [SCOPE];
const app = new msal.PublicClientApplication({ auth: { clientId, authority, knownAuthorities: [new URL(authority).host] } });
const cache = app.getTokenCache();
cache.deserialize(readFileSync(CACHE, "utf8"));
const [account, ...others] = await cache.getAllAccounts();
assert.equal(others.length, 0);
assert.equal(account.username, "ada@contoso.example");
const cached = await app.acquireTokenSilent({ scopes, account });
assert.equal(cached.fromCache, true);
const refreshed = await app.acquireTokenSilent({ scopes, account, forceRefresh: true });
assert.equal(refreshed.fromCache, false);
writeFileSync(CACHE, cache.serialize());
console.log("msal-node", msal.version ?? "", "ok");
process.exit(0);
