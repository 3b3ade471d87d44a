package redisreplay_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rsguard/rsguard/contrib/redisreplay"
	"github.com/rsguard/rsguard/internal/redisserver"
)

// maxBytes is what Redis may need for a proof: a million of them, those of
// 6,600 requests in each second, are then under 200 MB.
const maxBytes = 200

// REDIS_PROOFS=1000000 makes it a million.
func TestMemory(t *testing.T) {
	proofs := 100_000
	if text := os.Getenv("REDIS_PROOFS"); text != "" {
		var err error
		if proofs, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	s := redisserver.New(t)
	client := newClient(t, s.Addr())
	store, err := redisreplay.New(redisreplay.Config{Client: client, Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	before := usedMemory(t.Context(), t, client)
	expires := time.Now().Add(time.Hour)
	start := time.Now()
	var wg sync.WaitGroup
	const workers = 32
	for w := range workers {
		wg.Go(func() {
			for i := w; i < proofs; i += workers {
				sum := sha256.Sum256([]byte(strconv.Itoa(i)))
				if isNew, err := store.Add(t.Context(), base64.RawURLEncoding.EncodeToString(sum[:]), expires); !isNew || err != nil {
					t.Errorf("Add() = %t, %v", isNew, err)
					return
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	used := usedMemory(t.Context(), t, client) - before
	t.Logf("%d proofs in Redis: %.1f MB, %.0f bytes for each; %.0f in a second", proofs, float64(used)/1e6, float64(used)/float64(proofs), float64(proofs)/took.Seconds())
	if used > maxBytes*proofs {
		t.Errorf("%d proofs take %d bytes, %d for each, want %d at most", proofs, used, used/proofs, maxBytes)
	}
}

func usedMemory(ctx context.Context, t *testing.T, client *redis.Client) int {
	t.Helper()
	info, err := client.Info(ctx, "memory").Result()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(info, "\nused_memory:")
	var used int
	if _, err := fmt.Sscan(rest, &used); err != nil {
		t.Fatalf("INFO memory = %q: %v", info, err)
	}
	return used
}

func BenchmarkAdd(b *testing.B) {
	store := newStore(b, redisserver.Address(b))
	expires := time.Now().Add(time.Hour)
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		if isNew, err := store.Add(b.Context(), strconv.Itoa(n), expires); !isNew || err != nil {
			b.Fatalf("Add() = %t, %v", isNew, err)
		}
	}
}
