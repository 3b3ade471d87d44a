package redistokens_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rsguard/rsguard/contrib/clientauth"
	"github.com/rsguard/rsguard/contrib/redistokens"
	"github.com/rsguard/rsguard/internal/redisserver"
	"github.com/rsguard/rsguard/testutil/mockissuer"
)

var key = []byte("0123456789abcdef0123456789abcdef")

func newIssuer(tb testing.TB) *mockissuer.Issuer {
	tb.Helper()
	cfg := mockissuer.Demo()
	cfg.URL, cfg.Algorithms = "https://tenant.example.com/", []string{"ES256"}
	iss, err := mockissuer.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = iss.Close() })
	return iss
}

// process returns the source of one process.
func process(tb testing.TB, iss *mockissuer.Issuer, store clientauth.Store, dpop *clientauth.Key) *clientauth.Source {
	tb.Helper()
	client, err := clientauth.New(clientauth.Config{
		TokenURL: "https://tenant.example.com/oauth/token", ClientID: "demo-client", Auth: clientauth.ClientSecretPost("demo-secret"),
		Client: iss.Client(), Now: iss.Now, Logger: slog.New(slog.DiscardHandler), Store: store, StoreKeys: [][]byte{key}, Key: dpop,
	})
	if err != nil {
		tb.Fatal(err)
	}
	s, err := client.Source(clientauth.Request{Audience: mockissuer.DefaultAudience})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// 500 processes that start at once with one Redis make one token request. With
// keys of their own, each makes its own.
func TestFleet(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	iss.Fail(mockissuer.Fault{Kind: mockissuer.FaultDelay, Endpoint: mockissuer.EndpointToken, Delay: 100 * time.Millisecond})
	store, client, at := newStore(t, redisserver.Address(t))
	start := func(n int, dpop func() *clientauth.Key) int {
		before := iss.Count(mockissuer.EndpointToken)
		var group sync.WaitGroup
		for range n {
			s := process(t, iss, store, dpop())
			group.Go(func() {
				if token, err := s.TokenContext(t.Context()); err != nil || !token.Valid() {
					t.Errorf("TokenContext() error = %v", err)
				}
			})
		}
		group.Wait()
		return iss.Count(mockissuer.EndpointToken) - before
	}
	if got := start(500, func() *clientauth.Key { return nil }); got != 1 {
		t.Errorf("500 processes made %d token requests, want 1", got)
	}
	same := newKey(t)
	if got := start(20, func() *clientauth.Key { return same }); got != 1 {
		t.Errorf("20 processes with one DPoP key made %d token requests, want 1", got)
	}
	if got := start(20, func() *clientauth.Key { return newKey(t) }); got != 20 {
		t.Errorf("20 processes with a DPoP key each made %d token requests, want 20", got)
	}
	// What is stored ends with the token.
	for it := client.Scan(t.Context(), 0, at+"*", 100).Iterator(); it.Next(t.Context()); {
		if left := client.PTTL(t.Context(), it.Val()).Val(); left <= 0 || left > 25*time.Hour {
			t.Errorf("a value is kept for %v, want the life of a token", left)
		}
	}
}

func newKey(tb testing.TB) *clientauth.Key {
	tb.Helper()
	k, err := clientauth.NewKey(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// Whatever is done to a value in Redis, a process has a good token.
func TestFleet_attacks(t *testing.T) {
	t.Parallel()
	addr := redisserver.Address(t)
	for _, tt := range []struct {
		name   string
		attack func(ctx context.Context, client *redis.Client, key string)
		shared bool
	}{
		{"none", func(context.Context, *redis.Client, string) {}, true},
		{"a lease of another", func(ctx context.Context, client *redis.Client, key string) {
			client.HSet(ctx, key, "holder", "x", "until", time.Now().Add(2*time.Second).UnixMilli())
		}, true},
		{"deleted", func(ctx context.Context, client *redis.Client, key string) { client.Del(ctx, key) }, false},
		{"another type", func(ctx context.Context, client *redis.Client, key string) { client.Set(ctx, key, "x", 0) }, false},
		{"garbage", func(ctx context.Context, client *redis.Client, key string) { client.HSet(ctx, key, "value", "x") }, false},
		{"a gigantic one", func(ctx context.Context, client *redis.Client, key string) {
			client.HSet(ctx, key, "value", make([]byte, 32<<20))
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			iss := newIssuer(t)
			store, client, at := newStore(t, addr)
			first, err := process(t, iss, store, nil).TokenContext(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			keys := client.Keys(t.Context(), at+"*").Val()
			if len(keys) != 1 {
				t.Fatalf("there are %d keys in Redis, want 1", len(keys))
			}
			tt.attack(t.Context(), client, keys[0])
			second, err := process(t, iss, store, nil).TokenContext(t.Context())
			if err != nil || (second.AccessToken == first.AccessToken) != tt.shared {
				t.Errorf("the next process: error = %v, has the first's token: %t, want %t", err, !tt.shared, tt.shared)
			}
		})
	}
}

// Without Redis, a process gets its token from the issuer, and soon.
func TestFleet_withoutRedis(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	store, err := redistokens.New(redistokens.Config{Client: newClient(t, "127.0.0.1:1")})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if _, err := process(t, iss, store, nil).TokenContext(t.Context()); err != nil || iss.Count(mockissuer.EndpointToken) != 1 {
		t.Errorf("TokenContext() error = %v after %d requests, want a token after 1", err, iss.Count(mockissuer.EndpointToken))
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("TokenContext() took %v, want at most a Timeout of 250ms", took)
	}
}
