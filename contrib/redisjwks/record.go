package redisjwks

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rsguard/rsguard/internal/seconds"
)

// maxBody bounds a response, as in package jwks. A stored one is larger by its
// encoding.
const (
	maxBody   = 1 << 20
	maxStored = maxBody/3*4 + 128<<10
)

// A record is a response, or a failure, as it is stored.
type record struct {
	URL    string            `json:"url"`
	Seq    int64             `json:"seq"`
	Time   time.Time         `json:"time"`             // when the fetch began
	Status int               `json:"status,omitempty"` // zero if there was no response
	Header map[string]string `json:"header,omitempty"`
	Body   []byte            `json:"body,omitempty"`
	Error  string            `json:"error,omitempty"`
}

// kept are the fields of a response that a jwks.Cache reads.
var kept = []string{"Age", "Cache-Control", "Content-Type", "Etag", "Location", "Retry-After"}

// maxField is the length of the longest field that is kept.
const maxField = 2 << 10

var errTooLarge = errors.New("redisjwks: the body is over 1 MiB")

// read reads a response and closes it. A 304 confirms the response that is
// held.
func (r *record) read(res *http.Response, held *record) error {
	defer res.Body.Close()
	r.Status, r.Header = res.StatusCode, map[string]string{}
	for _, name := range kept {
		if value := strings.Join(res.Header.Values(name), ", "); value != "" && len(value) <= maxField {
			r.Header[name] = value
		}
	}
	switch {
	case res.StatusCode == http.StatusNotModified && held != nil:
		// RFC 9111, Section 4.3.4: fields that a 304 lacks keep their values.
		fresh := r.Header
		r.Status, r.Body, r.Header = http.StatusOK, held.Body, maps.Clone(held.Header)
		delete(r.Header, "Age")
		maps.Copy(r.Header, fresh)
		return nil
	case res.StatusCode != http.StatusOK:
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	switch {
	case err != nil:
		return err
	case len(body) > maxBody:
		return errTooLarge
	}
	r.Body = body
	return nil
}

// response returns the response to another request than the record was made for.
func (r *record) response(req *http.Request) *http.Response {
	res := r.firstHand(req)
	// RFC 9111, Section 4.2.3: the age that it had, and that it has here.
	age := max(time.Since(r.Time), 0) + seconds.Age(res.Header)
	res.Header.Set("Age", strconv.FormatInt(int64(age/time.Second), 10))
	return res
}

// firstHand returns the response to the request that the record was made for.
// It has an Age only if the issuer's had one, since an Age says that a response
// is a cache's (RFC 9111, Section 5.1).
func (r *record) firstHand(req *http.Request) *http.Response {
	status, body := http.StatusOK, r.Body
	if etag := r.Header["Etag"]; etag != "" && matches(req.Header.Get("If-None-Match"), etag) {
		status, body = http.StatusNotModified, nil
	}
	res := newResponse(req, status, body)
	for name, value := range r.Header {
		res.Header.Set(name, value)
	}
	return res
}

// failure returns a failure, which lasts for so long.
func (r *record) failure(req *http.Request, left time.Duration) (*http.Response, error) {
	if r.Status == 0 {
		return nil, fmt.Errorf("redisjwks: another process could not fetch: %s", r.Error)
	}
	res := newResponse(req, r.Status, nil)
	if location := r.Header["Location"]; location != "" {
		res.Header.Set("Location", location)
	}
	if r.Header["Retry-After"] != "" {
		// The issuer isn't asked before, and may be asked then.
		res.Header.Set("Retry-After", seconds.RoundUp(left))
	}
	return res, nil
}

func newResponse(req *http.Request, status int, body []byte) *http.Response {
	return &http.Response{
		Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}
}

// retryAfter returns how long the issuer asks to wait, at most most.
func (r *record) retryAfter(most time.Duration) time.Duration {
	h := http.Header{"Retry-After": {r.Header["Retry-After"]}}
	return seconds.RetryAfter(h, time.Now(), most)
}

// matches reports whether an If-None-Match lists an ETag (RFC 9110, Section
// 13.1.2), by weak comparison.
func matches(list, etag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		if strings.TrimPrefix(strings.TrimSpace(one), "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}

// clipped bounds a text that may be a server's.
func clipped(text string) string {
	const most = 256
	if len(text) <= most {
		return text
	}
	end := most
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// A seal authenticates records. Its keys are derived, so that the name of a
// record is no help with its seal.
type seal struct{ names, records []byte }

func newSeal(key []byte) *seal {
	if len(key) == 0 {
		key = []byte("there is no secret: InsecureUnsealed") // a checksum, then
	}
	derive := func(purpose string) []byte {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte("rsguard redisjwks " + purpose))
		return mac.Sum(nil)
	}
	return &seal{derive("name"), derive("record")}
}

func (s *seal) mac(key, data []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(data)
	return mac.Sum(nil)
}

// name returns the name of a URL's record. Processes with another Key have
// another.
func (s *seal) name(url string) string { return hex.EncodeToString(s.mac(s.names, []byte(url))[:16]) }

func (s *seal) close(r *record) []byte {
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // it has strings, numbers and a time of today
	}
	return append(s.mac(s.records, text), text...)
}

func (s *seal) open(blob []byte) (*record, error) {
	if len(blob) < sha256.Size || len(blob) > maxStored {
		return nil, fmt.Errorf("it has %d bytes", len(blob))
	}
	text := blob[sha256.Size:]
	if !hmac.Equal(s.mac(s.records, text), blob[:sha256.Size]) {
		return nil, errors.New("it is not that of the Key")
	}
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, err
	}
	return &r, nil
}
