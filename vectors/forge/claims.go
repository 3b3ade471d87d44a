package forge

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/rsguard/rsguard/vectors"
)

func claimTypes() *suite {
	s := newSuite("claims", "Claims with a meaning have their JSON type or the token is refused (RFC 7519, Section 4.1; RFC 9068, Section 2.2).")
	const kind = "a claim of the wrong type must not pass for one that is absent"
	types := map[string]string{
		"sub":       "RFC 7519, Section 4.1.2: sub is a string",
		"jti":       "RFC 7519, Section 4.1.7: jti is a string",
		"client_id": "RFC 9068, Section 2.2: client_id is a string",
		"azp":       "OpenID Connect Core 1.0, Section 2: azp is a string",
	}

	for _, name := range []string{"sub", "jti", "client_id", "azp"} {
		for _, text := range []string{"null", "0", "1", "1.5", "true", "false", `["a"]`, "[]", "{}", `{"a":"b"}`} {
			s.refuse("invalid_claim", name+" is "+text, cmp.Or(types[name], kind), claim(name, text))
		}
		s.accept(name+" is a string", cmp.Or(types[name], kind), claim(name, `"value"`))
		s.accept("no "+name, "optional, unless a check requires it", without(name))
	}
	for _, text := range []string{"null", "1", "true", "{}", `{"a":1}`, `["a",1]`, `["a",null]`, `[["a"]]`, `[{}]`} {
		s.refuse("invalid_claim", "scope is "+text, kind, without("scope"), claim("scope", text))
	}

	// A private claim of another type than expected counts as absent.
	const private = "RFC 7519, Section 4.3: a private claim has the type that its issuer gives it"
	for _, c := range []struct {
		name  string
		check option
		good  string
	}{
		{"scp", check("scopes", "a"), `["a"]`},
		{"permissions", check("permissions", "a"), `["a"]`},
		{"org_id", check("organization", "org_a"), `"org_a"`},
		{"org_name", check("organization", "a"), `"a"`},
		{"gty", check("grant_type", "a"), `"a"`},
		{"cid", check("clients", "a"), `"a"`},
		{"appid", check("clients", "a"), `"a"`},
	} {
		code, scope := "refused", option(func(*draft) {})
		switch c.name {
		case "scp", "permissions":
			code, scope = "insufficient_scope", challengeScope("a")
		case "org_id", "org_name":
			code = "wrong_organization"
		}
		s.accept(c.name+" as expected, and a check", private, without("scope"), claim(c.name, c.good), c.check)
		for _, text := range []string{"null", "0", "1.5", "true", "{}", `{"a":1}`, `["a",1]`, `["a",null]`, `[["a"]]`, `[{"name":"a"}]`} {
			s.accept(c.name+" is "+text, private, without("scope"), claim(c.name, text))
			s.refuse(code, c.name+" is "+text+", and a check", private, without("scope"), claim(c.name, text), c.check, scope)
		}
	}
	s.accept("permissions is a string", private, claim("permissions", `"read:orders"`))
	s.refuse("insufficient_scope", "permissions is a string, and a check", private, claim("permissions", `"read:orders"`), check("permissions", "read:orders"), challengeScope("read:orders"))
	s.accept("permissions are objects, as Casdoor has them", private, claim("permissions", `[{"name":"order-editors","actions":["Write"]}]`))
	s.accept("scp is 1, beside a scope", private, claim("scp", "1"), check("scopes", "read:orders"))
	s.accept("gty is an array", "Auth0 and others name several grants", claim("gty", `["a","b"]`), check("grant_type", "b"))
	s.accept("gty is empty", "Auth0 and others name several grants", claim("gty", "[]"))
	s.accept("org_id is an array", private, claim("org_id", `["org_a"]`))
	s.refuse("wrong_organization", "org_id is an array, and a check", private, claim("org_id", `["org_a"]`), check("organization", "org_a"))
	s.accept("permissions is an array", kind, claim("permissions", `["read:orders"]`))
	s.accept("permissions is empty", kind, claim("permissions", `[]`))
	s.accept("scope is empty", "a scope without entries grants nothing", claim("scope", `""`))
	s.accept("scope is an array", "some issuers have it so", claim("scope", `["read:orders"]`))
	s.accept("scp is an array", "some issuers have it so", without("scope"), claim("scp", `["read:orders"]`))
	s.accept("scp is a string", "some issuers have it so", without("scope"), claim("scp", `"read:orders"`))
	s.accept("sub with every kind of character", "RFC 7519, Section 4.1.2: any string", claim("sub", `"auth0|\u0000\"\\ \u00e9\ud83d\ude00"`))
	s.accept("sub of a client", "Auth0: CLIENT_ID@clients", claim("sub", `"client-1@clients"`), claim("gty", `"client-credentials"`), claim("azp", `"client-1"`))
	s.accept("sub of 3,000 bytes", "RFC 7519, Section 4.1.2: any string", claim("sub", quote(repeat("s", 3000))))
	s.accept("private claims of every kind", "RFC 7519, Section 4.3", claim("https://example.com/roles", `["a",1,null,{"b":[]}]`), claim("n", "1.5"), claim("z", "null"), claim("t", "true"))

	const client = "RFC 9068, Section 2.2 has client_id, OpenID Connect Core 1.0, Section 2 has azp, and none says that they agree"
	named := check("clients", "client-1")
	s.accept("client_id alone", client, claim("client_id", `"client-1"`), named)
	s.accept("azp alone", client, claim("azp", `"client-1"`), named)
	s.accept("cid alone", "Okta's name of the client", claim("cid", `"client-1"`), named)
	s.accept("appid alone", "the client's name in Entra's tokens of version 1.0, and in AD FS's", claim("appid", `"client-1"`), named)
	s.accept("client_id and azp agree", client, claim("client_id", `"client-1"`), claim("azp", `"client-1"`), named)
	for _, other := range []string{"client-2", "Client-1", "client-1 ", ""} {
		s.accept("client_id before azp "+quote(other), client, claim("client_id", `"client-1"`), claim("azp", quote(other)), named)
		s.accept("client_id after azp "+quote(other), client, claim("azp", quote(other)), claim("client_id", `"client-1"`), named)
		s.refuse("refused", "client_id "+quote(other)+" before azp", client, claim("client_id", quote(other)), claim("azp", `"client-1"`), named)
		s.refuse("refused", "client_id "+quote(other)+" after azp", client, claim("azp", `"client-1"`), claim("client_id", quote(other)), named)
		s.refuse("refused", "azp "+quote(other)+" before cid", client, claim("azp", quote(other)), claim("cid", `"client-1"`), named)
		s.refuse("refused", "cid "+quote(other)+" after appid", client, claim("appid", `"client-1"`), claim("cid", quote(other)), named)
		s.accept("cid before appid "+quote(other), client, claim("cid", `"client-1"`), claim("appid", quote(other)), named)
	}
	s.refuse("refused", "cid of another type, and appid", client, claim("cid", "1"), claim("appid", `"client-1"`), named)
	s.refuse("refused", "CID and APPID are other names", "RFC 7519, Section 7.3: names are compared as they are", claim("CID", `"client-1"`), claim("APPID", `"client-1"`), named)
	s.refuse("invalid_claim", "client_id null and a good azp", types["client_id"], claim("client_id", "null"), claim("azp", `"client-1"`))
	s.refuse("invalid_claim", "azp null and a good client_id", types["azp"], claim("client_id", `"client-1"`), claim("azp", "null"))
	s.refuse("invalid_claim", "RFC 9068 required, and cid alone", "RFC 9068, Section 2.2: client_id is required", full9068, without("client_id"), claim("cid", `"client-1"`))
	s.refuse("invalid_claim", "RFC 9068 required, and azp alone", "RFC 9068, Section 2.2: client_id is required", full9068, without("client_id"), claim("azp", `"client-1"`))
	return s
}

// full9068 requires RFC 9068, and has what that requires.
func full9068(d *draft) {
	for _, opt := range []option{
		config(func(c *vectors.Config) { c.RequireRFC9068 = true }),
		head("typ", `"at+jwt"`), claim("jti", `"1"`), claim("client_id", `"client-1"`),
	} {
		opt(d)
	}
}

func repeat(s string, n int) string {
	out := ""
	for range n {
		out += s
	}
	return out
}

func organizations() *suite {
	s := newSuite("organizations", "Organizations: org_id exactly, org_name in the lower case that Auth0 stores, and never one for the other.")
	const (
		id      = "Auth0: an organization's ID is compared as it is"
		name    = "Auth0: names are stored in lower case; what is configured is lowered, the claim is not"
		missing = "Auth0: a token without the claim is for no organization"
	)
	byID, byName := check("organization", "org_AbC123"), check("organization", "acme-corp")
	s.accept("the ID", id, byID, claim("org_id", `"org_AbC123"`))
	for _, o := range []string{"org_abc123", "ORG_AbC123", "org_AbC1234", "org_AbC12", "org_AbC123 ", " org_AbC123", "AbC123", "org_AbC123\x00", "", "org_", "org_*", "org_AbC123,org_x", "org_\u0410bC123"} {
		s.refuse("wrong_organization", "org_id "+quote(o), id, byID, claim("org_id", quote(o)))
	}
	s.refuse("wrong_organization", "the ID, and no claim", missing, byID)
	s.refuse("wrong_organization", "the ID in org_name", "Auth0: one is not the other", byID, claim("org_name", `"org_AbC123"`))
	s.refuse("wrong_organization", "the ID in org_name, another in org_id", "Auth0: one is not the other", byID, claim("org_name", `"org_AbC123"`), claim("org_id", `"org_other"`))
	s.refuse("wrong_organization", "the ID in organization", missing, byID, claim("organization", `"org_AbC123"`))
	s.refuse("wrong_organization", "the ID in ORG_ID", "RFC 7519, Section 7.3: names are compared as they are", byID, claim("ORG_ID", `"org_AbC123"`))
	s.accept("the name", name, byName, claim("org_name", `"acme-corp"`), claim("org_id", `"org_x"`))
	s.accept("the name, configured in capitals", name, check("organization", "ACME-Corp"), claim("org_name", `"acme-corp"`))
	s.refuse("wrong_organization", "the claim in capitals, as configured", name, check("organization", "ACME-Corp"), claim("org_name", `"ACME-Corp"`))
	for _, o := range []string{"Acme-corp", "ACME-CORP", "acme-corp ", " acme-corp", "acme-corp2", "acme-cor", "acme corp", "", "acme-corp\n", "acme\u2010corp", "acme-corp\u200b", "\u0430cme-corp", "acme-corp,other"} {
		s.refuse("wrong_organization", "org_name "+quote(o), name, byName, claim("org_name", quote(o)))
	}
	s.refuse("wrong_organization", "the name, and no claim", missing, byName)
	s.refuse("wrong_organization", "the name in org_id", "Auth0: one is not the other", byName, claim("org_id", `"acme-corp"`))
	s.refuse("wrong_organization", "the Kelvin sign for a k", name, check("organization", "kiosk"), claim("org_name", `"\u212aios\u212a"`))
	s.refuse("wrong_organization", "a k for the configured Kelvin sign", name, check("organization", "\u212aiosk"), claim("org_name", `"kiosk"`))
	s.refuse("wrong_organization", "a long s for an s", name, check("organization", "acmes"), claim("org_name", `"acme\u017f"`))
	several := check("organization", "org_1", "org_2", "acme-corp")
	s.accept("one of several: an ID", id, several, claim("org_id", `"org_2"`))
	s.accept("one of several: a name", name, several, claim("org_name", `"acme-corp"`))
	s.refuse("wrong_organization", "none of several", id, several, claim("org_id", `"org_3"`), claim("org_name", `"acme-corp-2"`))
	s.refuse("wrong_organization", "two of several in one string", id, several, claim("org_id", `"org_1,org_2"`))
	for _, text := range []string{"null", `["org_AbC123"]`, `{"id":"org_AbC123"}`, "1"} {
		s.refuse("wrong_organization", "org_id is "+text, "of another type: a token for no organization", byID, claim("org_id", text))
	}
	s.accept("an organization that nobody asks for", "Organization was not required", claim("org_id", `"org_x"`))
	return s
}

func checks() *suite {
	s := newSuite("checks", "Scopes, permissions and clients, and the scope that a challenge names (RFC 6749, Section 3.3; RFC 6750, Section 3.1).")
	const (
		scope = "RFC 6749, Section 3.3: a list with single spaces, in any order, case-sensitive"
		perm  = "Auth0: permissions are not scopes"
	)
	read := []option{check("scopes", "read:orders"), challengeScope("read:orders")}
	s.accept("the scope alone", scope, read[0])
	s.accept("the scope among others", scope, read[0], claim("scope", `"openid read:orders email"`))
	s.accept("the scope twice", scope, read[0], claim("scope", `"read:orders read:orders"`))
	s.accept("the scope after two spaces", "an entry that is empty grants nothing", read[0], claim("scope", `" openid  read:orders "`))
	s.accept("the scope in an array", "some issuers have it so", read[0], claim("scope", `["openid","read:orders"]`))
	s.accept("the scope in scp", "some issuers have it so", read[0], without("scope"), claim("scp", `["read:orders"]`))
	for _, text := range []string{
		`""`, `" "`, `"read:order"`, `"read:orders2"`, `"Read:orders"`, `"READ:ORDERS"`, `"read"`, `"orders"`, `"read: orders"`, `"read:orders,openid"`, `"openid,read:orders"`, `"read:*"`, `"*"`, `"read:orders\t"`, `"openid\tread:orders"`,
		`"openid\nread:orders"`, `"openid\u00a0read:orders"`, `"read:orders\u0000"`, `"read%3Aorders"`, `"\"read:orders\""`, `"write:read:orders"`, `["openid read:orders"]`, `[]`, `["READ:ORDERS"]`, `"re\u0430d:orders"`,
	} {
		s.refuse("insufficient_scope", "scope is "+text, scope, append(read, claim("scope", text))...)
	}
	s.refuse("insufficient_scope", "no scope", scope, append(read, without("scope"))...)
	s.refuse("insufficient_scope", "the scope in permissions", perm, append(read, without("scope"), claim("permissions", `["read:orders"]`))...)
	s.refuse("insufficient_scope", "the scope in scp, beside a scope without it", "scope, otherwise scp", append(read, claim("scope", `"openid"`), claim("scp", `["read:orders"]`))...)
	s.refuse("insufficient_scope", "the scope in scp, before a scope without it", "scope, otherwise scp", append(read, without("scope"), claim("scp", `["read:orders"]`), claim("scope", `"openid"`))...)
	s.refuse("insufficient_scope", "the scope in roles", scope, append(read, without("scope"), claim("roles", `["read:orders"]`))...)

	both := []option{check("scopes", "read:orders", "write:orders"), challengeScope("read:orders write:orders")}
	s.accept("both of two", scope, both[0], claim("scope", `"write:orders read:orders"`))
	s.refuse("insufficient_scope", "the first of two", scope, both...)
	s.refuse("insufficient_scope", "the second of two", scope, append(both, claim("scope", `"write:orders"`))...)
	either := []option{check("any_scope", "read:orders", "admin"), challengeScope("read:orders admin")}
	s.accept("any of two: the first", scope, either[0])
	s.accept("any of two: the second", scope, either[0], claim("scope", `"admin"`))
	s.refuse("insufficient_scope", "any of two: neither", scope, append(either, claim("scope", `"openid adm"`))...)

	perms := []option{check("permissions", "read:orders"), challengeScope("read:orders")}
	s.accept("the permission", perm, perms[0], claim("permissions", `["read:orders","x"]`))
	for _, text := range []string{`[]`, `["read"]`, `["READ:ORDERS"]`, `["read:orders "]`, `["read:orders x"]`, `["read:*"]`} {
		s.refuse("insufficient_scope", "permissions are "+text, perm, append(perms, claim("permissions", text))...)
	}
	s.refuse("insufficient_scope", "the permission in scope", perm, perms...)
	s.refuse("insufficient_scope", "no permissions", perm, append(perms, without("scope"))...)
	anyPerm := []option{check("any_permission", "a", "b"), challengeScope("a b")}
	s.accept("any permission of two", perm, anyPerm[0], claim("permissions", `["b"]`))
	s.refuse("insufficient_scope", "no permission of two", perm, append(anyPerm, claim("permissions", `["c"]`))...)

	const client = "the client is client_id, otherwise azp, cid or appid"
	clients := check("clients", "client-1", "client-2")
	s.accept("a client by azp", client, clients, claim("azp", `"client-1"`))
	s.accept("a client by client_id", client, clients, claim("client_id", `"client-2"`))
	for i, c := range []string{"client-3", "CLIENT-1", "client-1 ", "", "client-1,client-2"} {
		s.refuse("refused", "another client "+strconv.Itoa(i+1)+", "+quote(c), client, clients, claim("azp", quote(c)))
	}
	s.refuse("refused", "no client", client, clients)
	s.refuse("refused", "the client in aud", client, clients, claim("aud", `["https://api.example.com","client-1"]`))
	s.refuse("refused", "the client in sub", client, clients, claim("sub", `"client-1@clients"`))

	const (
		acts   = "RFC 8693, Section 4.1: act is the party that acts, and sub the one on whose behalf it does"
		past   = "RFC 8693, Section 4.1: actors within act are of the past, and decide nothing"
		issues = "RFC 8693, Section 4.1: iss and sub together may be what identifies an actor"
	)
	act := func(text string) option { return claim("act", text) }
	alone, agents := check("no_actor"), check("actors", "agent-7", "agent-8")
	userOrAgent := func(d *draft) {
		d.v.Config.Checks = []vectors.Check{{Kind: "any_of", Checks: []vectors.Check{{Kind: "no_actor"}, {Kind: "actors", Args: []string{"agent-7"}}}}}
	}
	s.accept("no actor", acts, alone)
	s.accept("an actor that may act", acts, agents, act(`{"sub":"agent-8"}`))
	s.accept("an actor that may act, with more members", acts, agents, act(`{"sub":"agent-7","client_id":"x","exp":1,"aud":null,"roles":[{}]}`))
	s.accept("an actor that nobody asks for", acts, act(`{"sub":"agent-9"}`))
	s.accept("an actor by the token's issuer", issues, agents, act(`{"sub":"agent-7","iss":`+quote(issuer)+`}`))
	s.accept("an actor that may act, after another", past, agents, act(`{"sub":"agent-7","act":{"sub":"agent-9"}}`))
	s.accept("a user or an agent: the user", acts, userOrAgent)
	s.accept("a user or an agent: the agent", acts, userOrAgent, act(`{"sub":"agent-7"}`))
	s.accept("eight actors", "a chain has an end: eight, by a limit of our own", agents, act(chain(8)))
	s.refuse("invalid_claim", "nine actors", "a chain has an end: eight, by a limit of our own", agents, act(chain(9)))
	s.accept("nine actors that nobody asks for", "a claim is strict if a check reads it", act(chain(9)))
	s.refuse("refused", "an actor, and none may act", acts, alone, act(`{"sub":"agent-7"}`))
	s.refuse("refused", "an actor without a name, and none may act", acts, alone, act(`{}`))
	s.refuse("refused", "a user or an agent: another agent", acts, userOrAgent, act(`{"sub":"agent-8"}`))
	s.refuse("refused", "no actor, and one is wanted", acts, agents)
	s.refuse("refused", "the actor in sub", acts, agents, claim("sub", `"agent-7"`))
	s.refuse("refused", "the actor in sub, another in act", acts, agents, claim("sub", `"agent-7"`), act(`{"sub":"agent-9"}`))
	s.refuse("refused", "the actor in may_act", "RFC 8693, Section 4.4: may_act is for who may become the actor", agents, claim("may_act", `{"sub":"agent-7"}`))
	s.refuse("refused", "the actor in ACT", "RFC 7519, Section 7.3: names are compared as they are", agents, claim("ACT", `{"sub":"agent-7"}`))
	s.refuse("refused", "the actor in client_id", acts, agents, claim("client_id", `"agent-7"`), act(`{"client_id":"agent-7"}`))
	s.refuse("refused", "an actor of the past", past, agents, act(`{"sub":"agent-9","act":{"sub":"agent-7"}}`))
	s.refuse("refused", "an actor of the past alone", past, agents, act(`{"act":{"sub":"agent-7"}}`))
	s.refuse("refused", "another issuer's actor", issues, agents, act(`{"sub":"agent-7","iss":"https://tenant-b.example.com/"}`))
	for _, sub := range []string{"agent-9", "Agent-7", "agent-7 ", "", "agent-7,agent-8", "*"} {
		s.refuse("refused", "actor "+quote(sub), acts, agents, act(`{"sub":`+quote(sub)+`}`))
	}
	for _, text := range []string{`null`, `"agent-7"`, `1`, `true`, `["agent-7"]`, `[{"sub":"agent-7"}]`, `{"sub":null}`, `{"sub":["agent-7"]}`, `{"sub":"agent-7","iss":1}`, `{"sub":"agent-7","client_id":{}}`, `{"sub":"agent-7","act":null}`, `{"sub":"agent-7","act":"x"}`} {
		s.refuse("invalid_claim", "act is "+text+", and one is wanted", acts, agents, act(text))
		s.refuse("invalid_claim", "act is "+text+", and none may act", acts, alone, act(text))
		s.accept("act is "+text+", and nobody asks", "a claim is strict if a check reads it", act(text))
	}

	const role = "the standards have no claim for roles, so its name and place are given, and compared as they are"
	for _, c := range []struct {
		path   []string
		inside string // the claim's value, with ROLES in it
	}{
		{[]string{"roles"}, "ROLES"},
		{[]string{"cognito:groups"}, "ROLES"},
		{[]string{"https://example.com/roles"}, "ROLES"},
		{[]string{"realm_access", "roles"}, `{"x":["admin"],"roles":ROLES}`},
		{[]string{"resource_access", "orders-api", "roles"}, `{"account":{"roles":["x"]},"orders-api":{"roles":ROLES}}`},
		{[]string{"a.b", "c/d", "e f"}, `{"c/d":{"e f":ROLES}}`},
	} {
		where := " in " + strings.Join(c.path, ", ")
		with := func(text string) option { return claim(c.path[0], strings.ReplaceAll(c.inside, "ROLES", text)) }
		both := roles("roles", c.path, "reader", "writer")
		either := roles("any_role", c.path, "reader", "writer")
		s.accept("both roles"+where, role, both, with(`["x","writer","reader"]`))
		s.accept("one role of two"+where, role, either, with(`["x","writer"]`))
		s.accept("a role that is a string"+where, role, either, with(`"writer"`))
		for _, text := range []string{`[]`, `""`, `"reader "`, `"reader writer"`, `"reader,writer"`, `["Reader","WRITER"]`, `["readers","write"]`, `["*"]`, `null`, `1`, `true`, `{"reader":1,"writer":1}`, `["reader","writer",1]`, `[["reader","writer"]]`} {
			s.refuse("insufficient_role", "neither role"+where+": "+text, role, either, with(text))
			s.refuse("insufficient_role", "not both roles"+where+": "+text, role, both, with(text))
		}
		s.refuse("insufficient_role", "one role of both"+where, role, both, with(`["writer"]`))
		s.refuse("insufficient_role", "no roles, wanted"+where, role, either)
		s.refuse("insufficient_role", "roles as scopes, wanted"+where, role, either, claim("scope", `"reader writer"`), claim("permissions", `["reader","writer"]`))
	}
	deep := roles("roles", []string{"realm_access", "roles"}, "admin")
	s.refuse("insufficient_role", "the path's names as one name", role, deep, claim("realm_access.roles", `["admin"]`))
	s.refuse("insufficient_role", "the end of the path at the top", role, deep, claim("roles", `["admin"]`))
	s.refuse("insufficient_role", "the beginning of the path", role, deep, claim("realm_access", `["admin"]`))
	s.refuse("insufficient_role", "another object's roles", role, deep, claim("resource_access", `{"roles":["admin"]}`), claim("realm_access", `{"roles":[]}`))
	s.refuse("insufficient_role", "the path in capitals", role, deep, claim("Realm_Access", `{"roles":["admin"]}`))
	s.refuse("insufficient_role", "the path's end in capitals", role, deep, claim("realm_access", `{"Roles":["admin"]}`))
	s.refuse("insufficient_role", "the path within an array", role, deep, claim("realm_access", `[{"roles":["admin"]}]`))
	s.refuse("insufficient_role", "an object in a string", role, deep, claim("realm_access", `"{\"roles\":[\"admin\"]}"`))
	s.accept("a path written with escapes", "RFC 8259, Sections 7 and 8.3: the same string", deep, claim("realm_access", `{"r\u006fles":["\u0061dmin"]}`))
	s.refuse("token_malformed", "a path that is there twice", "RFC 8259, Section 4: one reading of each name", deep, payload(`{"iss":`+quote(issuer)+`,"aud":`+quote(audience)+`,"exp":1767229200,"realm_access":{"roles":["admin"],"roles":[]}}`))

	two := []option{check("scopes", "read:orders"), check("permissions", "approve"), claim("permissions", `["approve"]`)}
	s.accept("two checks, both met", "checks run in their order", two...)
	s.refuse("insufficient_scope", "two checks, the second not met", "checks run in their order", append(two[:2:2], challengeScope("approve"))...)
	s.refuse("wrong_organization", "two checks, the first not met", "checks run in their order", check("organization", "org_1"), check("scopes", "nothing"))
	s.refuse("invalid_signature", "a check met, and a bad signature", "a check sees verified claims alone", check("scopes", "read:orders"), by("RS256", otherRSA))

	// A client without a good token learns which scopes the next one needs. Its
	// credentials have no scope to compare.
	const named = "RFC 6750, Section 3: scope says what the resource requires"
	none := request()
	s.refuse("token_missing", "no token, scopes required", named, none, both[0])
	s.refuse("token_missing", "no token, one scope of two required", named, none, either[0])
	s.refuse("token_missing", "no token, a permission required", named, none, perms[0])
	s.refuse("token_missing", "no token, a permission of two required", named, none, anyPerm[0])
	s.refuse("token_missing", "no token, a scope in two checks", named, none, read[0], either[0])
	s.refuse("token_missing", "no token, a client required", named, none, clients)
	s.refuse("token_expired", "an expired token, scopes required", named, claim("exp", "1"), both[0])
	s.refuse("invalid_request", "a malformed field, scopes required", named, authorization("Bearer"), both[0])
	return s
}

// chain returns an act with so many actors.
func chain(n int) string {
	text := `{"sub":"agent-9"}`
	for range n - 2 {
		text = `{"sub":"agent-9","act":` + text + `}`
	}
	return `{"sub":"agent-7","act":` + text + `}`
}
