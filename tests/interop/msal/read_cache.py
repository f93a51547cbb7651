"""Takes a token from the cache file that entrada wrote, then refreshes with it, and writes the file back."""
import os

import msal

for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
    os.environ.pop(name, None)
env = os.environ
scopes = [env["SCOPE"]]
cache = msal.SerializableTokenCache()
with open(env["CACHE"], encoding="utf-8") as file:
    cache.deserialize(file.read())
app = msal.PublicClientApplication(
    env["CLIENT_ID"], authority=env["AUTHORITY"], verify=env["CA"], instance_discovery=False, token_cache=cache)
(account,) = app.get_accounts()
assert account["username"] == "ada@contoso.example", account
cached = app.acquire_token_silent_with_error(scopes, account)
assert cached and cached["token_source"] == "cache", cached
refreshed = app.acquire_token_silent_with_error(scopes, account, force_refresh=True)
assert refreshed["token_source"] == "identity_provider", refreshed
with open(env["CACHE"], "w", encoding="utf-8") as file:
    file.write(cache.serialize())
print("msal", msal.__version__, "ok")
