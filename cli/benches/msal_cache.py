"""msal for Python within one process: parse, save, and a silent hit in a cache that is in memory.

Prints the seconds of each round as a JSON array. The network call of the constructor is answered here.
"""
import json
import sys
import time

import msal

PATH, BUDGET, WHAT = sys.argv[1], float(sys.argv[2]), sys.argv[3]
CLIENT = "5f0d6c3a-71b2-4e8f-a9d4-2c6b8e1f3a03"
AUTHORITY = "https://login.microsoftonline.com/3c1f0a52-8d34-4b0e-9a57-5b1e6f2d7c01"


class Answer:
    status_code = 200
    headers = {}

    def __init__(self, body):
        self.text = json.dumps(body)

    def raise_for_status(self):
        pass


class NoNetwork:
    """Answers for the authority's OpenID configuration, and nothing else."""

    def get(self, url, **_):
        return Answer({
            "authorization_endpoint": AUTHORITY + "/oauth2/v2.0/authorize",
            "token_endpoint": AUTHORITY + "/oauth2/v2.0/token",
            "issuer": AUTHORITY + "/v2.0",
        })

    def post(self, url, **_):
        raise RuntimeError("a hit needs no " + url)


def rounds(work):
    times, end = [], time.perf_counter() + BUDGET
    while len(times) < 3 or time.perf_counter() < end:
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    print(json.dumps(times))


with open(PATH, encoding="utf-8") as file:
    text = file.read()
cache = msal.SerializableTokenCache()
cache.deserialize(text)
if WHAT == "parse":
    rounds(lambda: msal.SerializableTokenCache().deserialize(text))
elif WHAT == "save":
    rounds(cache.serialize)
elif WHAT == "hit":
    app = msal.PublicClientApplication(
        CLIENT, authority=AUTHORITY, token_cache=cache, http_client=NoNetwork(), instance_discovery=False)
    [account] = app.get_accounts()
    entries = list(json.loads(text)["AccessToken"].values())
    scopes = [entries[len(entries) // 2]["target"]]
    hit = lambda: app.acquire_token_silent(scopes, account)["access_token"]
    hit()
    rounds(hit)
