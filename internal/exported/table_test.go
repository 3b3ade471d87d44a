package exported_test

import (
	"log/slog"
	"os"
	"reflect"
	"testing"

	"github.com/rsguard/rsguard/adapters/keyfuncjwks"
	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/internal/exported"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// An entry says of an exported type what the tests here hold.
type entry struct {
	typ reflect.Type

	// zero checks that the zero value accepts nothing. Nil means that a value of
	// the type decides nothing: it is text, a result, or for tests alone.
	zero func(t *testing.T)
}

func of[T any](zero func(t *testing.T)) entry { return entry{reflect.TypeFor[T](), zero} }

// table has every exported type.
var table = map[string]entry{
	"dpop.Config":      of[dpop.Config](zeroDPoPConfig),
	"dpop.MemoryStore": of[dpop.MemoryStore](zeroMemoryStore),
	"dpop.NonceConfig": of[dpop.NonceConfig](zeroNonceConfig),
	"dpop.NonceSource": of[dpop.NonceSource](zeroNonceSource),
	"dpop.Nonces":      of[dpop.Nonces](zeroNonces),
	"dpop.Proof":       of[dpop.Proof](zeroProof),
	"dpop.ReplayStore": of[dpop.ReplayStore](zeroReplayStore),
	"dpop.Request":     of[dpop.Request](zeroRequest),
	"dpop.Verifier":    of[dpop.Verifier](zeroVerifier),

	"jwks.Cache":  of[jwks.Cache](zeroCache),
	"jwks.Config": of[jwks.Config](zeroCacheConfig),
	"jwks.Key":    of[jwks.Key](zeroKey),
	"jwks.Set":    of[jwks.Set](zeroSet),
	"jwks.State":  of[jwks.State](nil),
	"jwks.Status": of[jwks.Status](nil),

	"keyfuncjwks.KeySource": of[keyfuncjwks.KeySource](zeroKeyfuncSource),
	"keyfuncjwks.Keyfunc":   of[keyfuncjwks.Keyfunc](zeroKeyfunc),

	"middleware.Authenticator": of[middleware.Authenticator](zeroAuthenticator),
	"middleware.Config":        of[middleware.Config](zeroMiddlewareConfig),
	"middleware.Metadata":      of[middleware.Metadata](zeroMetadata),
	"middleware.Validator":     of[middleware.Validator](zeroMiddlewareValidator),

	"validator.Algorithm":    of[validator.Algorithm](zeroAlgorithm),
	"validator.Check":        of[validator.Check](zeroCheck),
	"validator.Claims":       of[validator.Claims](zeroClaims),
	"validator.Code":         of[validator.Code](zeroError),
	"validator.Config":       of[validator.Config](zeroConfig),
	"validator.Confirmation": of[validator.Confirmation](zeroConfirmation),
	"validator.Error":        of[validator.Error](zeroError),
	"validator.KeySource":    of[validator.KeySource](zeroKeySource),
	"validator.Mux":          of[validator.Mux](zeroMux),
	"validator.Outcome":      of[validator.Outcome](zeroReport),
	"validator.Report":       of[validator.Report](zeroReport),
	"validator.Step":         of[validator.Step](zeroReport),
	"validator.Validator":    of[validator.Validator](zeroValidator),

	"mockissuer.API":          of[mockissuer.API](nil),
	"mockissuer.Access":       of[mockissuer.Access](nil),
	"mockissuer.BadToken":     of[mockissuer.BadToken](nil),
	"mockissuer.Client":       of[mockissuer.Client](nil),
	"mockissuer.Config":       of[mockissuer.Config](nil),
	"mockissuer.Endpoint":     of[mockissuer.Endpoint](nil),
	"mockissuer.Fault":        of[mockissuer.Fault](nil),
	"mockissuer.FaultKind":    of[mockissuer.FaultKind](nil),
	"mockissuer.Grant":        of[mockissuer.Grant](nil),
	"mockissuer.Issuer":       of[mockissuer.Issuer](nil),
	"mockissuer.Organization": of[mockissuer.Organization](nil),
	"mockissuer.Profile":      of[mockissuer.Profile](nil),
	"mockissuer.PublishedKey": of[mockissuer.PublishedKey](nil),
	"mockissuer.Request":      of[mockissuer.Request](nil),
	"mockissuer.Rotation":     of[mockissuer.Rotation](nil),
	"mockissuer.Token":        of[mockissuer.Token](nil),
	"mockissuer.User":         of[mockissuer.User](nil),

	"testutil.BadProof": of[testutil.BadProof](nil),
	"testutil.Claims":   of[testutil.Claims](nil),
	"testutil.Issuer":   of[testutil.Issuer](nil),
	"testutil.ProofKey": of[testutil.ProofKey](nil),
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
