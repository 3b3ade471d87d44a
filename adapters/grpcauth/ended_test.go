package grpcauth_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/rsguard/rsguard/adapters/grpcauth"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/revocation"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

// A journal keeps what an Authenticator has observed and logged.
type journal struct {
	mu     sync.Mutex
	log    bytes.Buffer
	events []middleware.Event
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.log.Write(b)
}

func (j *journal) observe(_ context.Context, e middleware.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.events = append(j.events, e)
}

func (j *journal) config() middleware.Config {
	return middleware.Config{Logger: slog.New(slog.NewJSONHandler(j, nil)), Observe: j.observe}
}

func (j *journal) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.log.String()
}

// records returns the records and the events since the last call.
func (j *journal) records(t *testing.T) (records []map[string]any, events []middleware.Event) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	for decoder := json.NewDecoder(&j.log); ; {
		var record map[string]any
		switch err := decoder.Decode(&record); {
		case errors.Is(err, io.EOF):
			events, j.events = j.events, nil
			return records, events
		case err != nil:
			t.Fatal(err)
		}
		records = append(records, record)
	}
}

// A stream that ends with its token is a rejection like any other: with a
// challenge, a record and an event, each of them once.
func TestStream_endIsARejection(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		name   string
		stream func(grpc.ServerStream) error
	}{
		{"a handler that waits", func(ss grpc.ServerStream) error { return ss.RecvMsg(new(wrapperspb.StringValue)) }},
		{"a handler that waits for its context", func(ss grpc.ServerStream) error { <-ss.Context().Done(); return ss.Context().Err() }},
		{"a handler that sleeps, and sees the end itself", func(ss grpc.ServerStream) error {
			time.Sleep(time.Hour + validator.DefaultLeeway)
			for range 3 {
				if status.Code(ss.SendMsg(wrapperspb.String("x"))) != codes.Unauthenticated {
					return errors.New("a message was sent")
				}
			}
			return nil
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			var j journal
			f := start(t, setup{auth: j.config()})
			f.echoer.stream = tt.stream
			exp := time.Now().Add(time.Hour).Unix()
			stream, err := f.many(bearer(t.Context(), f.iss.Token(testutil.Claims{"exp": exp, "jti": "abc", "client_id": "shop"})))
			if err != nil {
				t.Fatal(err)
			}
			err = stream.RecvMsg(new(wrapperspb.StringValue))
			if status.Code(err) != codes.Unauthenticated || reasonOf(err) != "invalid_token" {
				t.Errorf("%s: %v (%s), want Unauthenticated with invalid_token", tt.name, err, reasonOf(err))
			}
			if got := strings.Join(stream.Trailer()["www-authenticate"], "|"); got != `Bearer error="invalid_token"` {
				t.Errorf("%s: www-authenticate = %s", tt.name, got)
			}
			synctest.Wait()
			records, events := j.records(t)
			if len(records) != 1 || records[0]["msg"] != "token refused" || records[0]["code"] != "token_expired" || records[0]["jti"] != "abc" ||
				records[0]["route"] != "/test.Echo/" || records[0]["issuer"] != f.iss.URL {
				t.Errorf("%s: records = %v, want one of the expired token", tt.name, records)
			}
			if len(events) != 2 || events[0].Outcome != middleware.Accepted || events[1].Outcome != middleware.Rejected ||
				events[1].Code != validator.CodeExpired || events[1].Status != 401 || events[1].Client != "shop" || events[1].Issuer != f.iss.URL || events[1].Scheme != "Bearer" {
				t.Errorf("%s: events = %v, want an accepted and an expired token", tt.name, events)
			}
		})
	}
}

// A stream lasts as long as the Validator would accept its token.
func TestStream_leeway(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		leeway time.Duration // of the Config
		exp    time.Duration // from now
		lasts  time.Duration
	}{
		{0, time.Hour, time.Hour + validator.DefaultLeeway},
		{-1, time.Hour, time.Hour},
		{time.Minute, time.Hour, time.Hour + time.Minute},
		{0, -10 * time.Second, validator.DefaultLeeway - 10*time.Second},
		{time.Minute, -59 * time.Second, time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := start(t, setup{leeway: tt.leeway})
			token := f.iss.Token(testutil.Claims{"exp": time.Now().Add(tt.exp).Unix()})
			stream, err := f.many(bearer(t.Context(), token))
			if err != nil {
				t.Fatal(err)
			}
			if err := exchange(stream, 1); err != nil {
				t.Errorf("leeway %v, exp in %v: %v, want a message", tt.leeway, tt.exp, err)
				return
			}
			begun := time.Now()
			err = stream.RecvMsg(new(wrapperspb.StringValue))
			if took := time.Since(begun); status.Code(err) != codes.Unauthenticated || took != tt.lasts {
				t.Errorf("leeway %v, exp in %v: the stream has ended after %v with %v, want after %v", tt.leeway, tt.exp, took, err, tt.lasts)
			}
			// The Validator agrees.
			next, err := f.many(bearer(t.Context(), token))
			if err != nil {
				t.Fatal(err)
			}
			if err := next.RecvMsg(new(wrapperspb.StringValue)); status.Code(err) != codes.Unauthenticated {
				t.Errorf("leeway %v, exp in %v: the next stream: %v, want Unauthenticated", tt.leeway, tt.exp, err)
			}
		})
	}
}

// A stream ends by the clock of the Validator, also if that is set.
func TestStream_clock(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		ahead time.Duration // of the system's clock
		set   time.Duration // forwards, after 10 minutes
		lasts time.Duration
	}{
		{0, 0, time.Hour},
		{5 * time.Hour, 0, time.Hour},
		{-5 * time.Hour, 0, time.Hour},
		{5 * time.Hour, -30 * time.Minute, 90 * time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			var ahead atomic.Int64
			ahead.Store(int64(tt.ahead))
			now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
			f := start(t, setup{now: now, leeway: -1, guard: grpcauth.Config{Now: now}})
			at := now().Unix()
			stream, err := f.many(bearer(t.Context(), f.iss.Token(testutil.Claims{"iat": at, "exp": at + 3600})))
			if err != nil {
				t.Fatal(err)
			}
			if err := exchange(stream, 1); err != nil {
				t.Fatalf("%v ahead: %v, want a message", tt.ahead, err)
			}
			begun := time.Now()
			time.AfterFunc(10*time.Minute, func() { ahead.Add(int64(tt.set)) })
			err = stream.RecvMsg(new(wrapperspb.StringValue))
			if took := time.Since(begun); status.Code(err) != codes.Unauthenticated || took != tt.lasts {
				t.Errorf("%v ahead, set by %v: the stream has ended after %v with %v, want after %v", tt.ahead, tt.set, took, err, tt.lasts)
			}
		})
	}
}

// A stream ends when its token is revoked, also if it may outlive its token, and
// whatever its handler does. Another's goes on.
func TestStream_revoked(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		name     string
		outlives bool
		stream   func(grpc.ServerStream) error // of the echoer if nil
	}{
		{"", false, nil},
		{"outlives its token", true, nil},
		{"a handler that doesn't notice", false, func(grpc.ServerStream) error { time.Sleep(20 * time.Minute); return nil }},
		{"a handler that sends", false, func(ss grpc.ServerStream) error {
			for ss.SendMsg(wrapperspb.String("x")) == nil {
				time.Sleep(time.Second)
			}
			return nil
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			list, err := revocation.New(revocation.Config{})
			if err != nil {
				t.Fatal(err)
			}
			var j journal
			cfg := j.config()
			cfg.Revocations = list
			f := start(t, setup{auth: cfg, guard: grpcauth.Config{OutliveTokens: tt.outlives}})
			f.echoer.stream = echo
			if tt.stream != nil {
				f.echoer.stream = tt.stream
			}
			end := time.Now().Add(time.Hour).Unix()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			anna, err := f.many(bearer(ctx, f.iss.Token(testutil.Claims{"sub": "anna", "exp": end})))
			if err != nil {
				t.Fatal(err)
			}
			bert, err := f.many(bearer(ctx, f.iss.Token(testutil.Claims{"sub": "bert", "exp": end})))
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			begun := time.Now()
			time.AfterFunc(10*time.Minute, func() {
				if err := list.Revoke(ctx, revocation.Rule{Issuer: f.iss.URL, Subject: "anna", IssuedBefore: time.Now()}); err != nil {
					t.Error(err)
				}
			})
			for err = nil; err == nil; {
				err = anna.RecvMsg(new(wrapperspb.StringValue))
			}
			if took := time.Since(begun); status.Code(err) != codes.Unauthenticated || reasonOf(err) != "invalid_token" || took != 10*time.Minute {
				t.Errorf("%s: the stream has ended after %v with %v (%s), want after 10m0s with Unauthenticated and invalid_token", tt.name, took, err, reasonOf(err))
			}
			synctest.Wait()
			records, events := j.records(t)
			if len(records) != 1 || records[0]["code"] != "token_revoked" || records[0]["issuer"] != f.iss.URL || len(events) != 3 || events[2].Code != validator.CodeRevoked {
				t.Errorf("%s: records = %v, events = %v, want one of the revoked token", tt.name, records, events)
			}
			if tt.stream == nil {
				if err := exchange(bert, 1); err != nil {
					t.Errorf("%s: the stream of another user: %v, want a message", tt.name, err)
				}
			}
			cancel()
			time.Sleep(time.Hour)
			if n := list.Status().Watches; n != 0 {
				t.Errorf("%s: %d are watched, want none", tt.name, n)
			}
		})
	}
}

// InsecureReportOnly reports the end once, and the stream goes on.
func TestStream_reportOnly(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		var j journal
		cfg := j.config()
		cfg.InsecureReportOnly = true
		f := start(t, setup{auth: cfg})
		j.records(t) // that of New
		stream, err := f.many(bearer(t.Context(), f.iss.Token(testutil.Claims{"exp": time.Now().Add(time.Minute).Unix()})))
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			time.Sleep(time.Minute)
			if err := exchange(stream, 10); err != nil {
				t.Fatalf("after %v: %v, want it to go on", time.Minute, err)
			}
		}
		records, events := j.records(t)
		if len(records) != 1 || records[0]["msg"] != "would refuse token" || records[0]["code"] != "token_expired" || len(events) != 2 || !events[1].ReportOnly {
			t.Errorf("records %v, events %v, want one record and one event of the end", records, events)
		}
	})
}

// net/http drops a www-authenticate of a trailer, so that behind
// grpc.Server.ServeHTTP it is in the header.
func TestServeHTTP(t *testing.T) {
	t.Parallel()

	for _, secure := range []bool{false, true} {
		var errorLog journal
		s := setup{listener: listen(t), net: &http.Server{ErrorLog: slog.NewLogLogger(slog.NewTextHandler(&errorLog, nil), slog.LevelError), Protocols: new(http.Protocols)}}
		s.net.Protocols.SetUnencryptedHTTP2(true)
		s.net.Protocols.SetHTTP2(true)
		if secure {
			certificate := newCertificate(t)
			roots := x509.NewCertPool()
			roots.AddCert(certificate.Leaf)
			s.serverTLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13}
			s.clientTLS = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}
		}
		f := start(t, s)
		good := f.iss.Token(testutil.Claims{"scope": "one"})
		for _, tt := range []struct {
			name      string
			pairs     []string
			code      codes.Code
			challenge string
		}{
			{"a good token", []string{"authorization", "Bearer " + good}, codes.OK, ""},
			{"no token", nil, codes.Unauthenticated, `Bearer scope="one"`},
			{"two tokens", []string{"authorization", "Bearer " + good, "authorization", "Bearer " + good}, codes.Unauthenticated, `Bearer error="invalid_request"`},
			{"no scope", []string{"authorization", "Bearer " + f.iss.Token(nil)}, codes.PermissionDenied, `Bearer error="insufficient_scope", scope="one"`},
		} {
			var header, trailer metadata.MD
			err := f.conn.Invoke(with(t.Context(), tt.pairs...), "/test.Echo/One", wrapperspb.String("x"), new(wrapperspb.StringValue), grpc.Header(&header), grpc.Trailer(&trailer))
			got := strings.Join(append(header["www-authenticate"], trailer["www-authenticate"]...), "|")
			if status.Code(err) != tt.code || got != tt.challenge {
				t.Errorf("TLS %t: %s: %v, www-authenticate = %s, want %v, %s", secure, tt.name, err, got, tt.code, tt.challenge)
			}
		}

		stream, err := f.many(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		err = stream.RecvMsg(new(wrapperspb.StringValue))
		header, _ := stream.Header()
		if got := strings.Join(header["www-authenticate"], "|"); status.Code(err) != codes.Unauthenticated || got != "Bearer" {
			t.Errorf("TLS %t: a stream without a token: %v, www-authenticate = %s, want Unauthenticated, Bearer", secure, err, got)
		}
		if got := errorLog.text(); got != "" {
			t.Errorf("TLS %t: net/http has logged %s", secure, got)
		}
	}
}

// A stream that has begun has sent its header, so that its end has no
// challenge behind net/http. The status says what has happened.
func TestServeHTTP_streamEnds(t *testing.T) {
	t.Parallel()

	var errorLog journal
	s := setup{listener: listen(t), leeway: -1, net: &http.Server{ErrorLog: slog.NewLogLogger(slog.NewTextHandler(&errorLog, nil), slog.LevelError), Protocols: new(http.Protocols)}}
	s.net.Protocols.SetUnencryptedHTTP2(true)
	f := start(t, s)
	var begun atomic.Bool
	stream, err := f.many(bearer(t.Context(), f.iss.Token(testutil.Claims{"exp": time.Now().Add(2 * time.Second).Unix()})))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		err = exchange(stream, 1)
		begun.CompareAndSwap(false, err == nil)
	}
	if !begun.Load() || status.Code(err) != codes.Unauthenticated || reasonOf(err) != "invalid_token" {
		t.Errorf("a stream that has begun: %t, its end: %v (%s), want Unauthenticated with invalid_token", begun.Load(), err, reasonOf(err))
	}
	if got := errorLog.text(); got != "" {
		t.Errorf("net/http has logged %s", got)
	}
}
