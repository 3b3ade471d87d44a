package redisjwks_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/internal/wantedkid"
)

const (
	setOf1  = `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
	setOf12 = `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},` +
		`{"kty":"OKP","crv":"Ed25519","kid":"2","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
)

// A forced fetch for a key ID gets any response of the last MaxAge that has the
// key, and otherwise one that was requested after it.
func TestTransport_wanted(t *testing.T) {
	for _, tt := range []struct {
		name     string
		stored   string
		age      time.Duration // of what is stored
		kid      string
		now      func(*issuer) // what the issuer has become
		want     string
		requests int
		most     time.Duration
	}{
		{"it is stored", setOf12, 59 * time.Second, "2", nil, "200 " + setOf12, 1, 0},
		{"it was stored a moment ago, and Interval has not passed", setOf12, 0, "2", nil, "200 " + setOf12, 1, 0},
		{"it is stored, and the issuer fails", setOf12, 59 * time.Second, "2", func(i *issuer) { i.status = 503 }, "200 " + setOf12, 1, 0},
		{"it was stored too long ago", setOf12, time.Minute, "2", func(i *issuer) { i.body = setOf1 }, "200 " + setOf1, 2, 0},
		{"too long ago, and the issuer fails", setOf12, time.Minute, "2", func(i *issuer) { i.status = 503 }, "503 ", 2, 0},
		{"it is not stored", setOf1, 30 * time.Second, "2", func(i *issuer) { i.body = setOf12 }, "200 " + setOf12, 2, 0},
		{"it was not stored a moment ago", setOf1, 0, "2", func(i *issuer) { i.body = setOf12 }, "200 " + setOf12, 2, 1250 * time.Millisecond},
		{"it does not exist", setOf1, 30 * time.Second, "2", nil, "200 " + setOf1, 2, 0},
		{"it is not stored, and the issuer fails", setOf1, 30 * time.Second, "2", func(i *issuer) { i.status = 503 }, "503 ", 2, 0},
		{"another one begins like it", setOf1, 30 * time.Second, "12", func(i *issuer) { i.body = setOf12 }, "200 " + setOf12, 2, 0},
		{"no key set is stored", "one", 30 * time.Second, "one", func(i *issuer) { i.body = setOf12 }, "200 " + setOf12, 2, 0},
		{"any key", setOf12, 30 * time.Second, "", func(i *issuer) { i.body = setOf1 }, "200 " + setOf1, 2, 0},
	} {
		bubbleOf(t, tt.name, func(t *testing.T, f *fleet) {
			f.iss.body = tt.stored
			get(t, f.process())
			time.Sleep(tt.age)
			if tt.now != nil {
				f.iss.set(tt.now)
			}
			start := time.Now()
			got, _ := getIn(wantedkid.With(t.Context(), tt.kid), f.process(), forced...)
			f.want("forced", got, tt.want, tt.requests)
			if took := time.Since(start); took > tt.most {
				t.Errorf("it took %v, want %v at most", took, tt.most)
			}
		})
	}
}

// A key that the fetch in progress brings is not fetched again, although that
// fetch began before. One that it does not bring is.
func TestTransport_wantedFromFlight(t *testing.T) {
	for _, tt := range []struct {
		kid, want string
		requests  int
		most      time.Duration
	}{
		{"2", setOf12, 2, 400 * time.Millisecond},
		{"3", setOf12, 3, 1700 * time.Millisecond},
	} {
		bubbleOf(t, tt.kid, func(t *testing.T, f *fleet) {
			f.iss.body = setOf1
			get(t, f.process())
			time.Sleep(30 * time.Second)
			f.iss.set(func(i *issuer) { i.takes, i.body = 200*time.Millisecond, setOf12 })
			go get(t, f.process(), forced...)
			time.Sleep(10 * time.Millisecond)
			start := time.Now()
			got, h := getIn(wantedkid.With(t.Context(), tt.kid), f.process(), forced...)
			f.want("forced during a fetch", got, "200 "+tt.want, tt.requests)
			if took := time.Since(start); took > tt.most {
				t.Errorf("it took %v, want %v at most", took, tt.most)
			}
			if tt.kid == "2" && h.Get("Age") == "" {
				t.Error("there is no Age, which says that the response may be older than the request")
			}
		})
	}
}

func bubbleOf(t *testing.T, name string, test func(t *testing.T, f *fleet)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) { test(t, newFleet(t)) })
	})
}

// A response that an attacker has put in place has no key, whatever is in it.
func TestTransport_wantedFromAttacker(t *testing.T) {
	bubble(t, func(t *testing.T, f *fleet) {
		f.iss.body = setOf1
		get(t, f.process())
		time.Sleep(30 * time.Second)
		f.store.Change(func(good, _ *[]byte, goodSeq, _ *int64) {
			*good, *goodSeq = []byte(strings.Repeat("x", 32)+`{"url":"`+url+`","body":"`+setOf12+`"}`), *goodSeq+1
		})
		got, _ := getIn(wantedkid.With(t.Context(), "2"), f.process(), "Cache-Control", "no-cache")
		f.want("forced", got, "200 "+setOf1, 2)
	})
}
