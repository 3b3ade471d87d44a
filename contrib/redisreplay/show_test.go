package redisreplay_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/rsguard/rsguard/contrib/redisreplay"
)

// A secretive client is a caller's own type, with a password in it.
type secretive struct{ password string }

func (secretive) Process(context.Context, redis.Cmder) error { return nil }

func TestSecrets(t *testing.T) {
	t.Parallel()
	cfg := redisreplay.Config{Client: secretive{"canary"}, Prefix: "orders:"}
	store, err := redisreplay.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]any{"Config": cfg, "*Config": &cfg, "*Store": store, "Store": *store, "in a field": struct{ C any }{cfg}} {
		var b bytes.Buffer
		slog.New(slog.NewTextHandler(&b, nil)).Info("x", "x", x)
		slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "x", x)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			fmt.Fprintf(&b, verb, x)
		}
		if out := b.String(); strings.Contains(out, "canary") || strings.Contains(out, fmt.Sprintf("%x", "canary")) || !strings.Contains(out, "orders:") {
			t.Errorf("%s: %s", name, out)
		}
	}
}
