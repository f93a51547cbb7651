//! Where Microsoft's libraries differ, what entrada does, and why.
//!
//! This module is text alone. It compares MSAL for Python 1.39 (PY), MSAL.NET (NET) and MSAL for Go (GO) of summer
//! 2026, and MSAL for JavaScript with `@azure/msal-node` 7.2 (JS), as their sources read.
//!
//! # The cache
//!
//! | question | what they do | what entrada does, and why |
//! | --- | --- | --- |
//! | How is an entry found? | PY, NET and GO by its fields; JS looks at the key's text first | By fields, through an index. Keys are written in lower case and in their common form, so that JS finds them, too. |
//! | Which of several refresh tokens? | PY the newest by `last_modification_time`, which it alone writes | The newest, and it is noted on write: libraries leave duplicates under keys of their own. |
//! | Which environment is written? | PY and GO the host as configured; NET and JS the preferred alias | The host as configured, with its port; all aliases are read ([`Authority`](crate::Authority)). |
//! | Which realm? | PY the id behind a domain, which it fetches first; NET and GO the tenant as configured; JS the id token's `tid` | The `tid`, and a note of the name that was asked for: nothing is fetched, and a domain and its id are one tenant. |
//! | Which scopes? | those of the answer, else those asked for | The same, but for a scope that the answer spells otherwise (a doubled slash, upper case): it is filed as it was asked for, or it would never be found again. |
//! | Do scopes match by case? | PY does, the others not | They do not: servers change it. |
//! | Do reserved scopes (`openid`, `profile`, `offline_access`) count? | PY refuses them, NET and JS pass them over | They are passed over, unless nothing else is asked for. |
//! | Overlapping tokens? | NET and JS prune them on write, PY and GO keep them. Where several fit, NET fails, JS deletes them all, PY and GO take any | Pruned on write: an older token would only shadow the newer one. Where several fit, the one that lives longest is given. |
//! | An entry that cannot be read? | PY fails on one without scopes or expiry, GO on a time that is no number | It is passed over, and kept to the letter. One bad entry never costs the others. |
//! | A file that cannot be read? | NET clears it | It is set aside under a name that is told. Nothing is overwritten. |
//! | Family refresh tokens (`foci`)? | PY, NET, GO and JS use them | They are left alone: only Microsoft's own apps have them, and another app's are not ours to try. |
//! | Does a refresh write the account? | NET and GO do; PY does not; JS stores nothing at all if the account has gone | It does not, so that whoever signed out meanwhile stays signed out. |
//! | How many writes for one answer? | PY up to five, each under the lock | One. |
//!
//! # Silence
//!
//! | question | what they do | what entrada does, and why |
//! | --- | --- | --- |
//! | When is a token due? | 300 seconds before its end | The same, but a token that was short-lived from the beginning is good for half its life; with the whole margin taken off it would never be good. |
//! | A token past `refresh_on`? | NET renews on a thread; JS waits for the renewal and gives the old one; PY waits; GO fails where the renewal does | It is given at once; the client renews it on a thread. Where there is none, the call renews it, and a failure that passes gives the old one. |
//! | A refresh that fails while the old token is good? | PY and NET give the old one | So does entrada, with a warning: before the margin whatever the reason, within it where the reason passes. |
//! | When is a sign-in needed? | NET on `invalid_grant` and `interaction_required`; JS only on certain words; GO leaves it to the caller | As NET, and on `login_required` and `consent_required`. Never on numbers or words of the description, as Microsoft asks. |
//! | Is a refused refresh token deleted? | PY, NET and GO never; JS on `bad_token` | On `bad_token` and `token_expired`. Other refusals may be a policy's, and the token may serve elsewhere. |
//! | Several accounts, none named? | the caller has to name one | The one that this tenant knows; where that is not one alone, an error that names them. |
//! | Several who find the same token expired? | JS joins calls of one process | One refresh, for all threads and processes: a lock, and another look with it held. |
//! | Several who need a sign-in? | each opens a window | One window; the others say so, and wait. |
//!
//! # The authority
//!
//! | question | what they do | what entrada does, and why |
//! | --- | --- | --- |
//! | What is fetched beforehand? | PY the discovery document, at every start; JS for unknown hosts; NET nothing at Microsoft's | Nothing at Microsoft's: a cached token needs no network. OpenID providers are asked when a token must be fetched. |
//! | `Retry-After`? | PY takes seconds alone; NET dates, too; GO does not look | Both, capped at an hour, and for all who share the cache: NET forgets with the process. |
//! | A busy authority that names no time? | NET, JS and PY wait for 60 seconds | The same, after one second try on 5xx as in NET. |
//! | The same where a sign-in's code is redeemed? | NET shows the code once more on 5xx, unless there is a `Retry-After` | Once more on 5xx, and after a `Retry-After` of ten seconds at most: the user has signed in already. |
//! | The same refused request again? | NET waits for 120 seconds for each refresh token, PY for 60 | 120 seconds for each refresh token. A new sign-in brings a new one, and is never held up; a second token that a neighbour left is tried. |
//! | Does a forced refresh ask all the same? | it does not | It does, unless the authority itself named the time: who insists may have mended the reason. |
//! | Refreshes without end, forced or for more than the authority gives? | the authority stops them (AADSTS50196) | The tenth within five minutes is the last; the token that it brought is given again. |
//! | `slow_down` while a user code is awaited? | PY adds five seconds; NET and JS fail; GO passes it over | Five seconds are added (RFC 8628 3.5). |
//! | How long is a user code awaited? | by the wall clock | By the pauses' sum: a wall clock leaps when a laptop wakes, and drifts under WSL. |
//! | What may post to the loopback? | GO ends on anything but a POST, NET on another state | Only the right `state` ends the wait; the browser's own requests and strangers' pass. Errors need it, too. |
//! | Whose id token is it? | NET, GO and PY decode it | Audience, nonce and issuer are checked, where the issuer can be known. Its signature is not: it came straight from the token endpoint over TLS (OpenID Connect Core 3.1.3.7). |
