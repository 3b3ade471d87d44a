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
	"time"

	"github.com/rsguard/rsguard/internal/fault"
	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/internal/seconds"
	"github.com/rsguard/rsguard/internal/useragent"
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
func (p *eventPoller) ask(ctx context.Context) (map[string]string, error) {
	asked, cancel := context.WithTimeout(ctx, p.cfg.Wait)
	defer cancel()
	req, err := p.request(asked)
	if err != nil {
		return nil, err
	}
	res, err := p.cfg.Client.Do(req)
	if err != nil {
		if !p.cfg.ReturnImmediately && asked.Err() != nil && ctx.Err() == nil && len(p.acks)+len(p.errs) == 0 {
			// Or it is dead, which PollStatus.Answered then shows.
			return nil, errSilent
		}
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		wait := seconds.RetryAfter(res.Header, time.Now(), maxPollBackoff)
		return nil, &pollStatusError{status: res.StatusCode, wait: wait}
	}
	if mediaType, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
		return nil, fmt.Errorf("the transmitter's answer has the Content-Type %.64q, want application/json", res.Header.Get("Content-Type"))
	}
	limit := int64(p.cfg.MaxEvents)*int64(p.receiver.maxSize()+maxName) + maxForm
	body, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(body)) > limit {
		return nil, fmt.Errorf("the transmitter's answer has over %d bytes", limit)
	}
	return readSets(string(body))
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
