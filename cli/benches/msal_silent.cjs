// What a script does with @azure/msal-node for a cached token; its known hosts need no network.
const [, , modules, path] = process.argv;
const { PublicClientApplication } = require(modules);
const app = new PublicClientApplication({
    auth: {
        clientId: "5f0d6c3a-71b2-4e8f-a9d4-2c6b8e1f3a03",
        authority: "https://login.microsoftonline.com/3c1f0a52-8d34-4b0e-9a57-5b1e6f2d7c01",
    },
});
(async () => {
    const cache = app.getTokenCache();
    cache.deserialize(require("node:fs").readFileSync(path, "utf8"));
    const [account] = await cache.getAllAccounts();
    const scopes = ["https://hr-contoso.msappproxy.net//user_impersonation"];
    console.log((await app.acquireTokenSilent({ account, scopes })).accessToken);
})();
