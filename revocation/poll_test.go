package revocation_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/revocation"
	"github.com/rsguard/rsguard/testutil"
)

// A pollBody is what an EventPoller sends.
type pollBody struct {
	MaxEvents         int
	ReturnImmediately bool
	Ack               []string
	SetErrs           map[string]struct{ Err, Description string }
}

// A transmitter answers one request after the other. When it has no more
// answers, it holds the request until it ends.
type transmitter struct {
	answers []func(*http.Request) (int, string)
	got     []pollBody
	at      []time.Time
	fields  []http.Header
	retry   string // Retry-After, 7 if empty
}

func (tr *transmitter) RoundTrip(req *http.Request) (*http.Response, error) {
	var body pollBody
	if err := json.NewDecoder(req.Body).Decode(&body); err != nil {
		return nil, err
	}
	tr.got, tr.at, tr.fields = append(tr.got, body), append(tr.at, time.Now()), append(tr.fields, req.Header)
	if len(tr.answers) == 0 {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	answer := tr.answers[0]
	tr.answers = tr.answers[1:]
	status, text := answer(req)
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}, "Retry-After": {cmp.Or(tr.retry, "7")}},
		Body: io.NopCloser(bytes.NewReader([]byte(text))), Request: req,
	}, nil
}

func says(status int, text string) func(*http.Request) (int, string) {
	return func(*http.Request) (int, string) { return status, text }
}

func setsOf(sets map[string]string) string {
	text, _ := json.Marshal(map[string]any{"sets": sets})
	return string(text)
}

func session(t *testing.T, iss *testutil.Issuer, jti string) string {
	t.Helper()
	return set(t, iss, testutil.Claims{
		"jti": jti, "sub_id": object{"format": "opaque", "id": "s-" + jti}, "events": object{caep + "session-revoked": object{}},
	}, nil)
}

func pollFor(t *testing.T, d time.Duration, r *revocation.EventReceiver, tr *transmitter, change func(*revocation.PollConfig)) *revocation.EventPoller {
	t.Helper()
	cfg := revocation.PollConfig{Receiver: r, URL: "https://login.example.com/poll", Client: &http.Client{Transport: tr}}
	if change != nil {
		change(&cfg)
	}
	p, err := revocation.NewEventPoller(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if err := p.Poll(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Poll() = %v, want the context's error", err)
	}
	return p
}

func TestEventPoller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(t)
		list := new(recorder)
		r := newEventReceiver(t, iss, list, nil)
		tr := &transmitter{answers: []func(*http.Request) (int, string){
			says(200, setsOf(map[string]string{"1": session(t, iss, "1"), "2": "no token", "3": session(t, iss, "4")})),
			says(200, setsOf(map[string]string{"5": session(t, iss, "5")})),
			says(200, `{}`),
		}}
		p := pollFor(t, time.Minute, r, tr, func(c *revocation.PollConfig) {
			c.MaxEvents = 7
			c.Authorize = func(req *http.Request) error { req.Header.Set("Authorization", "Bearer x"); return nil }
		})
		if len(tr.got) != 4 {
			t.Fatalf("requests = %+v, want 4", tr.got)
		}
		for i, want := range []string{"", "en", "", ""} { // the second one has errors
			if got := tr.fields[i].Get("Content-Language"); got != want {
				t.Errorf("request %d: Content-Language = %q, want %q", i, got, want)
			}
		}
		if first := tr.got[0]; first.MaxEvents != 7 || first.ReturnImmediately || len(first.Ack) > 0 || tr.fields[0].Get("Authorization") != "Bearer x" {
			t.Errorf("first request = %+v", first)
		}
		second := tr.got[1]
		if !slices.Equal(second.Ack, []string{"1"}) || !second.ReturnImmediately || len(second.SetErrs) != 2 ||
			second.SetErrs["2"].Err != "invalid_request" || second.SetErrs["3"].Err != "invalid_request" || second.SetErrs["2"].Description == "" {
			t.Errorf("second request = %+v, want 1 acknowledged, 2 and 3 as errors, and no waiting", second)
		}
		if third := tr.got[2]; !slices.Equal(third.Ack, []string{"5"}) || len(third.SetErrs) > 0 {
			t.Errorf("third request = %+v, want 5 acknowledged and no error", third)
		}
		if last := tr.got[3]; len(last.Ack) > 0 || last.ReturnImmediately {
			t.Errorf("last request = %+v, want nothing acknowledged, and waiting", last)
		}
		if wait := tr.at[3].Sub(tr.at[2]); wait < revocation.DefaultPollInterval/2 {
			t.Errorf("after an empty answer, the next request came after %v", wait)
		}
		if got := list.take(); len(got) != 2 || got[0].SessionID != "s-1" || got[1].SessionID != "s-5" {
			t.Errorf("rules = %+v, want those of sessions s-1 and s-5", got)
		}
		if s := p.Status(); s.Err != nil || s.Answered.IsZero() {
			t.Errorf("Status() = %+v", s)
		}
	})
}

// What could not be taken is neither acknowledged nor an error, and what could
// not be acknowledged is acknowledged later.
func TestEventPoller_failures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(t)
		list := new(recorder)
		r := newEventReceiver(t, iss, list, nil)
		list.fail(errors.New("down"))
		again := setsOf(map[string]string{"1": session(t, iss, "1")})
		tr := &transmitter{answers: []func(*http.Request) (int, string){
			says(200, again),
			func(*http.Request) (int, string) { list.fail(nil); return 200, again },
			says(503, ""),
			says(302, ""),
			says(200, "<html>"),
			says(200, `{"sets":[]}`),
			says(200, `{"sets":{"1":1}}`),
			says(200, `{"sets":{"1":"`+strings.Repeat("a", 4<<20)+`"}}`),
			says(200, `{}`),
		}}
		p := pollFor(t, 10*time.Minute, r, tr, nil)
		if len(tr.got) < 10 {
			t.Fatalf("requests = %d, want 10 or more", len(tr.got))
		}
		if len(tr.got[1].Ack)+len(tr.got[1].SetErrs) > 0 {
			t.Errorf("after a List that fails: request = %+v, want neither ack nor setErrs", tr.got[1])
		}
		for i := 2; i < 9; i++ {
			if !slices.Equal(tr.got[i].Ack, []string{"1"}) {
				t.Errorf("request %d = %+v, want 1 acknowledged until an answer comes", i, tr.got[i])
			}
		}
		if len(tr.got[9].Ack) > 0 {
			t.Errorf("request 9 = %+v, want nothing acknowledged twice", tr.got[9])
		}
		if wait := tr.at[3].Sub(tr.at[2]); wait != 7*time.Second {
			t.Errorf("after Retry-After: 7, the next request came after %v", wait)
		}
		if got := len(list.take()); got != 1 {
			t.Errorf("rules = %d, want 1", got)
		}
		if s := p.Status(); s.Failures != 0 {
			t.Errorf("Status() = %+v", s)
		}
	})
}

// A transmitter that is gone is asked about once a minute, and seen to be gone.
func TestEventPoller_gone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(t)
		requests := 0
		gone := &http.Client{Transport: transportFunc(func(*http.Request) (*http.Response, error) {
			requests++
			return nil, errors.New("connection refused")
		})}
		p := pollFor(t, time.Hour, newEventReceiver(t, iss, new(recorder), nil), nil, func(c *revocation.PollConfig) { c.Client = gone })
		if requests < 60 || requests > 140 {
			t.Errorf("requests in an hour = %d, want about one a minute", requests)
		}
		if s := p.Status(); s.Err == nil || s.Failures != requests || !s.Answered.IsZero() {
			t.Errorf("Status() = %+v, want %d failures", s, requests)
		}
	})
}

// A SET that is rejected each time must not be asked for without end.
func TestEventPoller_sameErrorAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(t)
		tr := &transmitter{}
		for range 1000 {
			tr.answers = append(tr.answers, says(200, `{"sets":{"1":"no token"}}`))
		}
		pollFor(t, time.Minute, newEventReceiver(t, iss, new(recorder), nil), tr, nil)
		if n := len(tr.got); n > 121 {
			t.Errorf("requests in a minute = %d, want 120 at most", n)
		}
	})
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestNewEventPoller_faults(t *testing.T) {
	t.Parallel()
	_, err := revocation.NewEventPoller(revocation.PollConfig{
		Receiver: new(revocation.EventReceiver), URL: "http://login.example.com/poll", MaxEvents: 1001, Wait: -1, Interval: -1,
	})
	if err == nil {
		t.Fatal("NewEventPoller(a bad Config) error = nil")
	}
	for _, want := range []string{"Receiver", "URL", "MaxEvents", "Wait", "Interval"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("NewEventPoller(a bad Config) error = %v, want %s in it", err, want)
		}
	}
}

// A Retry-After is read as those of issuers are: it may be a date, and one that
// is too long for a number is a long time.
func TestPoll_retryAfter(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		retry func() string
		want  time.Duration
	}{
		{"seconds", func() string { return "13" }, 13 * time.Second},
		{"more than a minute", func() string { return "61" }, time.Minute},
		{"more than 16 bits", func() string { return "65549" }, time.Minute},
		{"too many digits", func() string { return strings.Repeat("9", 40) }, time.Minute},
		{"a date", func() string { return time.Now().Add(17 * time.Second).UTC().Format(http.TimeFormat) }, 17 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newEventReceiver(t, newIssuer(t), new(recorder), nil)
				tr := &transmitter{retry: tt.retry(), answers: []func(*http.Request) (int, string){says(503, "")}}
				pollFor(t, 5*time.Minute, r, tr, nil)
				if len(tr.at) < 2 || tr.at[1].Sub(tr.at[0]) != tt.want {
					t.Errorf("after Retry-After: %s, requests at %v, want the second %v after the first", tr.retry, tr.at, tt.want)
				}
			})
		})
	}
}
