"""msal for Python as one who shares a cache file: takes an order a line, and answers it as another process would.

Orders are JSON: do (sign_in, silent, refresh, sign_out), client, user. Each begins with a client and a cache of its own,
kept by msal_extensions. It prints `OPEN url` for a sign-in, and `ANSWER` with the token, if any.
"""
import json
import os
import sys

import msal
from msal_extensions import FilePersistence, PersistedTokenCache

for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
    os.environ.pop(name, None)
env = os.environ
scopes = [env["SCOPE"]]


class Cache(PersistedTokenCache):
    """Always reads before it writes.

    Its parent compares the file's time, which ticks in milliseconds, with a clock that does not, and now and then
    takes what another has just written for old, and writes over it. That is no matter of the lock.
    """

    def modify(self, *args, **kwargs):
        self._last_sync = 0
        super().modify(*args, **kwargs)


def act(order):
    app = msal.PublicClientApplication(
        order["client"], authority=env["AUTHORITY"], verify=env["CA"], instance_discovery=False,
        token_cache=Cache(FilePersistence(env["CACHE"])))
    if order["do"] == "sign_in":
        result = app.acquire_token_interactive(
            scopes, timeout=30, auth_uri_callback=lambda uri: print("OPEN", uri, flush=True))
    else:
        accounts = app.get_accounts(username=order["user"])
        if not accounts:
            return {"token": None}
        if order["do"] == "sign_out":
            app.remove_account(accounts[0])
            return {"token": None}
        result = app.acquire_token_silent_with_error(scopes, accounts[0], force_refresh=order["do"] == "refresh")
    if result and "access_token" not in result:
        return {"error": result}
    return {"token": result and result["access_token"]}


for line in sys.stdin:
    print("ANSWER", json.dumps(act(json.loads(line))), flush=True)
