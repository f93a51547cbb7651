// A generic authority: the certified OpenID provider `oidc-provider`, as a public native client meets it.
//
// Environment: CERT and KEY (PEM files), APP_URL (the app's external URL, with its trailing slash), CLIENT_ID,
// LOGIN_USER, LOGIN_PASSWORD, RESPONSE_MODES ("form_post query" or "query"), ACCESS_TOKEN_LIFETIME (seconds),
// OFFLINE_ACCESS ("always": a refresh token whoever asks; "strict": only after offline_access with prompt=consent).
// It prints one line of JSON when it is ready, and ends when its standard input does.
//
// A second port (http, loopback) is the tests' own: GET /state · POST /set {accessTokenLifetime, audience} ·
// POST /revoke {user} · POST /stop · POST /start.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer as http } from 'node:http';
import { createServer as https } from 'node:https';
import { json as readJson, text as readText } from 'node:stream/consumers';
import { Provider } from 'oidc-provider';

const { CERT, KEY, APP_URL, CLIENT_ID, LOGIN_USER, LOGIN_PASSWORD } = process.env;
const settings = { accessTokenLifetime: Number(process.env.ACCESS_TOKEN_LIFETIME ?? 3600), audience: APP_URL };
const responseModes = (process.env.RESPONSE_MODES ?? 'form_post query').split(' ');
const strict = process.env.OFFLINE_ACCESS === 'strict';

const listen = (server, port = 0) =>
    new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', () => resolve(server.address().port)));
const escape = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const page = (title, body) => `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>${title}</title><style>
body{font:16px system-ui,sans-serif;background:#eef;display:grid;place-items:center;min-height:90vh}
main{background:#fff;padding:2em 3em;box-shadow:0 1px 6px #99b;min-width:22em} input[type=text],input[type=password]{display:block;width:100%;margin:.3em 0 1em;padding:.5em;box-sizing:border-box}
button{padding:.6em 1.4em;margin-right:.6em} .error{color:#b00}</style></head><body><main><h1>${title}</h1>${body}</main></body></html>`;

// Everything about the requests that came, for the tests to look at.
const pages = [];
const authorizations = [];
const tokenRequests = [];
const issued = [];
const refreshTokens = [];

const tls = https({ cert: readFileSync(CERT), key: readFileSync(KEY) });
const port = await listen(tls);
const issuer = `https://127.0.0.1:${port}`;
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

const provider = new Provider(issuer, {
    clients: [{
        client_id: CLIENT_ID,
        client_name: 'Entrada interop',
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
        response_types: ['code'],
        redirect_uris: [
            ...['localhost', '127.0.0.1'].flatMap((host) => ['', '/'].map((path) => `http://${host}${path}`)),
            'https://login.microsoftonline.com/common/oauth2/nativeclient', // what an embedded view stops before
        ],
    }],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'interop', alg: 'RS256', use: 'sig' }] },
    cookies: { keys: [randomBytes(24).toString('hex')] },
    scopes: ['openid', 'offline_access', 'profile', 'email'],
    claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email'] },
    conformIdTokenClaims: false,
    discovery: {},
    pkce: { required: () => true },
    rotateRefreshToken: true,
    ...(strict ? {} : { issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'), expiresWithSession: () => false }),
    ttl: {
        AccessToken: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? settings.accessTokenLifetime,
        AuthorizationCode: 60,
        DeviceCode: 300,
        Grant: 86400,
        IdToken: 3600,
        Interaction: 600,
        RefreshToken: 86400,
        Session: 86400,
    },
    findAccount: (_ctx, sub) => ({
        accountId: sub,
        claims: () => ({ sub, name: 'Maria Interop', preferred_username: sub, email: sub }),
    }),
    extraTokenClaims: (_ctx, token) => ({ name: 'Maria Interop', preferred_username: token.accountId }),
    features: {
        devInteractions: { enabled: false },
        revocation: { enabled: true },
        rpInitiatedLogout: { enabled: true },
        deviceFlow: {
            enabled: true,
            charset: 'base-20',
            mask: '****-****',
            userCodeInputSource: (ctx, form, _out, error) => {
                ctx.body = page('Connect a device', `${error ? '<p class="error" id="error">That code did not work.</p>' : ''}<p>Enter the code shown by your program.</p>${form}<button id="continue" form="op.deviceInputForm">Continue</button>`);
            },
            userCodeConfirmSource: (ctx, form, client, _device, code) => {
                ctx.body = page('Is this your code?', `<p>${escape(client.clientName)} shows <code id="code">${escape(code)}</code></p>${form}<button id="confirm" form="op.deviceConfirmForm">Continue</button><button id="abort" form="op.deviceConfirmForm" name="abort" value="yes">It is not</button>`);
            },
            successSource: (ctx) => {
                ctx.body = page('Signed in', '<p id="done">You may close this window.</p>');
            },
        },
        // A token for the app, as a JWT, although the client never says `resource`.
        resourceIndicators: {
            enabled: true,
            defaultResource: () => APP_URL,
            useGrantedResource: () => true,
            getResourceServerInfo: () => ({
                scope: `app.read ${APP_URL}/user_impersonation`,
                audience: settings.audience,
                accessTokenTTL: settings.accessTokenLifetime,
                accessTokenFormat: 'jwt',
                jwt: { sign: { alg: 'RS256' } },
            }),
        },
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    renderError: (ctx, out) => {
        ctx.type = 'html';
        ctx.body = page('Sign-in failed', Object.entries(out).map(([k, v]) => `<p id="${escape(k)}">${escape(v)}</p>`).join(''));
    },
});

provider.on('refresh_token.saved', (token) => refreshTokens.push(token));
provider.on('server_error', (_ctx, error) => console.error(error));
provider.use(async (ctx, next) => {
    await next();
    const route = ctx.oidc?.route;
    if (route === 'discovery') ctx.body.response_modes_supported = responseModes;
    if (route === 'authorization') authorizations.push({ ...ctx.query });
    if (route === 'token') {
        const { access_token, refresh_token, id_token, error } = ctx.body ?? {};
        issued.push(...[access_token, refresh_token, id_token].filter(Boolean));
        const params = { ...ctx.oidc.body };
        tokenRequests.push({
            grant: params.grant_type,
            scope: params.scope,
            parameters: Object.keys(params).sort(),
            user_agent: ctx.get('user-agent'),
            status: ctx.status,
            error,
        });
    }
});
// An authority that announces query only does query only.
if (!responseModes.includes('form_post')) {
    provider.use((ctx, next) => {
        if (ctx.path === '/auth' && ctx.query.response_mode && !responseModes.includes(ctx.query.response_mode)) {
            ctx.status = 400;
            ctx.type = 'html';
            ctx.body = page('Sign-in failed', `<p id="error">unsupported response_mode ${escape(ctx.query.response_mode)}</p>`);
            return undefined;
        }
        return next();
    });
}

async function interact(req, res) {
    const { prompt, params, session, grantId } = await provider.interactionDetails(req, res);
    const finish = (result, merge = false) => provider.interactionFinished(req, res, result, { mergeWithLastSubmission: merge });
    const show = (title, body, status = 200) => pages.push(title) && res.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' }).end(page(title, body));
    const signIn = (error = '') => show('Sign in', `${error}<form method="post"><label>User<input type="text" id="user" name="user" value="${escape(params.login_hint ?? '')}" autocomplete="username"></label>
        <label>Password<input type="password" id="password" name="password" autocomplete="current-password"></label>
        <button id="sign-in" name="action" value="sign-in">Sign in</button><button id="cancel" name="action" value="cancel">Cancel</button></form>`, error ? 403 : 200);
    const form = req.method === 'POST' ? Object.fromEntries(new URLSearchParams(await readText(req))) : undefined;
    if (form?.action === 'cancel') return finish({ error: 'access_denied', error_description: 'the user cancelled' });
    if (prompt.name === 'login') {
        if (!form) return signIn();
        if (form.user !== LOGIN_USER || form.password !== LOGIN_PASSWORD) return signIn('<p class="error" id="error">Wrong user or password.</p>');
        return finish({ login: { accountId: form.user, amr: ['pwd'] } });
    }
    if (!form) {
        return show('Permissions requested', `<p>Entrada interop, for <b id="account">${escape(session.accountId)}</b>, asks for:</p><ul>${String(params.scope).split(' ').map((scope) => `<li>${escape(scope)}</li>`).join('')}</ul>
            <form method="post"><button id="accept" name="action" value="accept">Accept</button><button id="decline" name="action" value="decline">Decline</button></form>`);
    }
    if (form.action !== 'accept') return finish({ error: 'access_denied', error_description: 'the user declined to consent' });
    const grant = (grantId && await provider.Grant.find(grantId)) || new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    const { missingOIDCScope, missingOIDCClaims, missingResourceScopes } = prompt.details;
    if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '));
    if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims);
    for (const [resource, scopes] of Object.entries(missingResourceScopes ?? {})) grant.addResourceScope(resource, scopes.join(' '));
    return finish({ consent: { grantId: await grant.save() } }, true);
}

const handle = provider.callback();
tls.on('request', (req, res) => {
    if (!req.url.startsWith('/interaction/')) return void handle(req, res);
    interact(req, res).catch((error) => {
        console.error(error);
        res.writeHead(400, { 'content-type': 'text/html' }).end(page('Sign-in failed', `<p id="error">${escape(error.message)}</p>`));
    });
});

const actions = {
    '/set': (body) => Object.assign(settings, body),
    '/revoke': async ({ user }) => {
        const mine = refreshTokens.filter((token) => token.accountId === user);
        await Promise.all(mine.map((token) => token.destroy()));
        return { revoked: mine.length };
    },
    '/stop': () => new Promise((resolve) => {
        tls.close(() => resolve({ listening: false }));
        tls.closeAllConnections();
    }),
    '/start': async () => {
        if (!tls.listening) await listen(tls, port);
        return { listening: true };
    },
};
const admin = http(async (req, res) => {
    try {
        const answer = req.method === 'GET'
            ? { settings, listening: tls.listening, pages, authorizations, tokenRequests, issued }
            : await actions[req.url](Number(req.headers['content-length']) ? await readJson(req) : {});
        res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    } catch (error) {
        res.writeHead(500).end(String(error));
    }
});
const adminPort = await listen(admin);
process.stdin.on('end', () => process.exit()).resume();
console.log(JSON.stringify({ issuer, admin: adminPort }));
