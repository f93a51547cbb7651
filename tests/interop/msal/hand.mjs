// msal-node as one who shares a cache file: takes an order a line, and answers it as another process would.
//
// Orders are JSON: do (sign_in, silent, refresh, sign_out), client, user. Each begins with a client and a cache of its
// own, under a lock that is made as @azure/msal-node-extensions makes it. It prints `OPEN url` for a sign-in, and
// `ANSWER` with the token, if any.
import { open, readFile, unlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

const msal = createRequire(process.cwd() + "/")("@azure/msal-node");
const { AUTHORITY: authority, SCOPE, CACHE } = process.env;
const scopes = [SCOPE];
const lockfile = CACHE + ".lockfile";

async function lock() {
  for (let tries = 0; tries < 500; tries++) {
    try {
      const file = await open(lockfile, "wx+");
      await file.write(process.pid.toString());
      return file;
    } catch (error) {
      if (!["EEXIST", "EACCES", "EPERM"].includes(error.code)) throw error;
      await pause(100);
    }
  }
  throw new Error("the lock cannot be had");
}

function plugin() {
  let held;
  return {
    async beforeCacheAccess(context) {
      held = await lock();
      const text = await readFile(CACHE, "utf8").catch(() => "");
      if (text) context.tokenCache.deserialize(text);
    },
    async afterCacheAccess(context) {
      if (context.cacheHasChanged) await writeFile(CACHE, context.tokenCache.serialize(), { mode: 0o600 });
      await unlink(lockfile);
      await held.close();
    },
  };
}

async function act({ do: what, client: clientId, user }) {
  const auth = { clientId, authority, knownAuthorities: [new URL(authority).host] };
  const app = new msal.PublicClientApplication({ auth, cache: { cachePlugin: plugin() } });
  if (what === "sign_in") {
    const openBrowser = async (url) => console.log("OPEN " + url);
    return { token: (await app.acquireTokenInteractive({ scopes, openBrowser })).accessToken };
  }
  const account = (await app.getTokenCache().getAllAccounts()).find(({ username }) => username === user);
  if (!account) return { token: null };
  if (what === "sign_out") {
    await app.getTokenCache().removeAccount(account);
    return { token: null };
  }
  try {
    return { token: (await app.acquireTokenSilent({ scopes, account, forceRefresh: what === "refresh" })).accessToken };
  } catch (error) {
    if (error instanceof msal.InteractionRequiredAuthError) return { token: null };
    throw error;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log("ANSWER " + JSON.stringify(await act(JSON.parse(line))));
}
process.exit(0);
