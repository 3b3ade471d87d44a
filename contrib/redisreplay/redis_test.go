package redisreplay_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rsguard/rsguard/contrib/redisreplay"
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

// newStore has a prefix of its own, so that tests don't meet in one Redis.
func newStore(tb testing.TB, addr string) *redisreplay.Store {
	tb.Helper()
	s, err := redisreplay.New(redisreplay.Config{Client: newClient(tb, addr), Prefix: prefix(tb), Timeout: 5 * time.Second})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func prefix(tb testing.TB) string {
	return "test:" + tb.Name() + ":" + time.Now().Format(time.RFC3339Nano) + ":"
}

// keys counts those with a prefix.
func keys(ctx context.Context, tb testing.TB, client *redis.Client, prefix string) int {
	tb.Helper()
	n := 0
	it := client.Scan(ctx, 0, prefix+"*", 1000).Iterator()
	for it.Next(ctx) {
		n++
	}
	if err := it.Err(); err != nil {
		tb.Fatal(err)
	}
	return n
}
