// @azure/msal-node within one process: parse, save, and a silent hit in a cache that is in memory.
// Prints the seconds of each round as a JSON array. Its known hosts need no network.
const [, , modules, path, budget, what] = process.argv;
const { PublicClientApplication } = require(modules);
const text = require("node:fs").readFileSync(path, "utf8");
const fresh = () =>
    new PublicClientApplication({
        auth: {
            clientId: "5f0d6c3a-71b2-4e8f-a9d4-2c6b8e1f3a03",
            authority: "https://login.microsoftonline.com/3c1f0a52-8d34-4b0e-9a57-5b1e6f2d7c01",
        },
    });

async function rounds(work) {
    const seconds = [];
    const end = performance.now() + 1000 * budget;
    while (seconds.length < 3 || performance.now() < end) {
        const begun = performance.now();
        await work();
        seconds.push((performance.now() - begun) / 1000);
    }
    console.log(JSON.stringify(seconds));
}

(async () => {
    const app = fresh();
    const cache = app.getTokenCache();
    cache.deserialize(text);
    if (what === "parse") await rounds(() => fresh().getTokenCache().deserialize(text));
    if (what === "save") await rounds(() => cache.serialize());
    if (what === "hit") {
        const [account] = await cache.getAllAccounts();
        const entries = Object.values(JSON.parse(text).AccessToken);
        const scopes = [entries[Math.floor(entries.length / 2)].target];
        const hit = async () => {
            if (!(await app.acquireTokenSilent({ account, scopes })).fromCache) throw new Error("not from the cache");
        };
        await hit();
        await rounds(hit);
    }
})();
