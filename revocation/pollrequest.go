package revocation

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/rsguard/rsguard/internal/fault"
	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/internal/seconds"
	"github.com/rsguard/rsguard/internal/useragent"
	"github.com/rsguard/rsguard/observe"
)

// A pollRequest is the body of a request (RFC 8936, Section 2.2).
type pollRequest struct {
	MaxEvents         int                  `json:"maxEvents"`
	ReturnImmediately bool                 `json:"returnImmediately"`
	Ack               []string             `json:"ack,omitempty"`
	SetErrs           map[string]pollError `json:"setErrs,omitempty"`
}

// A pollError says why a SET was rejected (Section 2.6).
type pollError struct {
	Err         string `json:"err"`
	Description string `json:"description"`
}

// A pollStatusError is an answer that is no answer.
type pollStatusError struct {
	status int
	wait   time.Duration // that it asks for, or 0
	err    error
}

func (e *pollStatusError) Error() string {
	if e.err != nil {
		return e.err.Error()
	}
	return fmt.Sprintf("the transmitter answers with status %d", e.status)
}

func (e *pollStatusError) Unwrap() error { return e.err }

// ask sends one request and returns the SETs of its answer by their jti.
func (p *eventPoller) ask(ctx context.Context) (sets map[string]string, err error) {
	asked, cancel := context.WithTimeout(ctx, p.cfg.Wait)
	defer cancel()
	req, err := p.request(asked)
	if err != nil {
		return nil, err
	}
	var body []byte
	status := 0
	err = errEnded // until it is known
	request := p.teller.Begin(ctx, observe.Feed, p.cfg.URL)
	defer func() { request.End(ctx, pollOutcome(ctx, asked, status, err), status, len(body)) }()
	res, err := p.cfg.Client.Do(req)
	if err != nil {
		if !p.cfg.ReturnImmediately && asked.Err() != nil && ctx.Err() == nil && len(p.acks)+len(p.errs) == 0 {
			// Or it is dead, which PollStatus.Answered then shows.
			return nil, errSilent
		}
		return nil, err
	}
	defer res.Body.Close()
	status = res.StatusCode
	if res.StatusCode != http.StatusOK {
		wait := seconds.RetryAfter(res.Header, time.Now(), maxPollBackoff)
		return nil, &pollStatusError{status: res.StatusCode, wait: wait}
	}
	if mediaType, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
		return nil, fmt.Errorf("the transmitter's answer has the Content-Type %.64q, want application/json", res.Header.Get("Content-Type"))
	}
	limit := int64(p.cfg.MaxEvents)*int64(p.receiver.maxSize()+maxName) + maxForm
	if body, err = io.ReadAll(io.LimitReader(res.Body, limit+1)); err != nil {
		return nil, &brokenError{err}
	}
	if int64(len(body)) > limit {
		return nil, &tooLargeError{limit}
	}
	return readSets(string(body))
}

var errEnded = errors.New("the request was ended from within")

// A brokenError is of an answer that has not come to its end.
type brokenError struct{ err error }

func (e *brokenError) Error() string { return e.err.Error() }
func (e *brokenError) Unwrap() error { return e.err }

type tooLargeError struct{ limit int64 }

func (e *tooLargeError) Error() string {
	return fmt.Sprintf("the transmitter's answer has over %d bytes", e.limit)
}

// pollOutcome says how a request has ended, in the context of the caller and in
// that of the request itself.
func pollOutcome(ctx, asked context.Context, status int, err error) observe.Outcome {
	var broken *brokenError
	var large *tooLargeError
	switch {
	case err == nil:
		return observe.OK
	case ctx.Err() != nil:
		return observe.Canceled
	case asked.Err() != nil:
		return observe.Timeout
	case errors.Is(err, errEnded):
		return observe.Failed
	case status == 0 || errors.As(err, &broken):
		return observe.Unreachable
	case status/100 == 3:
		return observe.Redirect
	case status != http.StatusOK:
		return observe.Status
	case errors.As(err, &large):
		return observe.TooLarge
	}
	return observe.Malformed
}

// hostOf returns the host of a URL that was checked.
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Host
}

// maxName is the room for the name of a SET.
const maxName = 512

func (p *eventPoller) request(ctx context.Context) (*http.Request, error) {
	body := pollRequest{MaxEvents: p.cfg.MaxEvents, ReturnImmediately: p.cfg.ReturnImmediately, Ack: p.acks}
	if len(p.errs) > 0 {
		body.SetErrs = make(map[string]pollError, len(p.errs))
		for id, r := range p.errs {
			body.SetErrs[id] = pollError{r.code, r.text}
		}
	}
	if len(p.acks)+len(p.errs) > 0 {
		// An acknowledgment isn't to be held.
		body.ReturnImmediately = true
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.cfg.URL, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	if len(p.errs) > 0 {
		req.Header.Set("Content-Language", "en") // RFC 8936, Section 2.6
	}
	req.Header.Set("User-Agent", useragent.Default())
	if p.cfg.Authorize != nil {
		if panicked := fault.Contain(func() { err = p.cfg.Authorize(req) }); panicked != nil {
			return nil, panicked
		}
		if err != nil {
			return nil, fmt.Errorf("PollConfig.Authorize: %w", err)
		}
	}
	return req, nil
}

// readSets reads the answer to a request (RFC 8936, Section 2.3).
func readSets(body string) (map[string]string, error) {
	members, err := jose.ParseObject(nil, body, jose.DocumentLimits)
	if err != nil {
		return nil, fmt.Errorf("the transmitter's answer can't be read: %w", err)
	}
	value, ok := jose.Lookup(members, "sets")
	if !ok {
		return nil, nil
	}
	if value.Kind() != jose.KindObject {
		return nil, errors.New(`the transmitter's answer has "sets" that is no object`)
	}
	if members, err = jose.ParseObject(nil, value.Raw(), jose.ReadBefore); err != nil {
		return nil, err
	}
	sets := make(map[string]string, len(members))
	for _, m := range members {
		token, ok := m.Value.Text()
		if !ok || m.Name == "" {
			return nil, errors.New(`the transmitter's answer has a member of "sets" that is no string`)
		}
		sets[m.Name] = token
	}
	return sets, nil
}
