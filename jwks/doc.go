// Package jwks decides which public keys may verify an issuer's tokens, and
// holds them in memory.
//
//	keys, err := jwks.NewCache(jwks.Config{Issuer: "https://tenant.eu.auth0.com/"})
//	…
//	found, err := keys.Keys(ctx, kid) // usually no fetch; concurrent lookups share one
//
// A [Cache] fetches the keys of an issuer, and a [Set] holds keys that are
// configured. Both are key sources for a validator. The key sets are those of
// RFC 7517. A Cache finds the URL of a key set by OpenID Connect Discovery 1.0
// or RFC 8414.
//
// # The states of a Cache
//
// A lookup does one atomic load of an immutable snapshot: the keys, when they
// were fetched, how long they are valid, and the fetch in progress. The state
// follows from the snapshot's age. The age is measured by the monotonic clock
// and by the wall clock, and the larger result counts:
//
//	EMPTY       no keys yet         wait for a fetch; if it fails, ErrUnavailable
//	FRESH       age < 0.8·TTL − r   serve
//	REVALIDATE  age < TTL           serve, and fetch in the background
//	EXPIRED     age < TTL+MaxStale  wait for a fetch, and serve even if it fails;
//	                                after a recent failure, serve at once, and
//	                                fetch in the background
//	DEAD        older               as EMPTY
//
// The time r is random, so that the processes of a fleet don't fetch together.
// It is up to 0.1·TTL after a fetch in REVALIDATE, and up to 0.6·TTL after any
// other. A fetch at the first lookup, after a failure or for an unknown key may
// have happened in the whole fleet at once, and the next one must not.
//
// Only a lookup starts a fetch, so an idle process sends no requests. After an
// idle night the snapshot is EXPIRED or DEAD, and the first lookup asks the
// issuer before it uses a key. While lookups arrive, fetches in the background
// keep the keys FRESH, and no lookup waits. During an outage no lookup waits
// either, because each failure is recent: a failure counts as recent until two
// minutes after the next fetch may start.
//
// A seed whose age is known (Config.SeedTime) is a snapshot of that age with
// Config.TTL. It is FRESH until a random time in the second half of what is left
// of the TTL. A seed of unknown age is EXPIRED. Config.Fallback has keys that are
// served in EMPTY and DEAD if the fetch fails, and without a wait after a recent
// failure. Neither counts as an answer of the issuer: a lookup of a kid that is
// not among them fetches, or gets ErrUnavailable.
//
// Config.FallbackURLs are further addresses of the key set. A fetch that fails
// at the issuer's own address goes on to them, in their order, until one has a
// usable key set. The states go on to follow from the issuer's own address:
//
//	FRESH, REVALIDATE, EXPIRED  the keys of the other address are served as
//	                            well, except for a kid that is held
//	EMPTY, DEAD                 the keys of the other address are served, before
//	                            Config.Fallback
//
// They last as long as their own TTL and MaxStale. The first success of the
// issuer's own address drops them. A key that the issuer has withdrawn, or that
// has vanished from its last response, is not taken from another address. The
// last 100 such keys are remembered. An answer of another address proves
// neither that a kid is unknown nor that a key is withdrawn.
//
// [Cache.Run] refreshes the keys without lookups, for a program whose first
// request after a silence must not wait. The caller starts and ends it.
//
// # Unknown keys
//
// A kid that isn't in the snapshot may belong to a key that was published a
// moment ago, or may be made up. "No such key" and "could not look" are
// different results. The former is an empty result, and rejects a token for
// good. The latter is [ErrUnavailable], after which the client may come again
// with the same token. The first line that applies decides:
//
//	no kid at all                       all keys; no fetch
//	a fetch of the last 30 s was for
//	it and did not bring it             none
//	a fetch that began after the lookup
//	succeeded, and not from a cache     none
//	a fetch is in progress              wait for it, at most Timeout, if fewer
//	                                    than 64 lookups do
//	a fetch for an unknown kid did not
//	bring that kid, and its interval
//	has not passed                      none
//	64 lookups wait, or the backoff
//	after a failure has not passed      ErrUnavailable
//	otherwise                           fetch, and wait at most Timeout
//
// A lookup that waited gets the key, or none if the fetch succeeded without
// bringing it. If that fetch began before the lookup, the key may have been
// published meanwhile, and the lines above apply again. If the fetch failed or
// took longer, it gets ErrUnavailable.
//
// The interval is UnknownKeyInterval and up to as much again at random. A fetch
// that fails does not begin an interval, since the backoff applies to it. Nor
// does one that brings its kid, unless it is the second within the interval. So
// a new key is found by the first token that it signed, even shortly after
// another rotation, and within twice UnknownKeyInterval during a flood of
// made-up kids. Unknown kids never delay lookups of known ones. A fetch for an
// unknown kid has the header "Cache-Control: no-cache", so that no cache on the
// way answers it.
//
// A key may also be replaced by another with the same kid, or without one. If a
// token is otherwise good, its signature is by none of the keys it names, and
// these were fetched more than a minute ago, a Validator has them fetched again.
// That is bounded as fetches for unknown kids are, with an interval of its own,
// so that bad signatures don't delay a new key. If the fetch fails, the
// signature is wrong by the keys that the issuer has last confirmed.
//
// # A fetch
//
// There is one fetch at a time. It has a context of its own, so a caller that
// leaves ends only its own wait. The request is a GET with If-None-Match. The
// response must be 200 or 304, and at most 1 MiB after decompression. Redirects
// are not followed. Unusable keys are left out one by one (see [Parse]), and a
// response without a usable key is a failure. So is a request that has not
// ended after Timeout. If the client ignores that deadline, the request is
// abandoned. While two requests are abandoned, fetches fail without sending
// another.
//
// A success replaces the whole set. A key that is no longer in it may have been
// withdrawn, or the response may come from a server that is not updated yet. So
// the key is held until another response agrees, 10 s later or more. The fetch
// for that comes by half of the TTL, and before the TTL of the response that
// last had the key has passed. It has the header "Cache-Control: no-cache". A
// vanished key is dropped at once after an explicit [Cache.Refresh], if another
// key has its ID, if it has none, and if the keys were EXPIRED or DEAD, because
// then the issuer was asked first. A failure leaves the keys as they are, and delays the next fetch
// by a backoff. It counts from the start of the failed fetch, doubles with each
// failure in a row, and up to half of it is taken off at random:
//
//	keys may be served               4 min, then 5 min
//	for an unknown kid, or DEAD      1 s to 60 s
//	EMPTY                            1 s to 5 s, and 30 s after two minutes
//
// A Retry-After in the response, of which 5 min count at most, or 30 s while
// EMPTY, can extend each of them. Up to as much again is added at random,
// because a fleet is asked to return at the same time.
//
// Each address has a backoff of its own. One that is down, or that has sent a
// Retry-After, does not keep others from being asked. While the issuer's own
// address fails, each backoff is multiplied by the number of addresses that are
// asked: that one, those that fail as well, and the one that answers. So several
// addresses of one issuer get no more requests in an outage than one. An address
// that did not bring an unknown kid is asked for others after
// UnknownKeyInterval, as the issuer's own is. A fetch may last one Timeout longer
// if there are FallbackURLs.
//
// A fetch that has lasted longer than it may by the wall clock does not count,
// and a lookup begins another. The process was frozen, as on a laptop
// that sleeps, and the connection is probably dead. After a request without an
// answer, the client's idle connections are closed, because the next one by
// HTTP/2 would be sent on the same connection.
//
// A Cache with an Issuer and no URL discovers the URL first, and again after
// 24 h. If the URL yields no keys, it is discovered again 15 min after the last
// attempt, or 10 s while EMPTY. So it is if a fetch for an unknown kid does not
// bring it, at most every 15 min, since a key set may move while its old URL
// goes on answering. If discovery fails, the same fetch continues with the
// previous URL. If the first metadata URL meets an outage (no answer, 429 or
// 5xx), the second is not asked, except at every fourth attempt, where it is
// the first.
//
// # The numbers
//
// The TTL of a set is the response's max-age less its Age, raised to MinTTL or
// lowered to MaxTTL. The directives no-store and no-cache count as max-age=0.
// Without any of these, it is Config.TTL. The defaults, and the reason of each:
//
//	Config.TTL          10 min   a withdrawn key is rejected within ten minutes
//	                             of traffic
//	MinTTL               5 min   some issuers send max-age=15, meant for their CDN
//	MaxTTL               1 h     some issuers send a day, which is too long for a
//	                             withdrawn key
//	MaxStale            24 h     the longest outage to survive; stale-if-error
//	                             may shorten it, to 1 h at least
//	UnknownKeyInterval  30 s     a flood costs the issuer one or two requests a
//	                             minute, and a new key waits at most a minute
//	Timeout              5 s     for each step of a fetch: discovery, if it is
//	                             due, and the key set. A lookup with nothing to
//	                             serve waits for both, because an issuer that
//	                             takes 4 s for each is slow but available. A
//	                             lookup of an unknown kid, while keys are held,
//	                             waits at most one Timeout
//	backoff          2–5 min     the keys held are good, so nothing is urgent,
//	                             and an outage costs the issuer twice the
//	                             normal requests
//	for unknown kids  1–60 s     a failure of a second costs a second
//	EMPTY              1–5 s     nothing is served, so the issuer's return must
//	                             be noticed at once; after two minutes 15–30 s,
//	                             since a fleet that starts in an outage must not
//	                             keep the issuer down
//	waiters             64       goroutines that unknown kids can hold while the
//	                             issuer is silent
//	body                 1 MiB   ten times the largest known key set
//
// # The log
//
// A Cache logs one line when its state changes, and when fetches begin to fail
// or to succeed. While fetches fail, the level is Warn, or Error if the keys
// are DEAD or the Config is wrong ([ErrConfig]). Otherwise it is Info after a
// recovery and after the first fetch, and Debug for routine changes.
//
// If discovery fails while the keys are fine, that is logged once at Warn, and
// its recovery at Info.
//
// The keys that are left out of a set are logged once, when the set changes.
// The level is Warn, or Debug if all of them are for another purpose, such as
// encryption. [Cache.Status] returns further details.
//
// # What is not checked
//
//   - Signatures and claims. Package validator checks them.
//   - Certificates in a key, and whether they have expired or were revoked.
//   - Whether a key was withdrawn since the last fetch.
//   - Signatures of metadata. Metadata and key sets are authenticated by TLS
//     alone.
package jwks
