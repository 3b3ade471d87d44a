package revocation_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/revocation"
	"github.com/rsguard/rsguard/validator"
)

// A signalVector is a signal of vectors/signals, whose README describes it.
type signalVector struct {
	Name, Why, Kind, Token string
	Config                 struct {
		Issuers            []string `json:"issuers"`
		Audiences          []string `json:"audiences"`
		SessionIDInTokens  bool     `json:"session_id_in_tokens"`
		AllowMissingExpiry bool     `json:"allow_missing_expiry"`
		TokenIssuers       []string `json:"token_issuers"`

		CriticalSubjectMembers []string `json:"critical_subject_members"`
	}
	Now     int64
	Want    string
	Revokes []struct {
		Issuer       string `json:"iss"`
		ID           string `json:"jti"`
		Subject      string `json:"sub"`
		SessionID    string `json:"sid"`
		ClientID     string `json:"client_id"`
		OrgID        string `json:"org_id"`
		IssuedBefore int64  `json:"issued_before"`
	}
}

func (v *signalVector) rules() (rules []revocation.Rule) {
	for _, r := range v.Revokes {
		rule := revocation.Rule{Issuer: r.Issuer, ID: r.ID, Subject: r.Subject, SessionID: r.SessionID, ClientID: r.ClientID, OrgID: r.OrgID}
		if r.IssuedBefore != 0 {
			rule.IssuedBefore = time.Unix(r.IssuedBefore, 0).UTC()
		}
		rules = append(rules, rule)
	}
	return rules
}

// The receivers decide as the vectors say, and revoke what they say.
func TestSignalVectors(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "vectors", "signals", "signals.json")
	data, err := os.ReadFile(path)
	if abs, absErr := filepath.Abs(path); errors.Is(err, fs.ErrNotExist) && absErr == nil && strings.Contains(abs, "@v") {
		t.Skip("a downloaded module comes without the vectors")
	}
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		About   string
		KeySet  json.RawMessage `json:"key_set"`
		Vectors []signalVector
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	keys, err := jwks.Parse(file.KeySet)
	if err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) < 60 {
		t.Errorf("%d vectors, want 60 at least", len(file.Vectors))
	}
	for _, v := range file.Vectors {
		t.Run(v.Kind+": "+v.Name, func(t *testing.T) {
			t.Parallel()
			list := new(recorder)
			sender := validator.Config{
				Issuers: v.Config.Issuers, Audiences: v.Config.Audiences, Keys: keys,
				Now: func() time.Time { return time.Unix(v.Now, 0) },
			}
			var w *httptest.ResponseRecorder
			var status int
			switch v.Kind {
			case "logout":
				r, err := revocation.NewLogoutReceiver(revocation.LogoutConfig{
					Sender: sender, List: list, Logger: quiet(),
					SessionIDInTokens: v.Config.SessionIDInTokens, AllowMissingExpiry: v.Config.AllowMissingExpiry,
				})
				if err != nil {
					t.Fatal(err)
				}
				w, status = postLogout(r, v.Token), http.StatusOK
			case "set":
				r, err := revocation.NewEventReceiver(revocation.EventConfig{
					Sender: sender, List: list, Logger: quiet(),
					SessionIDInTokens: v.Config.SessionIDInTokens, TokenIssuers: v.Config.TokenIssuers,
					CriticalSubjectMembers: v.Config.CriticalSubjectMembers,
				})
				if err != nil {
					t.Fatal(err)
				}
				w, status = push(r, v.Token), http.StatusAccepted
			default:
				t.Fatalf("unknown kind %q", v.Kind)
			}
			if got, want := list.take(), v.rules(); !slices.Equal(got, want) {
				t.Errorf("rules = %+v, want %+v: %s", got, want, v.Why)
			}
			if v.Want == "accept" {
				if w.Code != status {
					t.Errorf("response = %d %s, want %d: %s", w.Code, w.Body, status, v.Why)
				}
				return
			}
			want := v.Want
			var body struct{ Err, Error string }
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Errorf("response = %d %s, want JSON", w.Code, w.Body)
			}
			got := body.Err
			if v.Kind == "logout" {
				got, want = body.Error, "invalid_request"
			}
			if w.Code != http.StatusBadRequest || got != want {
				t.Errorf("response = %d %s, want 400 %s: %s", w.Code, w.Body, want, v.Why)
			}
		})
	}
}
