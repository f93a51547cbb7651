"""Signs in with MSAL Python: code flow with loopback, device code, cache, forced refresh, and a call through the proxy.

Takes AUTHORITY, CLIENT_ID, SCOPE, EXTERNAL_URL and CA from the environment, as printed by `serve --https --localhost
--answer`. Whoever runs it follows each `OPEN url` and types each `CODE code` that it prints. `pip install msal`.
"""
import os
import ssl
import urllib.request

import msal

# requests would prefer these to verify=.
for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
    os.environ.pop(name, None)

env = os.environ
scopes = [env["SCOPE"]]


def app():
    return msal.PublicClientApplication(
        env["CLIENT_ID"], authority=env["AUTHORITY"], verify=env["CA"], instance_discovery=False)


def check(result, source):
    assert "access_token" in result, result
    assert result.get("token_source", source) == source, result["token_source"]
    request = urllib.request.Request(env["EXTERNAL_URL"] + "api/me", headers={"Authorization": "Bearer " + result["access_token"]})
    body = urllib.request.urlopen(request, context=ssl.create_default_context(cafile=env["CA"])).read().decode()
    assert "Ada Lovelace" in body, body
    return body


browser = app()
result = browser.acquire_token_interactive(scopes, timeout=30, auth_uri_callback=lambda uri: print("OPEN", uri, flush=True))
print("interactive", check(result, "identity_provider"))
assert result["id_token_claims"]["preferred_username"] == "ada@contoso.example"

account = browser.get_accounts()[0]
first = result["access_token"]
cached = browser.acquire_token_silent_with_error(scopes, account)
check(cached, "cache")
assert cached["access_token"] == first
refreshed = browser.acquire_token_silent_with_error(scopes, account, force_refresh=True)
check(refreshed, "identity_provider")
assert refreshed["access_token"] != first
other = browser.acquire_token_silent_with_error(["api://7a4e2c90-d5b8-4136-9ef7-c8b6a4d2f006/Reports.Read"], account)
assert other["error"] == "invalid_grant" and other["suberror"] == "consent_required", other

device = app()
flow = device.initiate_device_flow(scopes)
print("CODE", flow["user_code"], flush=True)
print("device code", check(device.acquire_token_by_device_flow(flow), "identity_provider"))
check(device.acquire_token_silent_with_error(scopes, device.get_accounts()[0]), "cache")
print("msal", msal.__version__, "ok")
