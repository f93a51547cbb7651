"""What a script does with msal for a cached token, without the constructor's network call."""
import sys

import msal

with open(sys.argv[1], encoding="utf-8") as file:
    cache = msal.SerializableTokenCache()
    cache.deserialize(file.read())
scope = "https://hr-contoso.msappproxy.net//user_impersonation"
print(next(iter(cache.search(msal.TokenCache.CredentialType.ACCESS_TOKEN, target=[scope])))["secret"])
