package redistokens_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func newClient(tb testing.TB, addr string) *redis.Client {
	tb.Helper()
	client := redis.NewClient(options(addr))
	tb.Cleanup(func() { _ = client.Close() })
	return client
}

func options(addr string) *redis.Options {
	return &redis.Options{Addr: addr, ContextTimeoutEnabled: true, MaxRetries: -1}
}

func prefix(tb testing.TB) string {
	return "test:" + tb.Name() + ":" + time.Now().Format(time.RFC3339Nano) + ":"
}
