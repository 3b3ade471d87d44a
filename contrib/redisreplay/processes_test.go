package redisreplay_test

import (
	"bufio"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rsguard/rsguard/contrib/redisreplay"
	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/internal/redisserver"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

const (
	audience  = "https://api.example.com"
	ordersURL = "https://api.example.com/orders"
)

// The test's program is also the API that it tests, when it is run with these.
const (
	envIssuer = "REDISREPLAY_TEST_ISSUER"
	envRedis  = "REDISREPLAY_TEST_REDIS"
	envPrefix = "REDISREPLAY_TEST_PREFIX"
)

func TestMain(m *testing.M) {
	if issuer := os.Getenv(envIssuer); issuer != "" {
		serveAPI(issuer)
		return
	}
	os.Exit(m.Run())
}

// serveAPI never returns: the process is killed.
func serveAPI(issuer string) {
	v, err := validator.New(validator.Config{Issuers: []string{issuer}, Audiences: []string{audience}})
	if err != nil {
		panic(err)
	}
	handler, err := newAPI(v, redis.NewClient(options(os.Getenv(envRedis))), os.Getenv(envPrefix))
	if err != nil {
		panic(err)
	}
	server := httptest.NewServer(handler)
	fmt.Println("listening on", server.URL)
	select {}
}

func newAPI(v middleware.Validator, client *redis.Client, prefix string) (http.Handler, error) {
	replays, err := redisreplay.New(redisreplay.Config{Client: client, Prefix: prefix, Timeout: time.Second})
	if err != nil {
		return nil, err
	}
	proofs, err := dpop.New(dpop.Config{Replays: replays})
	if err != nil {
		return nil, err
	}
	auth, err := middleware.New(middleware.Config{
		Validator: v,
		DPoP:      proofs,
		Origin:    middleware.FixedOrigin(audience),
		Logger:    slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	return auth.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})), nil
}

// startAPI runs the API in a process of its own, and returns its URL.
func startAPI(t *testing.T, issuer, redisAddr, prefix string) (url string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), envIssuer+"="+issuer, envRedis+"="+redisAddr, envPrefix+"="+prefix)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	_, url, ok := strings.Cut(strings.TrimSpace(line), "listening on ")
	if err != nil || !ok {
		t.Fatalf("the API said %q, %v, want where it listens", line, err)
	}
	return url
}

// get sends a request and returns its status.
func get(t *testing.T, url, token, proof string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/orders", nil)
	if err != nil {
		t.Error(err)
		return 0
	}
	req.Header.Set("Authorization", "DPoP "+token)
	req.Header.Set("DPoP", proof)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return 0
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// Two API processes behind one Redis take a proof once between them.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()

	addr := redisserver.Address(t)
	iss, key := testutil.NewIssuer(t), testutil.DPoPKey(t)
	iss.Config(audience)
	p := prefix(t)
	apis := [2]string{startAPI(t, iss.URL, addr, p), startAPI(t, iss.URL, addr, p)}
	token := iss.Token(testutil.Claims{"cnf": key.Confirmation()})

	proof := key.Proof(http.MethodGet, ordersURL, token)
	for i, want := range []int{200, 401, 401} {
		if got := get(t, apis[i%2], token, proof); got != want {
			t.Errorf("request %d with one proof: status = %d, want %d", i, got, want)
		}
	}

	// At the same time, to both.
	for range 20 {
		proof := key.Proof(http.MethodGet, ordersURL, token)
		statuses := make(chan int, 8)
		var wg sync.WaitGroup
		for i := range cap(statuses) {
			wg.Go(func() { statuses <- get(t, apis[i%2], token, proof) })
		}
		wg.Wait()
		close(statuses)
		count := map[int]int{}
		for status := range statuses {
			count[status]++
		}
		if count[200] != 1 || count[401] != 7 {
			t.Errorf("statuses of 8 requests with one proof to two processes = %v, want one 200 and seven 401", count)
		}
	}
	if n := keys(t.Context(), t, newClient(t, addr), p); n != 21 {
		t.Errorf("Redis holds %d proofs, want 21, one for each that was good", n)
	}
}

// Redis is killed while requests wait for it: they get 503, and a new Redis
// makes all good.
func TestKilledInFlight(t *testing.T) {
	t.Parallel()

	s := redisserver.New(t)
	iss, key := testutil.NewIssuer(t), testutil.DPoPKey(t)
	v, err := validator.New(iss.Config(audience))
	if err != nil {
		t.Fatal(err)
	}
	client := newClient(t, s.Addr())
	handler, err := newAPI(v, client, prefix(t))
	if err != nil {
		t.Fatal(err)
	}
	api := httptest.NewServer(handler)
	t.Cleanup(api.Close)
	token := iss.Token(testutil.Claims{"cnf": key.Confirmation()})
	fresh := func() string { return key.Proof(http.MethodGet, ordersURL, token) }
	used := fresh()
	if got := get(t, api.URL, token, used); got != 200 {
		t.Fatalf("status = %d, want 200", got)
	}

	// Stopped, it takes commands and doesn't answer; each that is sent is
	// counted.
	const n = 8
	sent := make(chan struct{}, 2*n)
	client.AddHook(hook(func(cmd redis.Cmder) {
		if cmd.Name() == "set" {
			sent <- struct{}{}
		}
	}))
	s.Freeze()
	statuses := make(chan int, n)
	for range n {
		go func() { statuses <- get(t, api.URL, token, fresh()) }()
	}
	for range n {
		<-sent
	}
	s.Kill()
	for range n {
		if got := <-statuses; got != 503 {
			t.Errorf("status of a request in flight = %d, want 503", got)
		}
	}
	if got := get(t, api.URL, token, fresh()); got != 503 {
		t.Errorf("status without Redis = %d, want 503", got)
	}
	if got := get(t, api.URL, token, used); got != 503 {
		t.Errorf("status of a replay without Redis = %d, want 503, never a pass", got)
	}

	s.Restart()
	if got := get(t, api.URL, token, fresh()); got != 200 {
		t.Errorf("status with Redis again = %d, want 200", got)
	}
}
