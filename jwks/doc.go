// Package jwks decides which public keys an issuer's tokens may be verified with, and keeps them at hand.
//
//	keys, err := jwks.NewCache(jwks.Config{Issuer: "https://tenant.eu.auth0.com/"})
//	…
//	found, err := keys.Keys(ctx, kid) // at most one fetch, however many ask; mostly none
//
// A [Cache] fetches the keys of an issuer and a [Set] holds keys that are configured; both are key sources for a
// validator. The key sets are those of RFC 7517; where they are is asked by OpenID Connect Discovery 1.0 or RFC 8414.
//
// # The states of a Cache
//
// A lookup does one atomic load of an immutable snapshot: the keys, when they were fetched, for how long they are good,
// the fetch in progress. The snapshot's age, by the monotonic clock or the wall clock, whichever says more,
// tells its state:
//
//	EMPTY       no keys yet         wait for a fetch; if it fails, ErrUnavailable
//	FRESH       age < 0.8·TTL − j   serve
//	REVALIDATE  age < TTL           serve, and fetch behind the request
//	EXPIRED     age < TTL+MaxStale  wait for a fetch; if it fails, or the last one has lately, serve, and fetch behind
//	                                the request
//	DEAD        older               as EMPTY
//
// The jitter j is random, up to 0.1·TTL, so that the instances of a service don't ask in chorus. Only a lookup begins a
// fetch: an idle process is silent, and after a night comes an EXPIRED or DEAD snapshot that is fetched anew before
// anything is believed. While lookups come, the fetch behind the request keeps the keys FRESH and nobody waits; nor does
// anybody in an outage, as each failure is lately: until two minutes after the next fetch may begin.
//
// # Unknown keys
//
// A kid that isn't in the snapshot may be of a key that was published a moment ago, or made up. In this order:
//
//	no kid at all                                   all keys are the answer; no fetch
//	fetched for in vain within 30 s                 none
//	a newer set came since the lookup began         none
//	a fetch is in progress                          wait for it, no longer than Timeout, if fewer than 64 do
//	the last failure is not long enough ago         none
//	the last fetch for an unknown kid neither       none
//	else                                            one fetch, and wait for it likewise
//
// So a new key is found by the first token that it signed, and under a flood of made-up ones within
// UnknownKeyInterval. Which kids are known decides nothing else: known keys are served all the while. A key that is
// replaced by another with the same kid is found at the next regular fetch.
//
// # A fetch
//
// There is one at a time, with a context of its own: a caller that leaves ends its own wait alone. The request is a GET
// with If-None-Match; the answer is 200 or 304, not redirected, of at most 1 MiB after decompression. Keys of no use
// are left out one by one (see [Parse]), and an answer without a usable key is a failure. So is a request that hasn't
// ended by its Timeout. If the client doesn't end it even then, it is left to itself; behind two of these, fetches
// fail without another request, until one of them ends.
//
// A success replaces the whole set: a key that isn't in it any more was withdrawn. A failure replaces nothing, but
// the n-th in a row puts the next fetch off until min(1 s·2ⁿ⁻¹, 60 s) from its beginning, at most 5 s while EMPTY,
// less up to a quarter at random; or until an answer's Retry-After, at most 5 min. A Cache with an Issuer and no URL
// looks up the URL first, and again after 24 h, or when the URL brings no keys and it is 15 min (10 s while EMPTY) since
// it was last looked up. The old URL is good until there is another: if it can't be looked up, the same fetch goes on
// with the old one.
//
// # The numbers
//
//	TTL                 max-age − Age, within MinTTL and MaxTTL; 0 for no-store and no-cache; without any of these, TTL
//	TTL                 10 min   a withdrawn key is refused within ten minutes of traffic
//	MinTTL               5 min   there are issuers that send max-age=15, and mean their CDN
//	MaxTTL               1 h     there are issuers that send a day, for which no withdrawn key should live
//	MaxStale            24 h     the longest outage to ride out; stale-if-error may shorten it, to 1 h at least
//	UnknownKeyInterval  30 s     a flood costs the issuer two requests a minute, a new key waits half a minute at worst
//	Timeout              5 s     for each step of a fetch: discovery, if it is due, and the key set. A lookup with nothing
//	                             to serve waits for both, as an issuer that takes 4 s for each is slow and not out of
//	                             reach; one for an unknown kid beside keys that are held waits once this long at most
//	backoff           1–60 s     a blip of a second costs a second, an outage of a day one request a minute
//	backoff, EMPTY     1–5 s     nothing is served: the issuer's return must be noticed at once
//	waiters             64       goroutines that unknown kids can hold behind a silent issuer
//	body                 1 MiB   the largest known key set has a tenth of it
//
// A Cache logs one line when its state changes, or when fetches begin to fail or to succeed: at level Debug for what
// happens every day, Info for a recovery, Warn while old keys are served or none were had yet, Error when they are DEAD
// or the Config is wrong ([ErrConfig]): where there never were keys, and the issuer answers, but with something else.
// The keys that are left out of a set are logged once, when the set changes: at level Warn, or Debug if the only reason
// is that they are for encryption. [Cache.Status] tells the rest.
package jwks
