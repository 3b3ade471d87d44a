package revocation_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/observe"
	"github.com/rsguard/rsguard/revocation"
)

// A transport answers one request after the other in its own way, and then
// holds them.
type transport []func(*http.Request) (*http.Response, error)

func (tr *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if len(*tr) == 0 {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	answer := (*tr)[0]
	*tr = (*tr)[1:]
	return answer(req)
}

func answers(status int, mediaType string, body io.Reader) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Header: http.Header{"Content-Type": {mediaType}}, Body: io.NopCloser(body), Request: req,
		}, nil
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("reset by peer") }

// Each request is told with its outcome, and the feed is late from a failure to
// the next answer.
func TestPollConfig_Observe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const isJSON = "application/json"
		tr := &transport{
			answers(200, isJSON, strings.NewReader(`{}`)),
			func(*http.Request) (*http.Response, error) { return nil, errors.New("refused") },
			answers(503, isJSON, strings.NewReader("")),
			answers(302, isJSON, strings.NewReader("")),
			answers(200, "text/html", strings.NewReader("<html>")),
			answers(200, isJSON, strings.NewReader(`{"sets":[]}`)),
			answers(200, isJSON, brokenReader{}),
			answers(200, isJSON, bytes.NewReader(make([]byte, 16<<20))),
			answers(200, isJSON, strings.NewReader(`{}`)),
		}
		var requests, states []string
		began := 0
		r := newEventReceiver(t, newIssuer(t), new(recorder), nil)
		cfg := revocation.PollConfig{
			Receiver: r, URL: "https://login.example.com:8443/poll?secret=1", Client: &http.Client{Transport: tr},
			Observe: func(_ context.Context, e observe.Event) {
				if e.Part != observe.Revocation || e.Name != "login.example.com:8443" || e.Time.IsZero() {
					t.Errorf("event = %v, want part revocation and the host", e)
				}
				switch e.Kind {
				case observe.RequestBegan:
					began++
				case observe.RequestEnded:
					requests = append(requests, fmt.Sprint(e.Request, " ", e.Outcome, " ", e.Status))
				case observe.StateChanged:
					states = append(states, fmt.Sprint(e.Was, " ", e.State, " ", e.Failing))
				}
			},
		}
		p, err := revocation.NewEventPoller(cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), revocation.DefaultPollWait+5*time.Minute)
		defer cancel()
		_ = p.Poll(ctx)
		want := []string{
			"feed ok 200", "feed unreachable 0", "feed status 503", "feed redirect 302", "feed malformed 200", "feed malformed 200",
			"feed unreachable 200", "feed too_large 200", "feed ok 200", "feed timeout 0",
		}
		if len(requests) < len(want)+1 || !slices.Equal(requests[:len(want)], want) || requests[len(requests)-1] != "feed canceled 0" {
			t.Errorf("requests = %q, want first %q and at last feed canceled 0", requests, want)
		}
		if began != len(requests) {
			t.Errorf("%d requests began and %d ended", began, len(requests))
		}
		if want := []string{"current late true", "late current false"}; !slices.Equal(states, want) {
			t.Errorf("states = %q, want %q", states, want)
		}
	})
}

func TestPollConfig_Observe_panic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss, list := newIssuer(t), new(recorder)
		tr := &transmitter{answers: []func(*http.Request) (int, string){says(200, setsOf(map[string]string{"1": session(t, iss, "1")}))}}
		pollFor(t, time.Minute, newEventReceiver(t, iss, list, func(c *revocation.EventConfig) { c.Logger = slog.New(slog.DiscardHandler) }), tr, func(c *revocation.PollConfig) {
			c.Observe = func(context.Context, observe.Event) { panic("a secret") }
		})
		if got := len(list.take()); got != 1 {
			t.Errorf("rules with an Observe that panics = %d, want 1", got)
		}
	})
}
