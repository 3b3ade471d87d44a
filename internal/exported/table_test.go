package exported_test

import (
	"log/slog"
	"os"
	"reflect"
	"testing"

	"github.com/rsguard/rsguard/adapters/keyfuncjwks"
	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/idtoken"
	"github.com/rsguard/rsguard/internal/exported"
	"github.com/rsguard/rsguard/introspection"
	"github.com/rsguard/rsguard/issuers"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/observe"
	"github.com/rsguard/rsguard/readiness"
	"github.com/rsguard/rsguard/revocation"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/conform"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// An entry says of an exported type what the tests here hold.
type entry struct {
	typ reflect.Type

	// zero checks that the zero value accepts nothing. Nil means that a value
	// of the type decides nothing: it is text, a result, or for tests alone.
	zero func(t *testing.T)

	// shows are the fields that its text may show, by fmt and in logs, and json
	// those that it may show besides when encoding/json writes it.
	shows, json []string

	// hidden are those that its text may show besides when it is in an
	// unexported field of another struct. There fmt calls no method: it shows
	// all fields of a Config, and of other types what is a caller's own, if
	// that is no pointer.
	hidden []string
}

func of[T any](zero func(t *testing.T), shows ...string) entry {
	return entry{typ: reflect.TypeFor[T](), zero: zero, shows: shows}
}

func (e entry) inJSON(shows ...string) entry {
	e.json = shows
	return e
}

func (e entry) ifHidden(shows ...string) entry {
	e.hidden = shows
	return e
}

// everything stands for all fields of a type.
const everything = "*"

// table has every exported type.
var table = map[string]entry{
	"dpop.Config":      of[dpop.Config](zeroDPoPConfig, "Algorithms").ifHidden(everything),
	"dpop.MemoryStore": of[dpop.MemoryStore](zeroMemoryStore),
	"dpop.NonceConfig": of[dpop.NonceConfig](zeroNonceConfig).ifHidden(everything),
	"dpop.NonceSource": of[dpop.NonceSource](zeroNonceSource),
	"dpop.Nonces":      of[dpop.Nonces](zeroNonces),
	"dpop.Proof":       of[dpop.Proof](zeroProof, everything),
	"dpop.ReplayStore": of[dpop.ReplayStore](zeroReplayStore),
	"dpop.Request":     of[dpop.Request](zeroRequest, "Method").ifHidden(everything),
	"dpop.Verifier":    of[dpop.Verifier](zeroVerifier, "cfg.Algorithms").ifHidden("algorithms", "cfg.Replays", "cfg.Nonces"),

	"idtoken.Claims":   of[idtoken.Claims](zeroIDTokenClaims, "Issuer", "ID").ifHidden(everything).inJSON(everything),
	"idtoken.Config":   of[idtoken.Config](zeroIDTokenConfig, "Issuers", "ClientID", "Algorithms").ifHidden(everything),
	"idtoken.Expected": of[idtoken.Expected](zeroIDToken, "ACR", "Organization").ifHidden(everything),
	"idtoken.Verifier": of[idtoken.Verifier](zeroIDToken, "cfg.Issuers", "cfg.ClientID"),

	"introspection.AuthRequest":    of[introspection.AuthRequest](nil, "ClientID", "Endpoint").ifHidden(everything).inJSON("Header", "Form", "Issuer"),
	"introspection.Authentication": of[introspection.Authentication](zeroAuthentication),
	"introspection.Choice":         of[introspection.Choice](zeroChoice, "by.introspected"),
	"introspection.Config":         of[introspection.Config](zeroAuthentication, "Issuer", "Endpoint", "Audiences", "ClientID").ifHidden(everything),
	"introspection.Introspector":   of[introspection.Introspector](zeroIntrospector, "cfg.Issuer", "cfg.Audiences").ifHidden("rules"),
	"introspection.Status":         of[introspection.Status](nil, everything),
	"introspection.Validator":      of[introspection.Validator](zeroChoice),

	"issuers.Pod": of[issuers.Pod](nil, everything),

	"jwks.Cache":    of[jwks.Cache](zeroCache, "cfg.Issuer").ifHidden(everything),
	"jwks.Config":   of[jwks.Config](zeroCacheConfig, "Issuer", "MetadataURL", "URL", "FallbackURLs", "Seed", "UserAgent", "Fallback"),
	"jwks.Key":      of[jwks.Key](zeroKey, everything),
	"jwks.Set":      of[jwks.Set](zeroSet, everything),
	"jwks.Snapshot": of[jwks.Snapshot](nil, everything),
	"jwks.State":    of[jwks.State](nil, everything),
	"jwks.Status":   of[jwks.Status](nil, everything),

	"keyfuncjwks.KeySource": of[keyfuncjwks.KeySource](zeroKeyfuncSource).ifHidden("storage"),
	"keyfuncjwks.Keyfunc":   of[keyfuncjwks.Keyfunc](zeroKeyfunc).ifHidden("keys"),

	"middleware.Authenticator": of[middleware.Authenticator](zeroAuthenticator, "cfg.Realm", "cfg.ResourceMetadata").ifHidden("algs", "cfg.Validator"),
	"middleware.Config":        of[middleware.Config](zeroMiddlewareConfig, "Realm", "ResourceMetadata").ifHidden("Validator"),
	"middleware.AuditConfig":   of[middleware.AuditConfig](nil, "Routes").ifHidden(everything),
	"middleware.Event":         of[middleware.Event](nil, everything).ifHidden(everything),
	"middleware.Outcome":       of[middleware.Outcome](nil, everything),
	"middleware.Guard":         of[middleware.Guard](zeroGuard, "scopes"),
	"middleware.Metadata":      of[middleware.Metadata](zeroMetadata, everything),
	"middleware.Refusal":       of[middleware.Refusal](zeroRefusal, everything),
	"middleware.Validator":     of[middleware.Validator](zeroMiddlewareValidator),

	"observe.Event":   of[observe.Event](nil, everything).ifHidden(everything),
	"observe.Kind":    of[observe.Kind](nil, everything),
	"observe.Outcome": of[observe.Outcome](nil, everything),
	"observe.Part":    of[observe.Part](nil, everything),
	"observe.Request": of[observe.Request](nil, everything),

	"readiness.Config":  of[readiness.Config](nil, "Checks").ifHidden(everything),
	"readiness.Handler": of[readiness.Handler](zeroReadiness, "cfg.Checks").ifHidden("was"),

	"revocation.Config":           of[revocation.Config](nil).ifHidden(everything),
	"revocation.EventConfig":      of[revocation.EventConfig](zeroReceivers, "Sender.Issuers", "Sender.Audiences").ifHidden(everything),
	"revocation.EventPoller":      of[revocation.EventPoller](zeroReceivers, "poller.cfg.URL"),
	"revocation.EventReceiver":    of[revocation.EventReceiver](zeroReceivers, "receiver.cfg.Sender.Issuers", "receiver.cfg.Sender.Audiences"),
	"revocation.KeycloakConfig":   of[revocation.KeycloakConfig](zeroReceivers, "Sender.Issuers", "Sender.Audiences").ifHidden(everything),
	"revocation.KeycloakReceiver": of[revocation.KeycloakReceiver](zeroReceivers, "receiver.realm"),
	"revocation.LogoutConfig":     of[revocation.LogoutConfig](zeroReceivers, "Sender.Issuers", "Sender.Audiences").ifHidden(everything),
	"revocation.LogoutReceiver":   of[revocation.LogoutReceiver](zeroReceivers, "receiver.cfg.Sender.Issuers", "receiver.cfg.Sender.Audiences"),
	"revocation.PollConfig":       of[revocation.PollConfig](zeroReceivers, "URL").ifHidden(everything),
	"revocation.PollStatus":       of[revocation.PollStatus](nil, everything),
	"revocation.Revoker":          of[revocation.Revoker](zeroReceivers),
	"revocation.Feed":             of[revocation.Feed](zeroRevocations),
	"revocation.List":             of[revocation.List](zeroRevocations).ifHidden("cfg.Feed"),
	"revocation.Rule":             of[revocation.Rule](zeroRule, "Issuer").ifHidden(everything).inJSON(everything),
	"revocation.Status":           of[revocation.Status](nil),

	"validator.Actor":        of[validator.Actor](zeroActor, everything),
	"validator.Algorithm":    of[validator.Algorithm](zeroAlgorithm, everything),
	"validator.Check":        of[validator.Check](zeroCheck),
	"validator.Claims":       of[validator.Claims](zeroClaims, "Issuer", "ID", "ClientID").ifHidden(everything).inJSON("payload"),
	"validator.Code":         of[validator.Code](zeroError, everything),
	"validator.Config":       of[validator.Config](zeroConfig, "Issuers", "Audiences", "AudienceClaim", "Algorithms").ifHidden(everything),
	"validator.Confirmation": of[validator.Confirmation](zeroConfirmation, everything),
	"validator.Error":        of[validator.Error](zeroError, everything),
	"validator.KeySource":    of[validator.KeySource](zeroKeySource),
	"validator.Mux":          of[validator.Mux](zeroMux).ifHidden("byIssuer"),
	"validator.Outcome":      of[validator.Outcome](zeroReport, everything),
	"validator.Report":       of[validator.Report](zeroReport, everything),
	"validator.Step":         of[validator.Step](zeroReport, everything),
	"validator.Validator":    of[validator.Validator](zeroValidator, "cfg.Issuers", "cfg.Audiences", "algorithms").ifHidden("auth0Advice", "trusts"),

	"conform.Case":    of[conform.Case](nil, everything),
	"conform.Counts":  of[conform.Counts](nil),
	"conform.Level":   of[conform.Level](nil, everything),
	"conform.Outcome": of[conform.Outcome](nil, everything),
	"conform.Profile": of[conform.Profile](nil, everything),
	"conform.Report":  of[conform.Report](nil, everything),
	"conform.Result":  of[conform.Result](nil, everything),
	"conform.Runner":  of[conform.Runner](nil, everything),
	"conform.Target":  of[conform.Target](nil, everything).ifHidden(everything),

	"mockissuer.API":          of[mockissuer.API](nil, "Identifier", "Name").ifHidden(everything).inJSON("Scopes", "Profile", "Algorithm"),
	"mockissuer.Access":       of[mockissuer.Access](nil, everything),
	"mockissuer.BadToken":     of[mockissuer.BadToken](nil, everything),
	"mockissuer.Client":       of[mockissuer.Client](nil, "ID", "Name").ifHidden(everything).inJSON("Callbacks", "Grants", "Organizations", "BackChannelLogoutURI"),
	"mockissuer.Config":       of[mockissuer.Config](nil, "URL", "Domains", "Algorithms").ifHidden(everything),
	"mockissuer.Delivery":     of[mockissuer.Delivery](nil, everything),
	"mockissuer.Endpoint":     of[mockissuer.Endpoint](nil, everything),
	"mockissuer.Fault":        of[mockissuer.Fault](nil, everything),
	"mockissuer.FaultKind":    of[mockissuer.FaultKind](nil, everything),
	"mockissuer.Grant":        of[mockissuer.Grant](nil, everything),
	"mockissuer.Issuer":       of[mockissuer.Issuer](nil, "URL"),
	"mockissuer.Organization": of[mockissuer.Organization](nil, everything),
	"mockissuer.Profile":      of[mockissuer.Profile](nil, everything),
	"mockissuer.PublishedKey": of[mockissuer.PublishedKey](nil, everything),
	"mockissuer.Request":      of[mockissuer.Request](nil, everything),
	"mockissuer.Rotation":     of[mockissuer.Rotation](nil, everything),
	"mockissuer.OtherToken":   of[mockissuer.OtherToken](nil, everything),
	"mockissuer.Stream":       of[mockissuer.Stream](nil, "Audience", "URL").ifHidden(everything),
	"mockissuer.Shape":        of[mockissuer.Shape](nil, everything),
	"mockissuer.TokenKind":    of[mockissuer.TokenKind](nil, everything),
	"mockissuer.Token":        of[mockissuer.Token](nil, "Algorithm", "KeyID").ifHidden(everything).inJSON("Claims", "Header"),
	"mockissuer.User":         of[mockissuer.User](nil, everything),

	"testutil.BadProof": of[testutil.BadProof](nil, everything),
	"testutil.Claims":   of[testutil.Claims](nil, everything),
	"testutil.Issuer":   of[testutil.Issuer](nil, "Issuer.URL").ifHidden("audience"),
	"testutil.StandIn":  of[testutil.StandIn](nil, everything),
	"testutil.ProofKey": of[testutil.ProofKey](nil, "alg", "thumbprint"),

	"testutil.Layer":     of[testutil.Layer](nil, "Auth.cfg.Realm", "Auth.cfg.ResourceMetadata"),
	"testutil.Transport": of[testutil.Transport](nil, everything),
}

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // key caches log what they do
	os.Exit(m.Run())
}

// TestTable finds the types that the table lacks, and those that are no more.
func TestTable(t *testing.T) {
	t.Parallel()
	names, err := exported.Types("../..")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, name := range names {
		found[name] = true
		e, ok := table[name]
		switch {
		case !ok:
			t.Errorf("%s is not in the table: say there what its zero value accepts and what its text may show", name)
		case e.typ.String() != name:
			t.Errorf("table[%q] is of type %s", name, e.typ)
		}
	}
	for name := range table {
		if !found[name] {
			t.Errorf("table[%q]: there is no such type", name)
		}
	}
}
