// The published app: Apache with mod_auth_openidc as an OAuth 2.0 resource server over https, in front of an app that
// tells what reached it. And "elsewhere": another https origin that no token may ever reach.
//
// Environment: DIR (an existing folder for configuration and logs), CERT, KEY and CA (PEM files), PORT (Apache's),
// JWKS_URI, AUDIENCE. It prints one line of JSON when Apache takes connections, and ends when its standard input does.
//
// The app: /redirect?to=URL answers 302, /status/N answers N, everything else is echoed as JSON.
// Elsewhere: GET http://127.0.0.1:ADMIN/ names what it received; so does the app's own list.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer as http } from 'node:http';
import { createServer as https } from 'node:https';
import { connect } from 'node:net';
import { text as readText } from 'node:stream/consumers';

const { DIR, CERT, KEY, CA, PORT, JWKS_URI, AUDIENCE } = process.env;
const listen = (server) => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
const seen = { app: [], elsewhere: [] };

const echo = (list, who) => async (req, res) => {
    const body = await readText(req);
    // mod_auth_openidc hands the token on in a header of its own besides: an echo keeps both to itself.
    const { authorization, oidc_access_token: _, ...headers } = req.headers;
    const answer = {
        app: who,
        user: headers['x-remote-user'] ?? null,
        method: req.method,
        path: req.url,
        authorization: authorization !== undefined,
        headers,
        body,
    };
    list.push(answer);
    const url = new URL(req.url, 'http://app');
    if (url.pathname === '/redirect') return res.writeHead(302, { location: url.searchParams.get('to') }).end();
    const status = Number(/^\/status\/(\d{3})$/.exec(url.pathname)?.[1] ?? 200);
    return res.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(answer)}\n`);
};

const app = await listen(http(echo(seen.app, 'published')));
const elsewhere = await listen(https({ cert: readFileSync(CERT), key: readFileSync(KEY) }, echo(seen.elsewhere, 'elsewhere')));
const admin = await listen(http((_req, res) => res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(seen))));

const modules = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'auth_openidc', 'headers', 'proxy', 'proxy_http', 'ssl'];
writeFileSync(`${DIR}/apache.conf`, `
ServerRoot /etc
ServerName 127.0.0.1
Listen 127.0.0.1:${PORT} https
PidFile ${DIR}/apache.pid
DefaultRuntimeDir ${DIR}
Mutex default
ErrorLog ${DIR}/error.log
LogLevel warn auth_openidc:info
${modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
User www-data
Group www-data
StartServers 1
ServerLimit 1
MinSpareThreads 1
ThreadsPerChild 25
MaxRequestWorkers 25
LogFormat "%h %u \\"%r\\" %>s %b" short
CustomLog ${DIR}/access.log short
SSLSessionCache none
SSLEngine on
SSLCertificateFile ${CERT}
SSLCertificateKeyFile ${KEY}
OIDCOAuthVerifyJwksUri ${JWKS_URI}
OIDCCABundlePath ${CA}
OIDCOAuthRemoteUserClaim sub
<Location />
    AuthType oauth20
    Require claim "aud:${AUDIENCE}"
    RequestHeader set X-Remote-User expr=%{REMOTE_USER}
</Location>
ProxyPass / http://127.0.0.1:${app}/
`);

const apache = spawn('/usr/sbin/apache2', ['-f', `${DIR}/apache.conf`, '-DFOREGROUND'], { stdio: ['ignore', 'ignore', 'inherit'] });
apache.on('exit', (code) => {
    console.error(`apache2 ended (${code})`);
    process.exit(1);
});
process.on('exit', () => apache.kill('SIGTERM'));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit());
process.stdin.on('end', () => process.exit()).resume();

const open = () => new Promise((resolve) => {
    const socket = connect(Number(PORT), '127.0.0.1', () => resolve(true) || socket.destroy()).on('error', () => resolve(false));
});
while (!await open()) await new Promise((resolve) => setTimeout(resolve, 10));
console.log(JSON.stringify({ elsewhere: `https://127.0.0.1:${elsewhere}/`, admin }));
