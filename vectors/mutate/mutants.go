package main

const (
	jws          = "internal/jose/jws.go"
	base64url    = "internal/jose/base64.go"
	jsonReader   = "internal/jose/json.go"
	parser       = "internal/jose/parser.go"
	decode       = "internal/jose/decode.go"
	decodeTyped  = "internal/jose/decode_typed.go"
	decodeWalk   = "internal/jose/decode_walk.go"
	names        = "internal/jose/names.go"
	float        = "internal/jose/float.go"
	verify       = "internal/jose/verify.go"
	key          = "internal/jose/key.go"
	jwk          = "internal/jose/jwk.go"
	publicKey    = "internal/jose/publickey.go"
	headerKey    = "internal/jose/headerkey.go"
	spiffe       = "validator/spiffe.go"
	actorFile    = "validator/actor.go"
	rolesFile    = "validator/roles.go"
	examination  = "validator/examination.go"
	read         = "validator/read.go"
	binding      = "validator/binding.go"
	organization = "validator/organization.go"
	check        = "validator/check.go"
	stepup       = "validator/stepup.go"
	config       = "validator/config.go"
	keys         = "validator/keys.go"
	keyIssuer    = "jwks/keyissuer.go"
	marksFile    = "validator/marks.go"
	memory       = "validator/memory.go"
	moment       = "validator/moment.go"
	bearer       = "middleware/bearer.go"
	requests     = "middleware/authenticate.go"
	refusal      = "middleware/refusal.go"
	redactFile   = "middleware/redact.go"
	challenge    = "middleware/challenge.go"
	secureurl    = "internal/secureurl/secureurl.go"
	proof        = "dpop/proof.go"
	proofs       = "dpop/dpop.go"
	target       = "dpop/target.go"
	host         = "middleware/host.go"
	preflight    = "middleware/preflight.go"
	discovery    = "jwks/discovery.go"
	fetch        = "jwks/fetch.go"
	askFile      = "introspection/client.go"
	askedCalls   = "introspection/calls.go"
	asker        = "introspection/introspector.go"
	askedWhere   = "introspection/discovery.go"
	askedConfig  = "introspection/config.go"
	vouchedFile  = "validator/vouched.go"
	further      = "jwks/further.go"
	fiberFile    = "adapters/fiberauth/fiberauth.go"
	fiberRequest = "adapters/fiberauth/request.go"
	humaSecure   = "adapters/humaauth/secure.go"
	grpcFile     = "adapters/grpcauth/grpcauth.go"
	grpcStream   = "adapters/grpcauth/stream.go"
	connectFile  = "adapters/connectauth/watched.go"
	redeemedFile = "internal/redeemed/redeemed.go"
	procedures   = "internal/procedures/procedures.go"
	loginFile    = "idtoken/verification.go"
	ruleFile     = "revocation/rule.go"
	ruleHash     = "revocation/hash.go"
	ruleList     = "revocation/list.go"
	ruleTable    = "revocation/table.go"
	ruleScan     = "revocation/scan.go"
	askRevoked   = "revocation/revoked.go"
	logoutFile   = "revocation/logout.go"
	signalFile   = "revocation/signal.go"
	eventFile    = "revocation/event.go"
	eventsFile   = "revocation/events.go"
	subjectFile  = "revocation/subject.go"
	feedRun      = "contrib/redisrevocation/run.go"
	feedStatus   = "contrib/redisrevocation/status.go"
	sendFile     = "contrib/clientauth/transport.go"
	tokenRequest = "contrib/clientauth/request.go"
	tokenAnswer  = "contrib/clientauth/answer.go"
	tokenClient  = "contrib/clientauth/client.go"
	tokenKey     = "contrib/clientauth/key.go"
	tokenSource  = "contrib/clientauth/source.go"
	tokenGrant   = "contrib/clientauth/grant.go"
	tokenSeal    = "contrib/clientauth/seal.go"
	tokenStore   = "contrib/clientauth/store.go"
	tokenSchemes = "contrib/clientauth/challenge.go"
	tokenPerRPC  = "contrib/clientauth/perrpc.go"
	tokenCall    = "contrib/clientauth/call.go"
	tokenDial    = "contrib/grpctokens/grpctokens.go"
	tokenConfig  = "contrib/clientauth/config.go"
	tokenSecrets = "contrib/clientauth/secrets.go"
	tokenShow    = "contrib/clientauth/show.go"
)

// mutants are the rules, in the order of the design.
var mutants = []mutant{
	// The compact form.
	{"the signature is not empty", []edit{{jws, `payload == "" || signature == "" ||`, `payload == "" ||`}}},
	{"the token has a size", []edit{
		{jws, "if len(token) > maxSize {", "if false {"},
	}},
	{"the header has a size", []edit{{jws, "if len(header) > maxHeader {", "if false {"}}},
	{"unused bits are zero", []edit{{base64url, "seen < foreign && unused == 0", "seen < foreign && unused < foreign"}}},
	{"no characters but the alphabet's", []edit{{base64url, "seen < foreign && unused == 0", "unused == 0"}}},
	{"no length that nothing has", []edit{{base64url, "\tcase 1:\n\t\treturn false\n", "\tcase 1:\n"}}},

	// JSON.
	{"JSON is UTF-8", []edit{{jsonReader, "case !utf8.ValidString(s):", "case !utf8.ValidString(s) && false:"}}},
	{"nothing stands after the object", []edit{{jsonReader, "if p.pos != len(p.s) {", "if false {"}}},
	{"no two members of one name at the top", []edit{{jsonReader, "case !o.names.add(p, o.few[:], name, at):", "case !o.names.add(p, o.few[:], name, at) && false:"}}},
	{"no two members of one name within", []edit{{parser, "if !p.limits.Shallow && !names.add(p, few[:], name, at) {", "if !p.limits.Shallow && !names.add(p, few[:], name, at) && false {"}}},
	{"claims' names are exact", []edit{{read, "switch o.Member.Name {", "switch strings.ToLower(o.Member.Name) {"}}},
	{"header members' names are exact", []edit{{jws, "switch o.Member.Name {", "switch strings.ToLower(o.Member.Name) {"}}},
	{"depth of objects", []edit{{parser, "if p.depth++; p.depth > p.limits.Depth {", "if p.depth++; false {"}}},
	{"depth of arrays", []edit{{parser, "if level++; level > p.limits.Depth {", "if level++; false {"}}},
	{"number of members", []edit{{parser, "if p.members++; p.members > p.limits.Members {", "if false {"}}},
	{"number of members with escapes", []edit{{parser, "if p.members += escapedName - 1; p.members > p.limits.Members {", "if false {"}}},
	{"no half of a surrogate pair", []edit{{parser, "if !ok || utf16.DecodeRune(r, low) == utf8.RuneError {", "if !ok || utf16.DecodeRune(r, low) == utf8.RuneError && false {"}}},
	{"no control characters in strings", []edit{{parser, "table[c] = c >= ' ' && c !=", "table[c] = c !="}}},
	{"no leading zeros in numbers", []edit{{parser, "case s[i] == '0':", "case false:"}}},
	{"no unknown escapes", []edit{{parser, "if unescaped[s[1]] == 0 {", "if false {"}}},
	{"a field's name is exact", []edit{{decodeTyped, "if want, ok := s.names.match(name, d.seen.folded); ok {", "if want, ok := s.names.match(name, d.seen.folded); ok && false {"}}},
	{"names of an object differ by more than case", []edit{{names, "if !anyTwice(hashes) {", "if !anyTwice(hashes) || true {"}}},
	{"a claim's name is not one of ours in another case", []edit{{decodeWalk, "if d.level == 1 && d.reserved != nil {", "if false {"}}},
	{"the K that a name may have is a letter", []edit{{names, "case c == kelvin[0] && strings", "case false && strings"}}},
	{"numbers that take long are few", []edit{{float, "d.effort > max(maxEffort, len(d.s)/bytesToEffort) {", "false {"}}},
	{"objects and arrays are bounded by the text", []edit{{decode, "if d.room -= n; d.room < 0 {", "if d.room -= n; false {"}}},

	// The header.
	{"crit is refused", []edit{{jws, "return errCritical", "continue"}}},
	{"b64 is true", []edit{{jws, "if b64, _ := v.Bool(); !b64 {", "if b64, _ := v.Bool(); !b64 && false {"}}},
	{"kid is a string", []edit{{jws, "if h.KeyID, ok = v.Text(); !ok {", "if h.KeyID, ok = v.Text(); !ok && false {"}}},
	{"typ is a string", []edit{{jws, "if h.Type, h.HasType = v.Text(); !h.HasType {", "if h.Type, h.HasType = v.Text(); false {"}}},

	// The algorithm and the key.
	{"alg is on the list", []edit{{examination, "!slices.Contains(v.algorithms, alg)", "!jose.Known(alg) && !slices.Contains(v.algorithms, alg)"}}},
	{"an algorithm's names are two on the list", []edit{{examination, "!slices.Contains(v.algorithms, alg)", "!slices.ContainsFunc(v.algorithms, func(a string) bool { return jose.SameAlgorithm(a, alg) })"}}},
	{"an algorithm's names are one in a key set", []edit{{examination, "jose.SameAlgorithm(key.Algorithm, alg)", "key.Algorithm == alg"}}},
	{"alg is what the key says", []edit{{examination, "bool { return allows(key, alg) && jose.Fits(alg, key.Public) }", "bool { return jose.Fits(alg, key.Public) }"}}},
	{"alg fits the key's curve", []edit{{verify, "key.Curve == a.Curve &&", "a.Curve != nil &&"}}},
	{"alg fits the key's type", []edit{{verify, "return (a.Family == PKCS1 || a.Family == PSS) && usableRSA(key)", "return usableRSA(key)"}}},
	{"HS algorithms need a secret", []edit{{config, "case secret && cfg.Secret == nil:", "case false:"}}},
	{"only known algorithms", []edit{{config, "case !secret && !jose.Known(string(alg)):", "case false:"}}},
	{"RSA keys have 2048 bits", []edit{
		{publicKey, "case bits < 2048 || bits > 8*maxModulus:", "case bits > 8*maxModulus:"},
		{verify, "return 2048 <= bits && bits <= 8*maxSignature", "return bits <= 8*maxSignature"},
	}},
	{"RSA keys have 8192 bits at most", []edit{
		{publicKey, "case bits < 2048 || bits > 8*maxModulus:", "case bits < 2048:"},
		{jwk, `integerParameter(m.n, "n", maxModulus)`, `integerParameter(m.n, "n", 2*maxModulus)`},
		{verify, "return 2048 <= bits && bits <= 8*maxSignature", "return 2048 <= bits"},
	}},
	{"RSA exponents are odd and at least 3", []edit{
		{publicKey, "case key.E < 3 || key.E > math.MaxInt32 || key.E&1 == 0:", "case key.E > math.MaxInt32:"},
		{verify, "key.E < 3 || key.E&1 == 0", "false"},
	}},
	{"RSA moduli are odd", []edit{{publicKey, "case key.N.Bit(0) == 0:", "case false:"}}},
	{"RSA moduli without a known weakness", []edit{{publicKey, "if hasROCA(key.N) {", "if hasROCA(key.N) && false {"}}},
	{"private keys are left out", []edit{{jwk, `if m.private != "" {`, "if false {"}}},
	{"keys for encryption are left out", []edit{{jwk, "return &otherPurposeError{fmt.Sprintf(`\"use\" is %.32q`, m.use.Raw())}", "return nil"}}},
	{"keys without the operation verify are left out", []edit{{jwk, "if m.keyOps.Kind() == KindNone {", "if true {"}}},
	{"a key for JWT-SVIDs is for signatures", []edit{{jwk, `case "jwt-svid":`, `case "jwt-svid?":`}}},
	{"keys of an unknown use are left out", []edit{{jwk, `case "jwt-svid":`, "case \"jwt-svid\", \"JWT-SVID\":"}}},
	{"a key that names an issuer signs for it alone", []edit{{examination, "c.isNamed(key) && key.SignsFor(c.issuer, c.tenant)", "c.isNamed(key)"}}},
	{"a key set has one member keys", []edit{{key, "case sets > 1:", "case false:"}}},
	{"a key's issuer is a string", []edit{{key, `if key.Issuer, _ = m.issuer.Text(); key.Issuer == "" {`, "if key.Issuer, _ = m.issuer.Text(); false {"}}},
	{"{tenantid} is the token's tid", []edit{{keyIssuer, "issuer[len(before):len(issuer)-len(after)] == tenant", "true"}}},
	{"{tenantid} is nothing without a tid", []edit{{keyIssuer, `return tenant != "" &&`, "return true &&"}}},
	{"an issuer's keys are its own", []edit{{keys, "jwks.Config{Issuer: issuer, Now: cfg.Now", "jwks.Config{Issuer: cfg.Issuers[0], Now: cfg.Now"}}},
	{"EC points have all their digits", []edit{{jwk, "if len(text) != base64url.EncodedLen(size) {", "if len(text) > base64url.EncodedLen(size) {"}}},
	{"Ed25519 keys of small order are left out", []edit{{publicKey, "if string(y[:]) == point {", "if string(y[:]) == point && false {"}}},
	{"a kid names a key, of a set", []edit{{keys, "keys, _ := s.keys.Find(kid)", "keys := s.keys.All()"}}},

	// The signature.
	{"the signature is checked", []edit{{examination, "if err == nil {\n\t\t\tx.signedBy", "if true {\n\t\t\tx.signedBy"}}},
	{"signatures have one length", []edit{{jws, "if t.signatureLength == want {", "if t.signatureLength%2 == 0 {"}}},
	{"PSS salts are as long as the hash", []edit{{verify, "SaltLength: rsa.PSSSaltLengthEqualsHash", "SaltLength: rsa.PSSSaltLengthAuto"}}},
	{"few keys are tried", []edit{{examination, "if tried == maxTried {", "if false {"}}},
	{"x5t names a key where there is no kid", []edit{{examination, "c.hashes = x.certificateHashes(keys)", "_ = x.certificateHashes"}}},
	{"x5t#S256 names a key where there is no kid", []edit{{examination, `h.sha256 != "" && h.sha256 == key.X5TS256 || `, ""}}},
	{"x5t is no name beside a kid", []edit{{examination, "\tif kid == \"\" {\n\t\tc.hashes", "\tif true {\n\t\tc.hashes"}}},
	{"an empty x5t names nothing", []edit{{examination, `h.sha1 != "" && h.sha1 == key.X5T`, "h.sha1 == key.X5T"}}},
	{"an x5t that no key has names nothing", []edit{{examination, "\t\t\treturn hashes\n\t\t}\n\t}\n\treturn certificateHashes{}", "\t\t\treturn hashes\n\t\t}\n\t}\n\treturn hashes"}}},
	{"members grow with MaxTokenSize", []edit{{jsonReader, "max(TokenLimits.Members, maxSize/16)", "TokenLimits.Members"}}},

	// Types.
	{"typ is absent, JWT or at+jwt", []edit{{examination, `case x.token.Header.HasType && !strings.EqualFold(typ, "JWT"):`, "case false:"}}},
	{"typ may have application/ before it", []edit{{examination, "typ = typ[len(applicationPrefix):]", "_ = typ"}}},
	{"what only other types have", []edit{{examination, "if x.mark != nil {", "if false {"}}},
	{"a mark by any value", []edit{{marksFile, "if len(m.values) == 0 {\n\t\treturn true", "if len(m.values) == 0 {\n\t\treturn false"}}},
	{"a mark's value is known", []edit{{marksFile, "if sameWord(text, value) {", "if text != value+value {"}}},
	{"a mark's value has no case", []edit{{marksFile, "if lower(s[0]) != lower(t[0]) {", "if s[0] != t[0] {"}}},
	{"a mark's value has no separators", []edit{{marksFile, `const separators = "-_"`, `const separators = ""`}}},
	{"marks are looked for", []edit{{read, `"tokenType", "token_type", "type", "tokenName", "tok_type", "drn", "ati":`, `"tokenType", "token_type", "type", "tokenName", "tok_type", "drn":`}}},
	{"RFC 9068's type", []edit{{examination, "case v.cfg.RequireRFC9068:", "case false:"}}},
	{"RFC 9068's claims", []edit{{examination, "return x.checkRequired()", "_ = x.checkRequired"}}},
	{"InsecureSkipTypeCheck skips", []edit{{examination, "if v.cfg.InsecureSkipTypeCheck {", "if false {"}}},

	// Claims.
	{"iss is ours", []edit{{spiffe, "if !x.hasIssuer && !x.isSVID || x.Issuer != t.issuer {", "if !x.hasIssuer && !x.isSVID {"}}},
	{"iss is exact in case", []edit{{spiffe, "x.Issuer != t.issuer", "!strings.EqualFold(x.Issuer, t.issuer)"}}},
	{"iss is exact in its slash", []edit{{spiffe, "x.Issuer != t.issuer", `strings.TrimRight(x.Issuer, "/") != strings.TrimRight(t.issuer, "/")`}}},
	{"sub is no issuer beside an iss", []edit{{spiffe, "if x.hasIssuer {", "if false {"}}},
	{"a trust domain has its own subjects", []edit{{spiffe, "return !strings.HasPrefix(t.issuer, spiffeScheme) || trustDomain(x.Subject) == t.issuer", "return true"}}},
	{"a trust domain is in small letters", []edit{{spiffe, `!isASCII(name, "-._", false)`, `!isASCII(name, "-._", true)`}}},
	{"a trust domain has neither user nor port", []edit{{spiffe, `!isASCII(name, "-._", false)`, `!isASCII(name, "-._:@", false)`}}},
	{"a SPIFFE ID's path has one spelling", []edit{{spiffe, `if segment == "" || segment == "." || segment == ".." || !isASCII(segment, "-._", true) {`, `if segment == "\x00" {`}}},
	{"a SPIFFE ID has a size", []edit{{spiffe, "len(id) > maxSPIFFEID", "false"}}},
	{"a trust domain in a Config has no path", []edit{{config, "strings.HasPrefix(s, spiffeScheme) && trustDomain(s) != s {", "false {"}}},
	{"typ JOSE is for JWT-SVIDs", []edit{{examination, `case x.isSVID && strings.EqualFold(typ, "JOSE"):`, `case strings.EqualFold(typ, "JOSE"):`}}},
	{"alg chooses between the Validators of an issuer", []edit{{"validator/mux.go", "if slices.Contains(v.algorithms, alg) {\n\t\t\treturn v, nil", "if true {\n\t\t\treturn v, nil"}}},
	{"two Validators of an issuer have no algorithm in common", []edit{{"validator/mux.go", "if slices.Contains(other.algorithms, alg) {", "if slices.Contains(other.algorithms, alg) && false {"}}},
	{"aud has ours", []edit{{examination, "if x.audience.HasText(v.cfg.Audiences) {", "if x.audience.Kind() != jose.KindNone {"}}},
	{"aud is exact", []edit{{examination, "x.audience.HasText(v.cfg.Audiences)", `slices.ContainsFunc(v.cfg.Audiences, func(s string) bool { return strings.Contains(x.audience.Raw(), "\""+s) })`}}},
	{"aud is not empty", []edit{{examination, "if isEmpty {", "if false {"}}},
	{"what stands in for aud is not empty", []edit{{read, "return isTextOrTexts(v) && !isEmptyArray(v)", "return isTextOrTexts(v)"}}},
	{"an empty aud gives way to what stands in", []edit{{examination, "(isEmpty || x.audience.Kind() == jose.KindNone)", "x.audience.Kind() == jose.KindNone"}}},
	{"an empty array alone is an empty aud", []edit{{examination, "isEmpty := isEmptyArray(x.audience)", `isEmpty := isEmptyArray(x.audience) || x.audience.Raw() == "[\"\"]"`}}},
	{"a claim in aud's place has ours", []edit{{examination, "case value.HasText(v.cfg.Audiences):", "case there:"}}},
	{"a claim in aud's place has aud's form", []edit{{examination, "case there && !namesAudience(value):", "case there && false:"}}},
	{"an aud that is there counts", []edit{{examination, `if (isEmpty || x.audience.Kind() == jose.KindNone) && v.cfg.AudienceClaim != "" {`, `if v.cfg.AudienceClaim != "" {`}}},
	{"nothing stands in for aud unless it is said", []edit{{examination, `if (isEmpty || x.audience.Kind() == jose.KindNone) && v.cfg.AudienceClaim != "" {`, "if isEmpty || x.audience.Kind() == jose.KindNone {\n\t\tv.cfg.AudienceClaim = cmp.Or(v.cfg.AudienceClaim, \"azp\")"}, {examination, "import (\n", "import (\n\t\"cmp\"\n"}}},
	{"exp is required", []edit{{examination, "if !x.hasExpiry {", "if false {"}}},
	{"exp has not passed", []edit{{moment, "return !m.now.Before(t.Add(m.leeway))", "return false"}}},
	{"exp itself is too late", []edit{{moment, "return !m.now.Before(t.Add(m.leeway))", "return m.now.After(t.Add(m.leeway))"}}},
	{"exp has leeway", []edit{{moment, "return !m.now.Before(t.Add(m.leeway))", "return !m.now.Before(t)"}}},
	{"exp has leeway once", []edit{{moment, "return !m.now.Before(t.Add(m.leeway))", "return !m.now.Before(t.Add(2*m.leeway))"}}},
	{"nbf and iat have leeway", []edit{{moment, "return !m.now.Before(t.Add(-m.leeway))", "return !m.now.Before(t)"}}},
	{"nbf and iat have leeway once", []edit{{moment, "return !m.now.Before(t.Add(-m.leeway))", "return !m.now.Before(t.Add(-2*m.leeway))"}}},
	{"leeway is the Config's", []edit{{moment, "return moment{now, v.cfg.Leeway}, nil", "return moment{now, DefaultLeeway}, nil"}}},
	{"MaxAge has no leeway", []edit{{check, "now.Sub(c.IssuedAt) > d {", "now.Sub(c.IssuedAt) > d+c.moment().leeway {"}}},
	{"MaxAge itself is in time", []edit{{check, "now.Sub(c.IssuedAt) > d {", "now.Sub(c.IssuedAt) >= d {"}}},
	{"a sign-in is not to come", []edit{{stepup, "if !at.reached(signedIn) {", "if false {"}}},
	{"a sign-in to come has leeway", []edit{{stepup, "if !at.reached(signedIn) {", "if at.now.Before(signedIn) {"}}},
	{"a sign-in's age has no leeway", []edit{{stepup, "at.now.Sub(signedIn) > d {", "at.now.Sub(signedIn) > d+at.leeway {"}}},
	{"nbf has come", []edit{{examination, "if !c.at.reached(c.NotBefore) {", "if false {"}}},
	{"nbf itself is in time", []edit{{examination, "if !c.at.reached(c.NotBefore) {", "if !c.at.now.After(c.NotBefore.Add(-c.at.leeway)) {"}}},
	{"iat has come", []edit{{examination, "if !c.at.reached(c.IssuedAt) {", "if false {"}}},
	{"iat itself is in time", []edit{{examination, "if !c.at.reached(c.IssuedAt) {", "if !c.at.now.After(c.IssuedAt.Add(-c.at.leeway)) {"}}},
	{"whole dates are in range", []edit{{jsonReader, "seconds > maxDate {", "seconds > 1e17 {"}}},
	{"dates with fractions are in range", []edit{{jsonReader, "if seconds == maxDate && nanoseconds > 0 {", "if false {"}}},
	{"claims have their types", []edit{{read, `if !ok && wrong.Name == "" {`, `if !ok && wrong.Name == "\x00" {`}}},
	{"client_id before azp", []edit{{read, "\tcase r.hasClientID:\n\tcase hasAuthorizedParty:", "\tcase hasAuthorizedParty:"}}},
	{"cid before appid", []edit{{read, "case hasCID:", `case hasCID && appID == "":`}}},
	{"a private claim's type is its issuer's", []edit{{read, "r.ignored = append(r.ignored, mistyped{m.Name, want})", `r.mark = &mark{claim: m.Name, kind: "wrong"}`}}},
	{"a private claim of another type is empty", []edit{{read, "r.ignored = append(r.ignored, mistyped{m.Name, want})\n\treturn jose.Value{}", "return v"}}},
	{"scp only without scope", []edit{{read, "if scp := r.private(o.Member, wantTextOrTexts); !hasScope {", "if scp := r.private(o.Member, wantTextOrTexts); hasScope || !hasScope {"}, {read, "r.scopes, hasScope = v, true", "if r.scopes.Kind() == jose.KindNone {\n\t\t\t\tr.scopes = v\n\t\t\t}"}}},

	// Binding.
	{"cnf needs a proof", []edit{{examination, "return x.Confirmation.Proven(ctx)", "return nil"}}},
	{"cnf is proven by something", []edit{{binding, `case has == "":`, `case has == "\x00":`}, {binding, "subtle.ConstantTimeCompare([]byte(wanted), []byte(has)) == 0", `has != "" && subtle.ConstantTimeCompare([]byte(wanted), []byte(has)) == 0`}}},
	{"cnf is proven by the right key", []edit{{binding, "subtle.ConstantTimeCompare([]byte(wanted), []byte(has)) == 0", "false && subtle.ConstantTimeCompare([]byte(wanted), []byte(has)) == 0"}}},
	{"cnf names no second key", []edit{{binding, "return nil, &Error{Code: CodeBinding, Err: &unprovenMember{m.Name}}", "continue"}}},
	{"cnf's members that are not understood are ignored", []edit{{binding, `case "jwk", "jwe", "kid", "jku", "osc":`, "default:"}}},
	{"cnf has something that is understood", []edit{
		{binding, "\tif *c == (Confirmation{}) {\n\t\treturn nil,", "\tif false {\n\t\treturn nil,"},
		{binding, "\tif c == nil || *c == (Confirmation{}) {\n\t\treturn &Error", "\tif c == nil {\n\t\treturn &Error"},
	}},
	{"cnf's hashes have their length", []edit{{binding, "&& len(hash) == sha256.Size && len(text) == base64.RawURLEncoding.EncodedLen(sha256.Size)", "&& sha256.Size > 0 && len(hash) >= 0"}}},
	{"cnf's hashes have one spelling", []edit{{binding, "base64.RawURLEncoding.Strict()", "base64.RawURLEncoding"}}},

	// Organizations, scopes, clients.
	{"org_id is exact", []edit{{organization, "return c.OrgID == o.id", "return strings.EqualFold(c.OrgID, o.id)"}}},
	{"org_name is exact", []edit{{organization, "&& c.OrgName == o.name", "&& strings.EqualFold(c.OrgName, o.name)"}}},
	{"org_name is what is asked for in lower case", []edit{{organization, "return r + ('a' - 'A')", "return r"}}},
	{"only ASCII is lowered", []edit{{organization, "name: strings.Map(func(r rune) rune {", "name: strings.ToLower(idOrName) + strings.Map(func(r rune) rune {\n\t\tr = -1"}}},
	{"org_id is no name", []edit{{organization, "return c.OrgID == o.id", "return c.OrgID == o.id || c.OrgName == o.id"}}},
	{"a token for no organization is for none", []edit{{organization, "return c.OrgID == o.id", "return c.OrgID == o.id || c.OrgID == \"\""}}},
	{"org_name is no ID", []edit{{organization, "&& c.OrgName == o.name", "&& (c.OrgName == o.name || c.OrgID == o.name)"}}},
	{"no organization is none to be for", []edit{{organization, "return o.name != \"\" && c.OrgName == o.name", "return c.OrgName == o.name"}}},
	{"all scopes", []edit{{check, "if len(missing) == 0 {", "if len(missing) < len(wanted) {"}}},
	{"all roles", []edit{{rolesFile, "if !found.HasText(all[i : i+1]) {", "if !found.HasText(all) {"}}},
	{"any role is one of these", []edit{{rolesFile, "!isTextOrTexts(found) || !found.HasText(anyOf) {", "!isTextOrTexts(found) {"}}},
	{"roles are where the path says", []edit{{rolesFile, "v, _ = member(v.Raw(), name)", "v, _ = c.claim(name)"}}},
	{"a role's path is followed to its end", []edit{{rolesFile, "v, _ = member(v.Raw(), name)", "if w, ok := member(v.Raw(), name); ok && w.Kind() != jose.KindNull {\n\t\t\tv = w\n\t\t}"}, {rolesFile, "if v.Kind() != jose.KindObject {\n\t\t\treturn jose.Value{}", "if v.Kind() != jose.KindObject {\n\t\t\treturn v"}}},
	{"an actor is in act", []edit{{actorFile, "slices.Contains(subjects, actor.Subject)", "slices.Contains(subjects, c.Subject)"}}},
	{"an actor is one of these", []edit{{actorFile, "return unless(slices.Contains(subjects, actor.Subject), other)", "return unless(true, other)"}}},
	{"an actor of the past is none", []edit{{actorFile, "slices.Contains(subjects, actor.Subject)", "slices.Contains(subjects, actor.Subject) || actor.Actor != nil && slices.Contains(subjects, actor.Actor.Subject)"}}},
	{"an actor is the token's issuer's", []edit{{actorFile, `case actor.Issuer != "" && actor.Issuer != c.Issuer:`, "case false:"}}},
	{"no actor, where none may act", []edit{{actorFile, "case actor != nil:\n\t\t\treturn &Error", "case actor != nil && c == nil:\n\t\t\treturn &Error"}}},
	{"an actor's claims have their types", []edit{{actorFile, "\t\tif !ok {", "\t\tif !ok && false {"}}},
	{"an actor is an object", []edit{{actorFile, "if act.Kind() != jose.KindObject {", "if false {"}}},
	{"actors are eight at most", []edit{{actorFile, "case n == maxActors:", "case n == 2*maxActors:"}}},
	{"permissions are not scopes", []edit{{check, "lack \", c.Permissions, all)", "lack \", append(c.Permissions, c.Scopes...), all)"}}},
	{"a rejection has a code", []edit{{"validator/error.go", "{ return cmp.Or(e.Code, CodeRefused) }", "{ return cmp.Or(e.Code, \"\") }"}}},
	{"clients are exact", []edit{{check, "unless(slices.Contains(wanted, found), refusal)", "unless(slices.ContainsFunc(wanted, func(s string) bool { return strings.EqualFold(s, found) }), refusal)"}}},

	// The order.
	{"no key is fetched for another type", order("checkType(v)")},
	{"no key is fetched for another issuer", order("checkIssuer(v)")},
	{"no key is fetched for another audience", order("checkAudience(v)")},
	{"no key is fetched for an expired token", order("checkExpiry()")},

	// What is remembered.
	{"a remembered token expires", []edit{{memory, "if !at.now.Before(r.valid.until) {", "if false {"}}},
	{"a remembered token is not yet valid before its time", []edit{{memory, "c.at.now.Before(valid.from) {", "false {"}}},
	{"a remembered token has leeway once at its end", []edit{{moment, "c.ExpiresAt.Add(m.leeway)}", "c.ExpiresAt.Add(2*m.leeway)}"}}},
	{"a remembered token has leeway once at its beginning", []edit{{moment, "window{from.Add(-m.leeway),", "window{from.Add(-2*m.leeway),"}}},
	{"a remembered token begins with iat if nbf is earlier", []edit{{moment, "if from.Before(c.IssuedAt) {", "if false {"}}},
	{"a remembered token begins with nbf if iat is earlier", []edit{{moment, "from := c.NotBefore", "from := c.IssuedAt"}}},
	{"a remembered token's key is for its algorithm", []edit{{memory, " && allows(&keys[i], r.algorithm) &&", " &&"}}},
	{"a remembered token's key is still its issuer's", []edit{{memory, " && keys[i].Issuer == r.keyIssuer {", " {"}}},
	{"a remembered token's checks run", []edit{{memory, "return p.runChecks(ctx, v, c)", "return nil"}}},
	{"checks have claims of their own", []edit{{examination, "c.copyInto(&own)", "own = *c"}}},
	{"a request has claims of its own", []edit{{memory, "x.copyInto(&r.claims)", "r.claims = x.Claims"}}},
	{"a remembered token's key is still there", []edit{{memory, "case !held:", "case !held && false:"}}},
	{"a remembered token's binding is proven", []edit{{memory, "if err := c.Confirmation.Proven(ctx); err != nil {", "if err := c.Confirmation.Proven(ctx); err != nil && false {"}}},
	{"a remembered token is the Validator's that accepted it", []edit{{memory, "r == nil || r.owner != v.memory {", "r == nil {"}}},
	{"a remembered token has a place only in the room that there is", []edit{{memory, "t.bytes+r.bytes > m.room || ", ""}}},
	{"a remembered token is forgotten when it has expired", []edit{{memory, "case err != nil && CodeOf(err) == CodeExpired:", "case false:"}}},
	{"remembered tokens that have expired make room", []edit{{memory, "if old := t.all[t.sweep]; now.Before(old.valid.until) {", "if old := t.all[t.sweep]; true || old != nil {"}}},
	{"a remembered token is the same in full", []edit{{memory, "r.hash == hash && r.token == token {", "r.hash == hash {"}}},

	// Tenants that are looked up.
	{"a tenant's Validator lists its issuer", []edit{{"validator/lookup.go", "case v != nil && !slices.Contains(v.cfg.Issuers, c.issuer):", "case false && !slices.Contains(v.cfg.Issuers, c.issuer):"}}},
	{"a tenant that was here is counted apart", []edit{{"validator/tenants.go", "if t.seen.has(issuer) {", "if false {"}}},
	{"a tenant is asked for after a silence", []edit{{"validator/tenants.go", "patient := !k.lived(muxLifetime, now) &&", "patient := false &&"}}},
	{"a tenant in use is asked for again", []edit{{"validator/tenants.go", "return now.UnixNano() >= k.next.Load() }", "return false }"}}},
	{"a tenant outlives failed calls, for a time", []edit{{"validator/tenants.go", "CodeOf(err) == CodeUnavailable && k.lived(muxLifetime+muxStale, now)", "CodeOf(err) == CodeUnavailable"}}},
	{"a call from before Forget says nothing", []edit{{"validator/lookup.go", "if c.forgotten {", "if false {"}}},
	{"first looks are limited", []edit{{"validator/lookup.go", "case !limit.AllowN(now, 1):", "case !limit.AllowN(now, 0):"}}},

	// Configurations.
	{"an issuer is an https URL", []edit{{secureurl, `if err == nil && u.Scheme != "https" && !IsLoopback(u.Hostname()) {`, "if false {"}}},
	{"an issuer is https or http", []edit{{secureurl, `case u.Scheme != "https" && u.Scheme != "http":`, "case false:"}}},
	{"an issuer that is a text can be printed", []edit{{config, "!strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })", "true"}, {config, "\t\"unicode\"\n", ""}}},
	{"what stands in for aud says what a token is for", []edit{{config, "case slices.Contains(noAudienceClaims, name):", "case false:"}}},
	{"RFC 9068 requires aud itself", []edit{{config, "case cfg.RequireRFC9068:", "case false:"}}},
	{"an issuer has no query", []edit{{config, `case strings.Contains(s, "?"):`, "case false:"}}},
	{"an issuer has no credentials", []edit{{secureurl, "case u.User != nil:", "case false:"}}},
	{"an issuer has no fragment", []edit{{secureurl, `case strings.Contains(raw, "#"):`, `case strings.Contains(raw, "##"):`}}},
	{"an issuer has a host", []edit{{secureurl, `case u.Hostname() == "" || u.Opaque != "":`, "case false:"}}},
	{"there is an issuer", []edit{{config, "if len(cfg.Issuers) == 0 {", "if false {"}}},
	{"there is an audience", []edit{{config, `wrong("Audiences is empty: name this API, so that tokens for others are rejected")`, `cfg.Audiences = []string{"x"}`}}},
	{"an audience is not empty", []edit{{config, `if audience == "" || strings.TrimSpace(audience) != audience {`, "if false {"}}},
	{"leeway has a limit", []edit{{config, "if cfg.Leeway > maxLeeway {", "if false {"}}},
	{"token size has a limit", []edit{{config, "if cfg.MaxTokenSize < 0 || cfg.MaxTokenSize > maxMaxTokenSize {", "if false {"}}},

	{"a secret has its size", []edit{{config, "if size := jose.HashSize(string(alg)); cfg.Secret != nil && len(cfg.Secret) < size {", "if size := jose.HashSize(string(alg)); false {"}}},
	{"a secret is for HS algorithms", []edit{{config, "case !secret && cfg.Secret != nil:", "case false:"}}},

	// Requests.
	{"one Authorization field", []edit{{bearer, "\tcase 1:\n\tdefault:", "\tcase 1, 2, 3:\n\tdefault:"}}},
	{"the scheme has no case", []edit{{bearer, "case !strings.EqualFold(scheme, wanted):", "case scheme != wanted:"}}},
	{"only Bearer", []edit{{bearer, "case !strings.EqualFold(scheme, wanted):", "case scheme == wanted+wanted:"}}},
	{"a space after the scheme", []edit{{bearer, `case scheme == "" || rest != "" && rest[0] != ' ':`, `case scheme == "":`}}},
	{"a token of b64token characters", []edit{{bearer, "if !b64token.Valid(token) {", "if false {"}}},
	{"no token in the query as well", []edit{{bearer, `case parameter.Has(r.URL.RawQuery, "access_token"):`, "case false:"}}},
	{"optional is for no credentials", []edit{{requests, "anonymous := c.missing && (a.cfg.Optional", "anonymous := err != nil && (a.cfg.Optional"}}},
	{"a record has no credentials", []edit{{redactFile, "if len(secret) < 16 {", "if true {"}}},
	{"a record has no signed token", []edit{{redactFile, "show.Cut(withoutSigned(text), maxText)", "show.Cut(text, maxText)"}}},
	{"a record costs the same with many fields", []edit{{redactFile, "\t\tvalue := r.Header.Get(field) // a request with thousands of them must cost no more\n", "\t\tfor _, value := range r.Header.Values(field) {\n"}, {redactFile, "strings.Trim(credentials, \" \"))\n", "strings.Trim(credentials, \" \"))\n}\n"}}},
	{"a log that panics changes no response", []edit{{"internal/logging/logging.go", "_ = fault.Contain(func() { _ = or(logger).Handler().Handle(ctx, record) })", "_ = or(logger).Handler().Handle(ctx, record)"}}},
	{"a check is not optional", []edit{{requests, "a.cfg.Optional && len(g.checks) == 0 ||", "a.cfg.Optional ||"}}},
	{"only the token's source says that there is none", []edit{{refusal, "if validator.CodeOf(err) == validator.CodeMissing {", "if false {"}}},
	{"credentials that can't be read are not missing", []edit{{"middleware/credentials.go", "c = credentials{scheme: schemeDPoP, certificate: c.certificate}", "c.scheme = schemeDPoP"}}},
	{"a panic accepts nothing", []edit{{"validator/validator.go", "if !returned {\n\t\t\tclaims, err = nil, internal(fault.Of(recover()))", "if r := recover(); r != nil && !returned {\n\t\t\tclaims, err = nil, internal(fault.Of(r))"}}},
	{"no error code without credentials", []edit{{refusal, `return answer{http.StatusUnauthorized, true, ""}`, `return answer{http.StatusUnauthorized, true, "invalid_token"}`}}},
	{"a 401 names the route's scopes", []edit{{challenge, "if answer.status == http.StatusUnauthorized {", "if false {"}}},
	{"quotation marks are escaped", []edit{{challenge, `if value[i] == '"' || value[i] == '\\' {`, "if false {"}}},
	// Proofs.
	{"one DPoP field", []edit{{proofs, "\tcase 1:\n\tdefault:", "\tcase 1, 2:\n\tdefault:"}}},
	{"a proof's type", []edit{{proof, `if h.Type != "dpop+jwt" {`, "if false {"}}},
	{"a proof's algorithm", []edit{{proof, "if !allowed {", "if !jose.Known(h.Algorithm) && !allowed {"}}},
	{"a proof's EdDSA is not allowed by Ed25519", []edit{{proof, `h.Algorithm == "Ed25519" && slices.Contains(algorithms, "EdDSA")`, `slices.ContainsFunc(algorithms, func(a string) bool { return jose.SameAlgorithm(a, h.Algorithm) })`}}},
	{"a proof's method", []edit{{proof, `if method == "" || p.method != method {`, `if method == "" {`}}},
	{"a proof's method is exact", []edit{{proof, `p.method != method {`, `!strings.EqualFold(p.method, method) {`}, {proof, "\t\"slices\"\n", "\t\"slices\"\n\t\"strings\"\n"}}},
	{"a proof's host", []edit{{proof, "case got.origin != want.origin:", "case false:"}}},
	{"a proof's path", []edit{{proof, "case got.path != want.path:", "case false:"}}},
	{"a proof's age", []edit{{proof, "case age > maxAge:", "case false:"}}},
	{"a proof is not of the future", []edit{{proof, "case age < -leeway:", "case false:"}}},
	{"a proof's MaxAge itself is in time", []edit{{proof, "case age > maxAge:", "case age >= maxAge:"}}},
	{"a proof's age has no leeway", []edit{{proof, "case age > maxAge:", "case age > maxAge+leeway:"}}},
	{"a proof of the future has leeway", []edit{{proof, "case age < -leeway:", "case age < 0:"}}},
	{"a proof at the end of leeway is in time", []edit{{proof, "case age < -leeway:", "case age <= -leeway:"}}},
	{"a proof's exp itself is too late", []edit{{proof, "!now.Before(p.expires.Add(leeway)):", "now.After(p.expires.Add(leeway)):"}}},
	{"a proof's exp has leeway", []edit{{proof, "!now.Before(p.expires.Add(leeway)):", "!now.Before(p.expires):"}}},
	{"a proof's nbf itself is in time", []edit{{proof, "now.Before(p.notBefore.Add(-leeway)):", "!now.After(p.notBefore.Add(-leeway)):"}}},
	{"a proof's nbf has leeway", []edit{{proof, "now.Before(p.notBefore.Add(-leeway)):", "now.Before(p.notBefore):"}}},
	{"a proof's exp", []edit{{proof, "case p.hasExpires && !now.Before(p.expires.Add(leeway)):", "case false:"}}},
	{"a proof's nbf", []edit{{proof, "case p.hasNotBefore && now.Before(p.notBefore.Add(-leeway)):", "case false:"}}},
	{"a proof's ath is there", []edit{{proof, "if !p.hasHash {", "if !p.hasHash {\n\t\treturn nil\n\t}\n\tif false {"}}},
	{"a proof's ath is the token's", []edit{{proof, "if subtle.ConstantTimeCompare(want[:], []byte(p.tokenHash)) == 0 {", "if subtle.ConstantTimeCompare(want[:], []byte(p.tokenHash)) == 2 {"}}},
	{"a proof's jti is there", []edit{{proof, `case p.id == "":`, "case false:"}}},
	{"a proof's jti is bounded", []edit{{proof, "case len(p.id) > maxID:", "case false:"}}},
	{"a proof's iat is there", []edit{{proof, "case !p.hasIssuedAt:", "case false:"}}},
	{"a proof's claims have their types", []edit{{proof, "if !ok && !isWrong {", "if !ok && !isWrong && false {"}}},
	{"a proof's signature", []edit{{proof, "\tif err == nil {\n\t\treturn nil\n\t}\n\tif key", "\tif err == nil || errors.Is(err, jose.ErrSignature) {\n\t\treturn nil\n\t}\n\tif key"}}},
	{"a proof's key has members that are not understood", []edit{{jwk, "\tfor o.Next() {\n", "\tfor o.Next() {\n\t\tif strings.Contains(o.Member.Name, \"x5\") {\n\t\t\tm.private = o.Member.Name\n\t\t}\n"}}},
	{"a proof's key has a size", []edit{{headerKey, "ok && (key.N.BitLen() > maxBits || key.E > maxExponent) {", "ok && key.E > maxExponent && maxBits < 0 {"}}},
	{"a proof's key says its algorithm", []edit{{headerKey, `case described.Algorithm != "" && !SameAlgorithm(described.Algorithm, alg) || !m.fits(alg):`, "case described.Algorithm == \"?\" || !m.fits(alg):"}}},
	{"a proof that costs much is verified", []edit{{proofs, "return p.verify()", "return nil"}}},
	{"a proof that costs much comes after its token", []edit{{proofs, "case isCostly(p.key):", "case isCostly(p.key) && false:"}}},
	{"a token's proof is asked for", []edit{{binding, `if c.JKT == "" || proven.verify == nil {`, "if true {"}}},
	{"a proof's nonce", []edit{{proofs, "if v.cfg.Nonces != nil && !(p.hasNonce && v.cfg.Nonces.Valid(p.nonce)) {", "if false {"}}},
	{"a proof is used once", []edit{{proofs, "case !isNew:", "case !isNew && false:"}}},
	{"a proof's name is its key's and jti's, not its signature's", []edit{{proofs, "id:         replayKey(thumbprint, p.id),", "id:         replayKey(thumbprint, p.id+r.Proofs[0]),"}}},
	{"hosts have no case", []edit{{target, "host = strings.ToLower(host)", ""}}},
	{"the scheme's own port is none", []edit{{target, `if port != "" && port != ownPort {`, `if port != "" && ownPort != "" {`}}},
	{"dots in a path are resolved", []edit{{"internal/uripath/uripath.go", "return withoutDots(path), true", "return path, true"}}},
	{"a request's path stays below its origin's", []edit{{"middleware/origin.go", "return normal, nil", "return normal[:0] + path, nil"}}},
	{"a request's path doesn't name the host", []edit{{"middleware/origin.go", `if !ok || host == "" || host[0] == '/' {`, `if !ok && host != "" {`}}},

	{"a replay store refuses when it is full", []edit{{"dpop/memory.go", "case len(s.queue) >= s.capacity:", "case false:"}}},
	{"a replay store forgets what has expired", []edit{{"dpop/memory.go", "case s.expiries[key] > now, expires <= max(now, s.removed):", "case s.expiries[key] > 0, expires <= max(now, s.removed):"}}},
	{"a replay store takes nothing that has expired", []edit{{"dpop/memory.go", "expires <= max(now, s.removed):", "expires <= s.removed:"}}},
	{"a replay store knows what it has removed", []edit{{"dpop/memory.go", "expires <= max(now, s.removed):", "expires <= now:"}}},
	{"a nonce has its code", []edit{{"dpop/nonce.go", "hmac.Equal(want[:], got)", "hmac.Equal(want[:8], got[:8])"}}},
	{"a nonce is of a late step", []edit{{"dpop/nonce.go", "now := n.step(); step < now-1 || step > now+1", "now := n.step(); step > now+1"}}},
	{"a token under DPoP is bound to the proof's key", []edit{{proofs, "if subtle.ConstantTimeCompare([]byte(claims.Confirmation.JKT), []byte(proof.Thumbprint)) == 0 {", "if subtle.ConstantTimeCompare(nil, nil) == 0 {"}}},
	{"a token under DPoP is bound", []edit{{proofs, `if claims == nil || claims.Confirmation == nil || claims.Confirmation.JKT == "" {`, "if claims == nil {"}}},
	{"a token under DPoP is bound, without a proof", []edit{{requests, "case c.scheme == schemeDPoP:", "case false:"}}},
	{"a token bound to nothing is rejected where a binding is required", []edit{{requests, "case a.cfg.RequireBinding:", "case false:"}}},
	{"a binding is proven, whatever the Validator is", []edit{{requests, "if err := claims.Confirmation.Proven(ctx); err != nil {", "if err := claims.Confirmation.Proven(ctx); err != nil && false {"}}},
	{"a proxy is believed from its network", []edit{{"middleware/proxies.go", "return err == nil && p.contain(addr.Addr())", "return err == nil && addr.IsValid()"}}},
	{"the first proxy of ours is believed, not what is before it", []edit{{"middleware/proxies.go", "return list[max(len(list)-hops, 0)], true", "return list[0], true"}}},
	{"fields of proxies are bounded", []edit{{"middleware/proxies.go", "if len(items) == maxHops {", "if false {"}, {"middleware/forwarded.go", "if len(elements) == maxHops {", "if false {"}}},
	{"an origin doesn't end early", []edit{{"middleware/origin.go", `if strings.ContainsAny(origin, "?#") {`, "if false {"}}},
	{"one Client-Cert field", []edit{{"middleware/certificate.go", "\t\tcase 1:\n", "\t\tdefault:\n"}}},
	{"answers vary by the certificate", []edit{{challenge, "if a.varies && ", "if false && "}}},
	{"the proxy's own certificate is not the client's", []edit{{"middleware/certificate.go", "return nil, nil\n\t\tcase 1:", "return connectionCertificate(r)\n\t\tcase 1:"}}},

	// Hosts and preflights.
	{"a token is used on its issuer's host", []edit{{requests, "return a.checkHost(r, claims)", "_ = a.checkHost(r, claims)\n\treturn nil"}}},
	{"a host without an issuer has no tokens", []edit{{host, `if want != "" && want == claims.Issuer {`, `if want == "" || want == claims.Issuer {`}}},
	{"a host's name is the same in any case", []edit{{host, "\t\t\treturn \"\"\n\t\t}\n\t}\n\treturn strings.ToLower(host)", "\t\t\treturn \"\"\n\t\t}\n\t}\n\treturn host"}}},
	{"a host has one dot at its end at most", []edit{{host, `strings.TrimSuffix(host, ".")`, `strings.TrimRight(host, ".")`}}},
	{"a host is in ASCII", []edit{{host, "return c > '~' || !isAlphanumeric(byte(c))", "return c <= '~' && !isAlphanumeric(byte(c))"}}},
	{"a host has no zone", []edit{{host, `|| addr.Zone() != "" {`, "{"}}},
	{"a preflight is allowed where it is said", []edit{{requests, "|| a.cfg.AllowPreflight && isPreflight(r))", "|| isPreflight(r))"}}},
	{"a preflight is OPTIONS", []edit{{preflight, "r.Method == http.MethodOptions && ", ""}}},
	{"a preflight has an Origin", []edit{{preflight, `r.Header.Get("Origin") != "" &&`, ""}}},
	{"a preflight asks for a method", []edit{{preflight, `r.Header.Get("Access-Control-Request-Method") != "" && `, ""}}},
	{"a preflight has no credentials", []edit{{preflight, ` && r.Header[authorization] == nil`, ""}}},

	// Where keys come from.
	{"metadata is of the issuer that was asked", []edit{{discovery, "!ok || name != cfg.Issuer {", "!ok {"}}},
	{"a jwks_uri is an https URL", []edit{{discovery, `if u.Scheme == "http" && !strings.HasPrefix(strings.ToLower(url), "http:") {`, "if false {"}}},
	{"http is accepted where it is said", []edit{{"jwks/config.go", "if cfg.InsecureHTTP {", "if true {"}}},
	{"only a 200 has keys", []edit{{fetch, "case res.StatusCode != http.StatusOK:", "case res.StatusCode >= http.StatusBadRequest:"}}},
	{"no key is fetched again for a token that is bad in any case", []edit{{examination, "if x.timely(&x.Claims) == nil {", "if true {"}}},
	{"keys are fetched again for a signature once per interval", []edit{{"jwks/again.go", "c.again.until(now) > 0", "false"}}},
	{"a kid that could not be looked up is a 503", []edit{{"jwks/unknown.go", "case !ended || f.err != nil:", "case false:"}}},
	{"a withdrawn key is dropped by the second response", []edit{{"jwks/vanished.go", "passed >= agreement", "false"}}},
	{"redirects are not followed", []edit{{fetch, "func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }", "nil"}}},

	{"a preset's mark is not azp", []edit{{"issuers/checks.go", "func clientID(m marks) string { return m.ClientID }", "func clientID(m marks) string { return m.ClientID + m.AZP }"}}},
	{"an Entra token names its client", []edit{{"issuers/checks.go", "return cmp.Or(m.AZP, m.AppID)", `return cmp.Or(m.AZP, m.AppID, "x")`}}},
	{"a token of UAA has a scope of the API", []edit{{"issuers/enterprise.go", `strings.HasPrefix(scope, audience+".")`, "true"}}},
	{"an access token of Keycloak says so", []edit{{"issuers/keycloak.go", `says("Keycloak", "typ", "Bearer", "DPoP")`, ""}}},
	{"an access token of Cognito says so", []edit{{"issuers/amazon.go", `says("Amazon Cognito", "token_use", "access")`, ""}}},
	{"a token of Supabase is a user's", []edit{{"issuers/backends.go", `says("Supabase", "role", "authenticated")`, ""}}},
	{"a session token of Descope says so", []edit{{"issuers/backends.go", `says("Descope", "drn", "DS")`, ""}}},
	{"a token of Clerk has a session", []edit{{"issuers/backends.go", `case c.Session == "":`, `case false:`}}},
	{"a session of Clerk is not pending", []edit{{"issuers/backends.go", `case c.Status == "pending":`, `case false:`}}},
	{"a token of WorkOS has a session", []edit{{"issuers/backends.go", `if c.Session == "" {`, `if false {`}}},
	{"a token of Stytch has a session", []edit{{"issuers/backends.go", `if c[session] == nil {`, `if false {`}}},
	{"an access token of FusionAuth says so", []edit{{"issuers/backends.go", `if c.Type != "at" && (c.Type != "" || c.JTI == "") {`, `if false {`}}},
	{"an access token of FusionAuth has a jti where there is no tty", []edit{{"issuers/backends.go", `(c.Type != "" || c.JTI == "")`, `c.Type != ""`}}},
	{"an access token of WSO2 says so", []edit{{"issuers/enterprise.go", `says("WSO2", "aut", "APPLICATION", "APPLICATION_USER", "AGENT")`, ""}}},
	{"an access token of Oracle says so", []edit{{"issuers/enterprise.go", `says("Oracle", "tok_type", "AT")`, ""}}},
	{"a refresh token of UAA is none of access", []edit{{"issuers/enterprise.go", `notRefreshOfUAA, `, `func(_ context.Context, _ *validator.Claims) error { return nil }, `}}},
	{"a caller of a service at Google is named", []edit{{"issuers/google.go", `!slices.Contains(emails, c.Email)`, `false`}}},
	{"a Google account's email is verified", []edit{{"issuers/google.go", `case !c.Verified || `, `case `}}},
	{"a token of Entra allows something", []edit{{"issuers/checks.go", "return hasRoles(ctx, c)", "return nil"}}},
	{"a token of B2C is of the policy", []edit{{"issuers/microsoft.go", `scopesOrRoles, ofPolicy(policies)`, "scopesOrRoles"}}},
	{"an access token of AD FS names its client", []edit{{"issuers/microsoft.go", `has("AD FS", "appid", func(m marks) string { return m.AppID })`, ""}}},
	{"an access token of Okta names its client", []edit{{"issuers/okta.go", `has("Okta", "cid", func(m marks) string { return m.CID })`, ""}}},
	{"an access token of PingOne names its client", []edit{{"issuers/ping.go", `has("PingOne", "client_id", clientID)`, ""}}},
	{"an access token of PingAM says so", []edit{{"issuers/ping.go", `says("PingAM", "tokenName", "access_token")`, ""}}},
	{"an access token of ZITADEL has a jti", []edit{{"issuers/selfhosted.go", `has("ZITADEL", "jti", func(m marks) string { return m.ID })`, ""}}},
	{"an access token of authentik has a uid", []edit{{"issuers/selfhosted.go", `if c.UID == "" {`, `if false {`}}},
	{"an access token of Authelia has scopes", []edit{{"issuers/selfhosted.go", `ofAuthelia, `, ""}}},
	{"an access token of Casdoor says so", []edit{{"issuers/selfhosted.go", `says("Casdoor", "tokenType", "access-token")`, ""}}},
	{"an access token of Duende names its client", []edit{{"issuers/selfhosted.go", `has("IdentityServer", "client_id", clientID)`, ""}}},
	{"a token of Cloudflare Access is an application's", []edit{{"issuers/workloads.go", `says("Cloudflare Access", "type", "app")`, ""}}},
	{"a repository at GitHub is named", []edit{{"issuers/workloads.go", `only("repositories", "repository", repositories)`, ""}}},
	{"a project at GitLab is named", []edit{{"issuers/workloads.go", `only("projects", "project_path", projects)`, ""}}},
	{"a workload of a trust domain is named", []edit{{"issuers/workloads.go", `validator.Subjects(workloads...)`, ""}}},
	{"a rejected request passes only where it is only reported", []edit{{requests, "if a.cfg.InsecureReportOnly {", "if true {"}}},

	// What a server says about opaque tokens.
	{"active is a boolean", []edit{{askFile, "case !ok:\n\t\treturn answer{}, fmt.Errorf(\"%s: not %s: active", "case !ok && false:\n\t\treturn answer{}, fmt.Errorf(\"%s: not %s: active"}}},
	{"a token that is not active is rejected", []edit{{askFile, "case !active:", "case !active && seen.active.Kind() != jose.KindBool:"}}},
	{"an answer that can't be read says nothing", []edit{{askFile, "if validator.CodeOf(err) == validator.CodeMalformed {", "if false {"}}},
	{"only a 200 is an answer", []edit{{askFile, "if res.status != http.StatusOK {\n\t\treturn answer{}, &statusError", "if res.status >= 300 {\n\t\treturn answer{}, &statusError"}, {askFile, "if res.StatusCode != http.StatusOK {", "if res.StatusCode >= 300 {"}}},
	{"a token follows no redirect", []edit{{askFile, "c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }", "c.http.CheckRedirect = nil"}}},
	{"a token_type is one that is accepted", []edit{{askFile, "return &validator.Error{Code: validator.CodeType, Err: fmt.Errorf(\"token_type is", "if tokenType.Raw() != \"\" {\n\t\treturn nil\n\t}\n\treturn &validator.Error{Code: validator.CodeType, Err: fmt.Errorf(\"token_type is"}}},
	{"a token of the type DPoP has a key", []edit{{askFile, "return checkHasKey(cnf)", "_ = checkHasKey\n\t\treturn nil"}}},
	{"a key is that of a proof, not a certificate", []edit{{askFile, "if _, ok := jose.Lookup(members, \"jkt\"); ok {", "if _, ok := jose.Lookup(members, \"jkt\"); ok || len(members) > 0 {"}}},
	{"an answer without aud is for others", []edit{{vouchedFile, "if x.audience.Kind() != jose.KindNone || !rules.Audience {", "if x.audience.Kind() != jose.KindNone {"}}},
	{"an aud that is there counts, whatever the server guarantees", []edit{{vouchedFile, "if x.audience.Kind() != jose.KindNone || !rules.Audience {", "if x.audience.Kind() != jose.KindArray+100 && !rules.Audience {"}}},
	{"an answer's iss is ours", []edit{{vouchedFile, "if !x.hasIssuer && rules.Issuer != \"\" {", "if rules.Issuer != \"\" {"}}},
	{"an answer without iss is the server's", []edit{{vouchedFile, "if !x.hasIssuer && rules.Issuer != \"\" {", "if false {"}}},
	{"an answer's kind of token", []edit{{vouchedFile, "\tif err := x.checkType(v); err != nil {\n\t\treturn err\n\t}\n\tif err := x.checkIssuer(v); err != nil {\n\t\treturn err\n\t}\n\tx.step = stepAudience\n\tif x.audience", "\tif err := x.checkIssuer(v); err != nil {\n\t\treturn err\n\t}\n\tx.step = stepAudience\n\tif x.audience"}}},
	{"an answer's exp is checked", []edit{{vouchedFile, "if err == nil && !at.now.Before(issued.until) {", "if false {"}}},
	{"an answer without exp ends not", []edit{{vouchedFile, "if !x.hasExpiry {\n\t\tissued.until = endless", "if false {\n\t\tissued.until = endless"}}},
	{"a plain answer is none where signed ones are required", []edit{{askFile, "case in.cfg.RequireSigned:", "case in.cfg.RequireSigned && false:"}}},
	{"a signed answer has its type", []edit{{vouchedFile, "if kind.Untyped && untyped || slices.Contains(kind.Types, typ) {", "if kind.Untyped && untyped || slices.Contains(kind.Types, typ) || true {"}}},
	{"a signed answer is the server's", []edit{{vouchedFile, "\tif err := x.checkIssuer(v); err != nil {\n\t\treturn err\n\t}\n\tif err := x.checkAudience", "\tif err := x.checkIssuer(v); err != nil && x.hasIssuer && x.Issuer == \"\" {\n\t\treturn err\n\t}\n\tif err := x.checkAudience"}}},
	{"a signed answer is for us", []edit{{vouchedFile, "if err := x.checkAudience(v); err != nil {\n\t\treturn err\n\t}\n\tif x.hasExpiry {", "if err := x.checkAudience(v); err != nil && false {\n\t\treturn err\n\t}\n\tif x.hasExpiry {"}}},
	{"a signed answer is verified", []edit{{vouchedFile, "if err := x.checkSignature(ctx, v); err != nil {", "if err := x.checkSignature(ctx, v); err != nil && false {"}}},
	{"a signed answer has not expired", []edit{{vouchedFile, "if x.hasExpiry {\n\t\tif err := x.checkExpiry(); err != nil {\n\t\t\treturn err\n\t\t}\n\t}\n\tif err := x.checkSignature", "if false {\n\t\tif err := x.checkExpiry(); err != nil {\n\t\t\treturn err\n\t\t}\n\t}\n\tif err := x.checkSignature"}}},
	{"a signed answer is not of before the question", []edit{{askFile, "issuedAt.IsZero() || age > in.cfg.Leeway+in.cfg.Timeout", "issuedAt.IsZero() || age > 1<<60"}}},
	{"a signed answer has an iat", []edit{{askFile, "issuedAt.IsZero() || age > in.cfg.Leeway+in.cfg.Timeout", "!issuedAt.IsZero() && age > in.cfg.Leeway+in.cfg.Timeout"}}},
	{"a signed answer is of today", []edit{{vouchedFile, "return x.timely(&x.Claims)\n}\n", "return nil\n}\n"}}},
	{"a signed answer has the answer in it", []edit{{askFile, "if claims.Kind() != jose.KindObject {", "if claims.Kind() == jose.KindNone {"}}},
	{"a token that is sent has the form of one", []edit{{asker, "if err := in.checkForm(token); err != nil {", "if err := in.checkForm(token); err != nil && len(token) > in.cfg.MaxTokenSize {"}}},
	{"a token that is sent has a size", []edit{{asker, "if len(token) > in.cfg.MaxTokenSize {", "if false {"}}},
	{"an answer from before Forget is not remembered", []edit{{askedCalls, "f.forgotten = true", "f.forgotten = false"}}},
	{"a token that is forgotten is asked about anew", []edit{{askedCalls, "\t\tf.forgotten = true\n\t\tdelete(c.flights, token)", "\t\tf.forgotten = true"}}},
	{"a token that a server rejects keeps no other from being asked about", []edit{{askedCalls, "case c.isAboutToken(err, now):", "case c.isAboutToken(err, now) && false:"}}},
	{"failures that come and go fill no log", []edit{{askedCalls, "if c.failing || within(now, c.told, time.Minute) {", "if c.failing {"}}},
	{"a connection that is dead is replaced", []edit{{"internal/outbound/outbound.go", "t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 3 * time.Second, PingTimeout: 2 * time.Second}", ""}}},
	{"calls that fail together count once", []edit{{askedCalls, "(l.closings == 0 || !began.Before(l.closed) || now.Before(l.closed))", "true"}}},
	{"one call discovers the endpoint", []edit{{askedWhere, "mine := d == nil || d.isGone()", "mine := true"}}},
	{"a client with a certificate uses the endpoint for those", []edit{{"internal/outbound/metadata.go", "if mutualTLS {", "if false {"}}},
	{"an endpoint for clients with a certificate is as any other", []edit{{"internal/outbound/metadata.go", "return m.endpoint(value, name+\".\"+member, parse)", "raw, _ := value.Text()\n\t\treturn raw, nil"}}},
	{"an endpoint that is known is used while the metadata is silent", []edit{{askedWhere, "|| within(now, c.tried, metadataRetry)) {", ") {"}}},
	{"what is remembered of answers is bounded", []edit{{"introspection/memory.go", "min(uint64(own+len(token)+e.size), math.MaxUint32)", "min(uint64(own+len(token)+len(e.claims)), math.MaxUint32)"}}},
	{"an Authentication can't change the token", []edit{{askFile, "r.Form[\"token\"] = []string{token}", "_ = token"}}},
	{"a userinfo response names the user", []edit{{askFile, "; !ok || subject == \"\" {", "; !ok && subject != \"\" {"}}},
	{"a userinfo response without a user closes nothing", []edit{{askFile, "func (e *namelessError) isAboutToken() bool { return true }", "func (e *namelessError) isAboutToken() bool { return false }"}}},
	{"a 403 without a challenge says nothing about a token", []edit{{askFile, "&& res.header.Get(\"WWW-Authenticate\") != \"\"", ""}}},
	{"an endpoint is that of the issuer that was asked", []edit{{"internal/outbound/metadata.go", "!ok || name != issuer {", "!ok {"}}},
	{"an endpoint is an https URL", []edit{{"internal/outbound/metadata.go", "case u.Scheme == \"http\" && !strings.HasPrefix(strings.ToLower(m.issuer), \"http:\"):", "case false:"}}},
	{"an endpoint is http where it is said", []edit{{askedConfig, "if cfg.InsecureHTTP {", "if true {"}}},
	{"a configured endpoint is an https URL", []edit{{askedConfig, "if _, err := cfg.parse(u.value); err != nil {", "if _, err := cfg.parse(u.value); err != nil && u.name != \"Endpoint\" {"}}},
	{"an audience is guaranteed by the server that is asked", []edit{{askedConfig, "if cfg.AudienceGuaranteedBy != \"\" && cfg.AudienceGuaranteedBy != cfg.Issuer {", "if false {"}}},

	// Further addresses of a key set, and a fleet that shares one.
	{"a withdrawn key does not come back by another address", []edit{{further, "a.keys = slices.DeleteFunc(a.keys, isWithdrawn)", "a.keys = slices.DeleteFunc(a.keys, func(Key) bool { return false })"}}},
	{"the issuer's own key counts before that of another address", []edit{{further, "k.ID != \"\" && k.ID == key.ID || k.samePublic(key)", "k.samePublic(key)"}}},
	{"another address adds keys no longer than the issuer's own is out", []edit{{further, "func (s *snapshot) dropSpare(now time.Time) {\n\tif s.spare != nil {", "func (s *snapshot) dropSpare(now time.Time) {\n\tif false {"}}},
	{"an address that fails is left alone for a while", []edit{{further, "case p.waitAfter(p.delayFor(urgent), f.began) > 0:", "case false:"}}},
	{"another address is asked for unknown keys once per interval", []edit{
		{further, "case f.forced && p.missed.until(f.began) > 0:", "case false:"},
		{"jwks/state.go", "return min(wait, p.missed.until(now)) //", "return 0 //"},
	}},
	{"keys of another address have an end", []edit{{further, "return p != nil && elapsed(p.fetched, now) < p.ttl+p.staleFor", "return p != nil"}}},
	{"a fetch from before a lookup proves nothing", []edit{{"jwks/unknown.go", "&& !s.cached && elapsed(s.fetched, l.began) <= 0", "&& !s.cached"}}},
	{"a key is confirmed as gone by a response that was asked for", []edit{{"jwks/flight.go", "if f.forced && len(s.vanished) == 0 {", "if f.forced {"}}},
	{"keys that a fleet shares are sealed", []edit{{"contrib/redisjwks/record.go", "if !hmac.Equal(s.mac(s.records, text), blob[:sha256.Size]) {", "if false {"}}},
	{"a stored key set is used for a new key only if it has that", []edit{{"contrib/redisjwks/roundtrip.go", "return err == nil && slices.ContainsFunc(set, func(k jwks.Key) bool { return k.ID == w.kid })", "_ = slices.Contains[[]string]\n\treturn err == nil && len(set) > 0"}}},

	// Revocations.
	{"every request asks whether its token is revoked", []edit{{requests, "if err := a.cfg.Revocations.Check(r.Context(), claims); err != nil {", "if err := a.cfg.Revocations.Check(r.Context(), claims); err != nil && false {"}}},
	{"a rule names tokens of its issuer", []edit{{ruleHash, "{ return maphash.String(h.issuer, issuer) }", "{ return 1 }"}}},
	{"a rule's text in another claim names nothing", []edit{{ruleHash, "h.seeds[d] = maphash.MakeSeed()", "h.seeds[d] = h.issuer"}}},
	{"the second of a revocation is revoked", []edit{{askRevoked, "c.IssuedAt.Unix() <= int64(t.before())", "c.IssuedAt.Unix() < int64(t.before())"}}},
	{"a token without iat may be older", []edit{{askRevoked, "c.IssuedAt.IsZero() || c.IssuedAt", "!c.IssuedAt.IsZero() && c.IssuedAt"}}},
	{"an actor has two names", []edit{{askRevoked, "if rule == nil && err == nil && clientID != \"\" && clientID != subject {", "if false {"}}},
	{"a rule has an end", []edit{{askRevoked, "if now.Unix() < int64(t.end()) {", "if now.Unix() < int64(t.end()) || true {"}}},
	{"a rule holds as long as a token is accepted", []edit{{ruleList, "r.Until.Add(grace + time.Second - 1)", "r.Until.Add(time.Second - 1)"}}},
	{"a rule that was removed is missed if the clock is set back", []edit{{askRevoked, "err = errSetBack", ""}}},
	{"a list that is full says so", []edit{{ruleList, "return false, ErrFull", "return false, nil"}}},
	{"of two rules, the later times count", []edit{{ruleList, "t = t.join(old)", ""}}},
	{"a rule for new tokens names one, or a session", []edit{{ruleFile, "case r.IssuedBefore.IsZero() && r.ID == \"\" && r.SessionID == \"\":", "case false:"}}},
	{"a rule is not for the tokens of years to come", []edit{{ruleFile, "!r.IssuedBefore.IsZero() && ahead > maxAhead {", "ahead > maxAhead && false {"}}},
	{"a feed that must not be late is asked", []edit{{askRevoked, "if l.cfg.Feed != nil {", "if false {"}}},
	{"rules go to the other replicas", []edit{{ruleList, "err = l.cfg.Feed.Publish(ctx, rule)", ""}}},
	{"a filter has what the table has", []edit{{ruleTable, "word.Store(word.Load() | set)", "word.Store(set)"}}},

	// What lasts.
	{"a watch ends by a rule", []edit{{ruleList, "if changed {\n\t\tleft = l.added(r)", "if changed && false {\n\t\tleft = l.added(r)"}}},
	{"a watch that begins sees the rules from before", []edit{{"revocation/watch.go", "err = l.verdict(w)\n\t}\n\tif err != nil {\n\t\tl.watches", "_ = l.verdict\n\t}\n\tif err != nil {\n\t\tl.watches"}}},
	{"a watch ends with its token", []edit{{"revocation/watches.go", "return !w.until.IsZero() && !now.Before(w.until)", "return false"}}},
	{"a watch ends if its feed must not be late", []edit{{"revocation/watch.go", "if err == nil && l.cfg.Feed != nil {", "if false {"}}},
	{"watches are bounded", []edit{{"revocation/watches.go", "if ws.count.Load() >= int64(most) {", "if false {"}}},
	{"a rule that comes while watches end is not missed", []edit{{ruleScan, "s.again = true", ""}}},
	{"all watches that a rule names end", []edit{{ruleScan, "case s.place.next != nil:", "case false:"}}},
	{"a rule that ends many holds no feed up", []edit{{ruleList, "if changed {\n\t\tleft = l.added(r)\n\t}", "if changed {\n\t\tif left = l.added(r); left != nil {\n\t\t\t<-left\n\t\t}\n\t}"}}},

	// Signals.
	{"a logout token has no nonce", []edit{{logoutFile, "case x.hasNonce:", "case false:"}}},
	{"a logout token names a user or a session", []edit{{logoutFile, "case !x.hasSubject && !x.hasSID:", "case false:"}}},
	{"a logout token is of today", []edit{{logoutFile, "case !now.Before(x.issuedAt.Add(l.cfg.MaxAge + l.leeway)):", "case now.IsZero():"}}},
	{"a logout token has an end", []edit{{logoutFile, "case !x.hasExpiry && !l.cfg.AllowMissingExpiry:", "case false:"}}},
	{"a logout token says so", []edit{{logoutFile, "case event.Kind() != jose.KindObject:", "case event.Kind() == jose.KindArray:"}}},
	{"a logout token counts once", []edit{{logoutFile, "case l.seen.has(x.issuer, x.id):", "case false:"}}},
	{"a logout that was not carried out was not used", []edit{{logoutFile, "\trules := l.rules(x)\n", "\tl.seen.add(x.issuer, x.id)\n\trules := l.rules(x)\n"}}},
	{"a signal has a jti", []edit{{signalFile, "case x.id == \"\":", "case false:"}}},
	{"a signal has an iat", []edit{
		{signalFile, "case !hasIssuedAt:", "case !hasIssuedAt && false:"},
		{signalFile, "case x.issuedAt.Unix() < 0:", "case false:"},
	}},
	{"a signal has a size", []edit{{"revocation/body.go", "http.MaxBytesReader(w, r.Body, int64(limit))", "http.MaxBytesReader(w, r.Body, int64(limit)<<20)"}}},
	{"a security event token has no sub", []edit{{eventsFile, "case x.hasSubject:", "case false:"}}},
	{"a security event token has no exp", []edit{{eventsFile, "case x.hasExpiry:", "case false:"}}},
	{"a security event token has the jti it was delivered by", []edit{{eventsFile, "case id != \"\" && id != x.id:", "case false:"}}},
	{"a security event token has its type", []edit{{eventsFile, "Types: []string{\"secevent+jwt\"}}", "Types: []string{\"secevent+jwt\"}, Untyped: true}"}}},
	{"a push has the credentials of its stream", []edit{{eventsFile, "len(got) != 1 || subtle.ConstantTimeCompare([]byte(got[0]), []byte(want)) != 1", "false && subtle.ConstantTimeCompare(nil, nil) != len(got)"}}},
	{"a signal that was not carried out comes again", []edit{{signalFile, "if err != nil {\n\t\t\treturn &refusal{status: http.StatusServiceUnavailable,", "if err != nil && false {\n\t\t\treturn &refusal{status: http.StatusServiceUnavailable,"}}},
	{"an event has happened", []edit{{eventFile, "ok && t.After(x.issuedAt):", "ok && false:"}}},
	{"a transmitter speaks for its own users", []edit{{subjectFile, "allowed := issuer == x.issuer", "allowed := true"}}},
	{"a group is not its tenant", []edit{{subjectFile, "s.client, s.organization = \"\", \"\"", ""}}},
	{"a member that is critical counts", []edit{{subjectFile, "return slices.Contains(r.cfg.CriticalSubjectMembers, name)", "return false"}}},
	{"a new credential ends nothing", []edit{{eventFile, "\t\treturn true, nil\n", "\t\treturn false, nil\n"}}},
	{"a policy of Keycloak has an end", []edit{{"revocation/keycloak.go", "if !now.Before(expiration.Add(k.leeway)) {", "if expiration.IsZero() {"}}},
	{"a policy of Keycloak is one", []edit{{"revocation/keycloak.go", "if !action.Is(\"PUSH_NOT_BEFORE\") {", "if !action.Is(\"PUSH_NOT_BEFORE\") && false {"}}},
	{"a policy of Keycloak is not for the tokens of years to come", []edit{{"revocation/keycloak.go", "notBefore.After(latest) {", "notBefore.After(latest) && false {"}}},

	// Revocations of a fleet.
	{"a replica brings back what Redis has lost", []edit{{feedRun, "if r.mark != \"\" { //", "if false { //"}}},
	{"a replica notices that rules were lost", []edit{{feedRun, "if mark != r.mark || !there ||", "if r.mark == \"\" || !there ||"}}},
	{"a replica notices that it has lost its place", []edit{{feedRun, "if mark != r.mark || !there ||", "if mark != r.mark || !there && false ||"}}},
	{"a replica that starts reads the rules first", []edit{{feedStatus, "\t\treturn errNotRead\n\t}\n\treturn nil\n", "\t}\n\treturn nil\n"}}},
	{"a replica that is late rejects where it is said", []edit{{feedStatus, "case f.cfg.RejectIfLate:", "case false:"}}},
	{"a replica without room for all rules is late", []edit{{feedRun, "f.full.Store(true)", ""}}},
	{"a stored rule of another version is not half of one", []edit{{"contrib/redisrevocation/record.go", "d.DisallowUnknownFields()", ""}}},

	// Adapters.
	{"a procedure that the table does not name is rejected", []edit{{procedures, "\treturn t.unnamed\n", "\treturn &Entry{Public: true}\n"}}},
	{"an outage is Unavailable", []edit{{procedures, `code, reason = Unavailable, "unavailable"`, `code, reason = Unauthenticated, "unavailable"`}}},
	{"a token is accepted for as long as its Validator accepts it", []edit{{"validator/moment.go", "return c.moment().window(c).until", "return c.ExpiresAt"}}},
	{"a stream ends with its token", []edit{{grpcStream, "t.left() <= 0 {", "t.left() <= -time.Second {"}}},
	{"a stream ends by the clock of its Validator", []edit{{grpcFile, "t := &term{now: g.now,", "t := &term{now: time.Now,"}}},
	{"Fiber: a field has one line", []edit{{fiberRequest, "err = errFolded // RFC 9112, Section 5.2", ""}}},
	{"Fiber: a field's name has the characters of one", []edit{{fiberRequest, "err = errName // RFC 9112, Section 5.1", ""}}},
	{"Fiber: one Host field", []edit{{fiberRequest, "case hosts > 1:", "case hosts > 99:"}}},
	{"Fiber: one Content-Type field", []edit{{fiberRequest, "case types > 1:", "case types > 99:"}}},
	{"Fiber: one host in the target and in the field", []edit{{fiberRequest, "case !strings.EqualFold(r.Host, string(ctx.Host())):", "case false:"}}},
	{"Fiber: a field of the trailer is none of the header", []edit{{fiberRequest, "if sent != nil && len(header[name]) >= sent[name] {", "if false {"}}},
	{"Fiber: what is read is copied", []edit{
		{fiberRequest, "text := string(value)", "text := unsafe.String(unsafe.SliceData(value), len(value))"},
		{fiberRequest, "\t\"strings\"\n", "\t\"strings\"\n\t\"unsafe\"\n"},
	}},
	{"Fiber: the rest of a body is not the next request", []edit{{fiberFile, "if refusal != nil && body != nil && body.stream {", "if false {"}}},
	{"Huma: an operation that declares no security is rejected", []edit{{humaSecure, "case s.cfg.InsecurePublicByDefault:", "case true:"}}},
	{"Huma: the scopes of an operation are required", []edit{{humaSecure, "if len(list) == 0 {", "if true {"}}},
	{"Huma: all schemes of a requirement are required", []edit{{humaSecure, "for _, want := range wants {", "for _, want := range wants[:1] {"}}},
	{"Huma: the checks of a scheme run", []edit{{humaSecure, "checks := slices.Clone(scheme.Checks)", "var checks []validator.Check"}}},
	{"Connect: a stream takes no message after its token's end", []edit{{connectFile, "return 0, rejected", "_ = rejected"}}},
	{"Connect: a stream that waits ends with its token", []edit{{connectFile, "_ = b.waits.SetReadDeadline(past)", "_ = b.waits"}}},
	{"Huma: a request redeems its proof once", []edit{{humaSecure, "if reqs.several {", "if false {"}}},
	{"a request redeems its proof once, at whatever Guard", []edit{{requests, "a.cfg.DPoP.Redeem(remembering, proof, claims)", "a.cfg.DPoP.Redeem(ctx, proof, claims)"}}},
	{"what is redeemed after a decision is not of its request", []edit{{redeemedFile, "if !m.ended {", "if true {"}}},
	{"the proof of a request is one for its Verifier alone", []edit{{redeemedFile, "slices.Contains(m.uses, u)", "slices.ContainsFunc(m.uses, func(known use) bool { return known.proof == u.proof })"}}},
	// ID tokens.
	{"an ID token's kind by typ", []edit{{loginFile, "case t.Present && !strings.EqualFold(t.Name, \"JWT\"):", "case false:"}}},
	{"an ID token is none of access", []edit{{loginFile, "case x.shape != \"\" && !t.IsID:", "case false:"}}},
	{"an ID token is no other kind by a claim", []edit{{loginFile, "case t.Claim != \"\":", "case false:"}}},
	{"a client is in aud", []edit{{loginFile, "case !aud.HasText([]string{x.cfg.ClientID}):", "case false:"}}},
	{"no audience is beside a client unless it is trusted", []edit{{loginFile, "text != x.cfg.ClientID && !slices.Contains(x.cfg.TrustedAudiences, text) &&", "false &&"}}},
	{"several audiences need an azp", []edit{{loginFile, "case several && !there(x.azp) && !x.cfg.InsecureNoAuthorizedParty:", "case false:"}}},
	{"azp is the client", []edit{{loginFile, "case there(x.azp) && azp != x.cfg.ClientID &&", "case false &&"}}},
	{"a MAC is for one audience", []edit{{loginFile, "case several && x.cfg.Secret != nil:", "case false:"}}},
	{"an ID token has a sub", []edit{{loginFile, "case sub == \"\":", "case false:"}}},
	{"a sub has a size", []edit{{loginFile, "case len(sub) > maxSubject:", "case false:"}}},
	{"a nonce is that of the request", []edit{{loginFile, "case subtle.ConstantTimeCompare([]byte(nonce), []byte(wanted)) != 1:", "case subtle.ConstantTimeCompare([]byte(nonce), []byte(wanted)) > 1:"}}},
	{"a login has a nonce", []edit{{loginFile, "case wanted == \"\" && x.want.Previous == nil:", "case false:"}}},
	{"no nonce comes where none was sent", []edit{{loginFile, "case x.want.InsecureNoNonce && there(x.nonce):", "case false:"}}},
	{"an ID token has an iat", []edit{{loginFile, "if !there(x.iat) {", "if false {"}}},
	{"an ID token is of today", []edit{{loginFile, "x.cfg.MaxTokenAge >= 0 && age > x.cfg.MaxTokenAge+x.cfg.Leeway", "false"}}},
	{"a login is not to come", []edit{{loginFile, "case there(x.authTime) && now.Before(authTime.Add(-x.cfg.Leeway)):", "case false:"}}},
	{"a login is not too old", []edit{{loginFile, "case now.Sub(authTime) > x.want.MaxAge+x.cfg.Leeway:", "case false:"}}},
	{"acr is one of these", []edit{{loginFile, "len(x.want.ACR) == 0 || there(x.acr) && slices.Contains(x.want.ACR, acr)", "true || slices.Contains(x.want.ACR, acr)"}}},
	{"at_hash and c_hash are of what came", []edit{{loginFile, "if subtle.ConstantTimeCompare([]byte(hash), []byte(want)) != 1 {", "if subtle.ConstantTimeCompare([]byte(hash), []byte(want)) > 1 {"}}},
	{"a hash is there where the browser has brought the token", []edit{{loginFile, "case !there(v) && x.want.FromAuthorizationEndpoint:", "case false:"}}},
	{"a login is of the organization", []edit{{loginFile, "return validator.Organization(wanted)(context.Background(), &x.token) //", "_ = context.Background\n\treturn nil //"}}},
	{"a renewed token is of the same issuer", []edit{{loginFile, "case p.Issuer != x.token.Issuer:", "case false:"}}},
	{"a renewed token is of the same user", []edit{{loginFile, "case p.Subject != x.token.Subject:", "case false:"}}},
	{"a renewed token is for the same audiences", []edit{{loginFile, "case !sameSet(p.Audience, x.token.Audience):", "case false:"}}},
	{"a renewed token has the same azp", []edit{{loginFile, "case p.AuthorizedParty != x.token.AuthorizedParty:", "case false:"}}},
	{"a renewed token is of the same login", []edit{{loginFile, "case there(x.authTime) && !p.AuthTime.IsZero() && !p.AuthTime.Equal(authTime):", "case authTime.Unix() == 1:"}}},
	{"claims of an ID token have their types", []edit{{loginFile, "if there(claim.value) && claim.value.Kind() != jose.KindString {", "if false {"}}},

	{"an outage is a 503", []edit{{refusal, "return answer{status: http.StatusServiceUnavailable}", `return answer{http.StatusUnauthorized, true, "invalid_token"}`}}},

	// Tokens of our own.
	{"a token goes to the named hosts alone", []edit{{sendFile, "case !slices.Contains(hosts, host) &&", "case false && !slices.Contains(hosts, host) &&"}}},
	{"a token goes to a host's named port", []edit{{sendFile, "err == nil && p == port {", `err == nil && p != "" {`}}},
	{"a token is not sent in clear text", []edit{{sendFile, `case u.Scheme == "http" && !insecureHTTP &&`, "case false &&"}}},
	{"a token is sent by http and https alone", []edit{{sendFile, `case port == "":`, "case false:"}}},
	{"a token goes to no host that the Host field names", []edit{{sendFile, `if r.Host != "" && !strings.EqualFold(r.Host, r.URL.Host) {`, "if false {"}}},
	{"a request to another host is not sent at all", []edit{{sendFile, "if r.Response != nil {", "if true {"}}},
	{"a host that gets tokens is one", []edit{{sendFile, `; err != nil || u.Host != host || u.Path != "" || u.RawQuery != "" {`, "; err != nil && u != nil {"}}},
	{"a request's own credentials are replaced", []edit{{sendFile, `sent.Header.Set("Authorization",`, `sent.Header.Add("Authorization",`}}},
	{"a request's own proof is replaced", []edit{{sendFile, `sent.Header.Del("DPoP")`, ""}}},
	{"a caller's request gets no token", []edit{{sendFile, "sent := r.Clone(r.Context())", "sent := new(http.Request)\n\t*sent = *r"}}},
	{"gRPC: a token goes to the named authorities alone", []edit{{tokenPerRPC, "if err := mayGet(u, hosts, c.InsecureNoTLS); err != nil {", "if err := mayGet(u, hosts, c.InsecureNoTLS); err != nil && false {"}}},
	{"gRPC: a token is sent over TLS", []edit{{tokenPerRPC, "return !c.InsecureNoTLS", "return false"}}},
	{"a token request is not redirected", []edit{{tokenClient, "c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }", ""}}},
	{"a token endpoint is an https URL", []edit{{tokenConfig, "return secureurl.Parse(raw)", "return secureurl.ParseInsecure(raw)"}}},
	{"a token is in the answer of a success", []edit{{tokenRequest, "if res.status != http.StatusOK {", "if res.status >= 300 {"}}},
	{"the answer of a token endpoint is JSON", []edit{{tokenAnswer, `if mediaType != "application/json" &&`, "if false &&"}}},
	{"a token has the type that was asked for", []edit{{tokenAnswer, "case !strings.EqualFold(o.tokenType, c.tokenType()):", "case false:"}}},
	{"an exchanged token is an access token", []edit{{tokenAnswer, "(!ok || issued != typeAccess && issued != typeJWT)", "(!ok || issued != typeAccess && issued != typeJWT) && false"}}},
	{"a token has the characters of one", []edit{{tokenAnswer, "case !b64token.Valid(o.token):", "case false && !b64token.Valid(o.token):"}}},
	{"a token is validated before it is kept", []edit{{tokenAnswer, "if c.cfg.Validator == nil {\n", "if true {\n"}}},
	{"a token of our own is bound to our key", []edit{{tokenAnswer, "case err == nil && c.cfg.Key != nil &&", "case false &&"}}},
	{"a token of our own is of the organization", []edit{{tokenAnswer, `case err == nil && w.organization != "":`, "case false:"}}},
	{"a parameter of the grant is not the caller's", []edit{{tokenSource, "if slices.Contains(reserved, name) {", "if false {"}}},
	{"a scope is one", []edit{{tokenSource, "if !scopetoken.Valid(scope) {", "if !scopetoken.Valid(scope) && false {"}}},
	{"an Authentication does not change the grant", []edit{{tokenRequest, "maps.Copy(r.Form, w.form) // whatever", "maps.Copy(r.Form, url.Values(nil)) // whatever"}}},
	{"a token is kept for its request", []edit{{tokenSource, "key: keyOf(s.form)", "key: keyOf(s.request.form())"}}},
	{"a value of a Store opens for its request alone", []edit{{tokenSeal, "s[0].Seal([]byte{sealVersion}, nil, text, bound)", "s[0].Seal([]byte{sealVersion}, nil, text, nil)"}, {tokenSeal, "aead.Open(nil, nil, value[1:], bound)", "aead.Open(nil, nil, value[1:], nil)"}}},
	{"a token in a Store is of its client", []edit{{tokenSeal, "c.cfg.ClientID, jkt,", "jkt,"}}},
	{"a token in a Store is of its key", []edit{{tokenSeal, "c.cfg.ClientID, jkt, c.x5t,", "c.cfg.ClientID, jkt[:0], c.x5t,"}}},
	{"a token in a Store is of its certificate", []edit{{tokenSeal, "jkt, c.x5t, w", "jkt, c.x5t[:0], w"}}},
	{"a token in a Store is of its issuer", []edit{{tokenSeal, `"rsguard clientauth 1", c.cfg.Issuer,`, `"rsguard clientauth 1",`}}},
	{"a token from a Store is checked again", []edit{{tokenStore, "g, err := c.checked(ctx, offer{r.Token, r.Type, r.Scope, lifetime}, w, now.Add(-max(age, 0)))", "g, err := newGrant(r.Token, r.Type, r.Scope, now.Add(-max(age, 0)), now.Add(lifetime-max(age, 0))), (*Error)(nil)"}}},
	{"a token from a Store is later than the one that failed", []edit{{tokenStore, "r.Seq <= after", "r.Seq <= 0"}}},
	{"a token from a Store is not of the future", []edit{{tokenStore, "if age < -clockSkew {", "if false {"}}},
	{"a token from a Store has a life", []edit{{tokenStore, "lifetime <= 0 || lifetime > c.cfg.MaxLifetime", "lifetime <= 0"}}},
	{"a key of a Store has its size", []edit{{tokenConfig, "if len(key) < minStoreKey {", "if false {"}}},
	{"a token of our own has some seconds left", []edit{{tokenGrant, "return g.left(now) > min(maxMargin, g.lifetime/4)", "return g.left(now) > 0"}}},
	{"a clock that was set back ends a token of our own", []edit{{tokenGrant, "if wall > g.lifetime+maxMargin {", "if false {"}}},
	{"a token of our own ends with its exp", []edit{{tokenAnswer, "if !end.IsZero() && end.Before(expiry) {", "if false {"}}},
	{"a token of our own has not ended", []edit{{tokenAnswer, "case !end.After(now):", "case false:"}, {tokenAnswer, "if !expiry.After(requested) {", "if false {"}}},
	{"a life that the issuer names has a limit", []edit{{tokenAnswer, "err != nil || seconds > uint64(c.cfg.MaxLifetime/time.Second)", "err != nil"}}},
	{"a life that the issuer names is not zero", []edit{{tokenAnswer, "case seconds == 0:", "case false:"}}},
	{"a proof of our own names its token", []edit{{tokenKey, `if token != "" {`, "if false {"}}},
	{"a proof of our own is used once", []edit{{tokenKey, `"jti": rand.Text()`, `"jti": rand.Text()[:0] + "x"`}}},
	{"a proof of our own has no query", []edit{{tokenKey, "Path: u.Path, RawPath: u.RawPath}", "Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}"}}},
	{"a proof of our own has the server's nonce", []edit{{tokenKey, `if nonce != "" {`, "if false {"}}},
	{"an issuer's words have no secret", []edit{{tokenSecrets, "text = without(secret, text)", "_ = secret"}}},
	{"a secret that was cut is one still", []edit{{tokenSecrets, "recognized = 16", "recognized = 1 << 20"}}},
	{"an answer that is wrong is shown without the token", []edit{{tokenAnswer, "if len(token) >= minToken {", "if false {"}}},
	{"a challenge of an issuer has no secret", []edit{{tokenAnswer, `strings.Fields(res.sent.said(text("acr_values")))`, `strings.Fields(text("acr_values"))`}}},
	{"an HTTP client's error has no secret", []edit{{tokenRequest, `return response{}, unavailable("%s", sent.said(err.Error()))`, `return response{}, unavailable("%s", err.Error())`}}},
	{"a Source is printed without its token", []edit{{tokenShow, "func (s Source) Format(f", "func (s Source) format(f"}}},
	{"a Client's Config is printed without its secret", []edit{{tokenShow, "func (cfg Config) Format(f", "func (cfg Config) format(f"}}},
	{"an answer of a token endpoint has a limit", []edit{{tokenRequest, "io.LimitReader(res.Body, most+1)", "res.Body"}}},
	{"a token request ends", []edit{{tokenClient, "context.WithTimeout(ctx, c.cfg.Timeout)", "context.WithTimeout(ctx, 1000*c.cfg.Timeout)"}}},
	{"token requests have a number", []edit{{tokenClient, "make(chan struct{}, maxRunning),\n", "make(chan struct{}, 1<<20),\n"}}},
	{"a token is requested once for all", []edit{{tokenClient, "f, refusal := e.flight, (*Error)(nil)", "f, refusal := (*flight)(nil), (*Error)(nil)"}}},
	{"a caller that gives up does not end the others' request", []edit{{tokenClient, "context.WithoutCancel(ctx), e, f", "ctx, e, f"}}},
	{"a caller waits for as long as it likes", []edit{{tokenClient, "case <-ctx.Done():\n\t\treturn nil, ctx.Err()\n", ""}}},
	{"an issuer that fails is left alone", []edit{{tokenClient, "p.left(now); left > 0 {", "p.left(now); false {"}}},
	{"an issuer that says when is left alone until then", []edit{{tokenClient, "if err.wait > 0 {", "if false {"}}},
	{"an issuer is not left alone for ever", []edit{{tokenRequest, "seconds.RetryAfter(res.header, now, maxAsked)", "seconds.RetryAfter(res.header, now, 1000*maxAsked)"}}},
	{"tokens that are kept have a number", []edit{{tokenClient, "for len(c.entries) >= c.cfg.CacheSize {", "for false {"}}},
	{"a token that an API rejects is renewed once in ten seconds", []edit{{tokenClient, "between(e.forced, now) < forceAgain", "false"}}},
	{"a request is repeated once for a token", []edit{{sendFile, `problem == "invalid_token" && !renewed:`, `problem == "invalid_token" && !(renewed && false):`}}},
	{"a request is repeated once for a nonce", []edit{{sendFile, `problem == "use_dpop_nonce" && !nonced &&`, `problem == "use_dpop_nonce" && !(nonced && false) &&`}}},
	{"a token request is repeated once for a nonce", []edit{{tokenRequest, "c.cfg.Key != nil && !again &&", "c.cfg.Key != nil && !(again && false) &&"}}},
	{"a nonce of a server's has a limit", []edit{{tokenRequest, `nonce == "" || len(nonce) > maxNonce`, `nonce == ""`}}},
	{"challenges that are read have a limit", []edit{{tokenSchemes, "if read += len(field); read > maxChallenge {", "if read += len(field); false {"}}},
	{"gRPC: a call is made again once", []edit{{tokenCall, "\t*done = true\n", ""}}},
	{"gRPC: a call that was accepted is not made again", []edit{{tokenCall, "if !rejected {", "if false {"}}},
	{"gRPC: a call is not made again with the token that was rejected", []edit{{tokenCall, "return err == nil && next != nil && next.token != last.grant.token", "return err == nil && next != nil"}}},
	{"gRPC: an issuer that is down is no fault of the caller's", []edit{{tokenDial, "&failure{codes.Unavailable, e}", "&failure{codes.Unauthenticated, e}"}}},
	{"a challenge of another scheme renews nothing", []edit{{tokenSchemes, "if ours {", "if ours || true {"}}},
}

// order asks for the key before one check.
func order(check string) []edit {
	call := "if err := x." + check + "; err != nil {"
	return []edit{{examination, call, "if err := x.checkSignature(ctx, v); err != nil {\n\t\treturn err\n\t}\n\t" + call}}
}
