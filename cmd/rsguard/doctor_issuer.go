package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/internal/seconds"
	"github.com/rsguard/rsguard/internal/secureurl"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/observe"
	"github.com/rsguard/rsguard/validator"
)

const (
	slow       = time.Second         // for a response that the first requests of a service wait for
	endsSoon   = 14 * 24 * time.Hour // for a certificate
	fewLeftOut = 3
)

// issuer fetches an issuer's keys as the service would. It returns nil if there
// are none.
func (d *examiner) issuer(ctx context.Context, issuer string) jwks.Set {
	d.report.begin(issuer)
	cfg := d.cache(issuer)
	cfg.FallbackURLs = nil
	keys, seen := d.fetch(ctx, cfg)
	d.clock(seen)
	d.tls(seen)
	d.keys(issuer, keys)
	d.names(issuer)
	for _, address := range d.Fallbacks {
		d.fallback(ctx, issuer, address, keys)
	}
	return keys
}

// fetch fetches keys by a Cache, and reports on each request of its.
func (d *examiner) fetch(ctx context.Context, cfg jwks.Config) (jwks.Set, []exchange) {
	transport := d.recorder()
	events := newTold()
	cfg.Client, cfg.Observe = &http.Client{Transport: transport}, events.observe
	cache, err := jwks.NewCache(cfg)
	if err != nil {
		d.report.add(change, "keys", inFlags(firstLine(err)), "correct it: the service would not start")
		return nil, nil
	}
	err = cache.Refresh(ctx)
	ended, seen := events.all(ctx, d.Timeout), transport.exchanges()
	if ctx.Err() != nil {
		return nil, nil
	}
	before := d.report.count(change)
	for i := range min(len(ended), len(seen)) {
		d.request(ended[i], &seen[i], err == nil)
	}
	if err != nil {
		if d.report.count(change) == before { // otherwise the line of the request says why
			d.report.add(change, "keys", "none: "+inFlags(firstLine(err)), "what it says. Until then, every token gets 503")
		}
		return nil, seen
	}
	status := cache.Status()
	for i, reason := range status.LeftOut {
		if i == fewLeftOut {
			d.report.add(consider, "keys", fmt.Sprintf("and %d more are left out", len(status.LeftOut)-i), "see above")
			break
		}
		d.report.add(consider, "keys", "one is left out: "+reason, "nothing, unless tokens are signed by it")
	}
	keys, err := cache.Keys(ctx, "")
	if err != nil {
		return nil, seen
	}
	return keys, seen
}

// request reports on one request of a fetch, which has succeeded or not.
func (d *examiner) request(e observe.Event, x *exchange, succeeded bool) {
	subject, flag := "metadata", "-metadata, or -jwks,"
	if e.Request == observe.Metadata && e.Outcome == observe.OK && e.Name == d.Issuers[0] {
		d.metadata = x.body
	}
	if e.Request == observe.KeySet {
		subject, flag = "key set", "-jwks"
	}
	switch l := map[bool]level{true: consider, false: change}[succeeded]; {
	case e.Outcome == observe.OK && x.took() > slow:
		d.report.add(consider, subject, x.shown(),
			"see why it is slow: the first requests after a start wait for it, unless the service calls jwks.Cache.Refresh before")
	case e.Outcome == observe.OK:
		d.report.add(good, subject, x.shown(), "")
	case succeeded && e.Outcome == observe.Status && e.Status == http.StatusNotFound:
		d.report.add(good, subject, x.shown()+", and there is the other address of RFC 8414", "")
	case e.Outcome == observe.OtherIssuer && x.issuer() != "":
		found := fmt.Sprintf("%s: it is the metadata of %.256q", x.shown(), x.issuer())
		if difference := secureurl.Difference(x.issuer(), e.Name); difference != "" {
			found += ", and " + difference
		}
		d.report.add(l, subject, found, fmt.Sprintf("set -issuer to %.256q, if the tokens have that in iss. "+
			"If they have %.256q, set -jwks to the URL of its key set", x.issuer(), e.Name))
	case e.Outcome == observe.OtherIssuer:
		d.report.add(l, subject, x.shown()+fmt.Sprintf(", which is no metadata: %s", x.about()), x.advice(observe.Malformed, flag))
	default:
		d.report.add(l, subject, fmt.Sprintf("%s, %s", x.shown(), x.found(e.Outcome)), x.advice(e.Outcome, flag))
	}
}

// found says what was wrong with a response.
func (e *exchange) found(outcome observe.Outcome) string {
	switch outcome {
	case observe.Timeout:
		return "no complete answer in time"
	case observe.Unreachable:
		if e.err != nil {
			return firstLine(e.err)
		}
		return "the connection broke"
	case observe.Malformed:
		return "which can't be read: " + e.about()
	}
	return strings.ReplaceAll(string(outcome), "_", " ")
}

// about describes a body that is not what was asked for.
func (e *exchange) about() string {
	switch {
	case e.isPage():
		return "a page of HTML"
	case !json.Valid(e.body):
		return fmt.Sprintf("no valid JSON, of %s", count(len(e.body), "byte"))
	}
	return fmt.Sprintf("JSON without what is needed, of %s", count(len(e.body), "byte"))
}

// issuer returns the name in metadata.
func (e *exchange) issuer() string {
	var metadata struct {
		Issuer string `json:"issuer"`
	}
	_ = json.Unmarshal(e.body, &metadata) // what can't be read names none
	return metadata.Issuer
}

// clock compares the issuer's clock with ours, by the Date of its first response
// (RFC 9110, Section 6.6.1) and what a cache has added to it.
func (d *examiner) clock(seen []exchange) {
	for _, e := range seen {
		if e.res == nil {
			continue
		}
		date, err := http.ParseTime(e.res.Header.Get("Date"))
		if err != nil {
			continue
		}
		theirs := date.Add(seconds.Age(e.res.Header) + time.Second/2) // a Date has whole seconds
		ours := e.began.Add(e.ended.Sub(e.began) / 2)
		apart := theirs.Sub(ours).Round(time.Second)
		found := fmt.Sprintf("that of %s is %v ahead of this machine's", e.host(), apart)
		switch {
		case apart == 0:
			found = fmt.Sprintf("that of %s agrees with this machine's", e.host())
		case apart < 0:
			found = fmt.Sprintf("that of %s is %v behind this machine's", e.host(), -apart)
		}
		switch remedy := "set the clock of this machine by NTP. If it is right, the issuer's is wrong"; {
		case apart.Abs() > d.leeway()+time.Second:
			d.report.add(change, "clock", fmt.Sprintf("%s, over the %v that are accepted: new tokens are rejected, or ended ones accepted", found, d.leeway()), remedy)
		case apart.Abs() > max(d.leeway()/3, 2*time.Second):
			d.report.add(consider, "clock", found, remedy)
		default:
			d.report.add(good, "clock", found, "")
		}
		return
	}
	if slices.ContainsFunc(seen, func(e exchange) bool { return e.res != nil }) {
		d.report.add(consider, "clock", "the issuer's responses have no Date", "compare the clocks yourself")
	}
}

// tls looks at the connections, once for each host.
func (d *examiner) tls(seen []exchange) {
	var hosts []string
	for _, e := range seen {
		if e.res == nil || slices.Contains(hosts, e.host()) {
			continue
		}
		hosts = append(hosts, e.host())
		state := e.res.TLS
		if state == nil || len(state.PeerCertificates) == 0 {
			d.report.add(consider, "TLS", "there is none with "+e.host(), "nothing if this is for development. For anything else, use https")
			continue
		}
		end := state.PeerCertificates[0].NotAfter
		found := fmt.Sprintf("%s with %s, whose certificate ends on %s", tls.VersionName(state.Version), e.host(), end.UTC().Format(time.DateOnly))
		if end.Sub(d.now()) < endsSoon {
			d.report.add(consider, "TLS", found, "have the issuer's operator renew it: after that no keys can be fetched")
			continue
		}
		d.report.add(good, "TLS", found, "")
	}
}

// keys looks for a key for each algorithm.
func (d *examiner) keys(issuer string, keys jwks.Set) {
	if keys == nil {
		return
	}
	for _, alg := range d.algorithms() {
		var ids []string
		for _, key := range keys {
			if signs(key, string(alg), issuer) {
				ids = append(ids, fmt.Sprintf("%.64q", key.ID))
			}
		}
		if len(ids) > 0 {
			d.report.add(good, "keys", fmt.Sprintf("%s for %s: %s", count(len(ids), "key"), alg, strings.Join(ids[:min(len(ids), 5)], ", ")), "")
			continue
		}
		d.report.add(change, "keys", fmt.Sprintf("no key for %s; those of the key set are for %s", alg, strings.Join(algorithmsOf(keys, issuer), ", ")),
			fmt.Sprintf("set -algorithm to what the issuer signs this API's access tokens by, or have it sign by %s", alg))
	}
	var others []string
	for _, key := range keys {
		allowed := slices.ContainsFunc(d.algorithms(), func(alg validator.Algorithm) bool { return signs(key, string(alg), issuer) })
		if key.Algorithm != "" && !allowed && !slices.Contains(others, key.Algorithm) {
			others = append(others, key.Algorithm)
		}
	}
	if len(others) > 0 {
		d.report.add(consider, "keys", fmt.Sprintf("there are keys for %s too, which is not allowed", strings.Join(others, ", ")),
			"nothing, unless the issuer signs access tokens by it. Then add it with -algorithm")
	}
}

// signs reports whether tokens of issuer that are signed by alg may have this
// key.
func signs(key jwks.Key, alg, issuer string) bool {
	if key.Algorithm != "" && !jose.SameAlgorithm(key.Algorithm, alg) || !jose.Fits(alg, key.Public) {
		return false
	}
	// The tenant is a segment of the name of Microsoft's issuers.
	return slices.ContainsFunc(strings.Split(issuer, "/"), func(tenant string) bool { return key.SignsFor(issuer, tenant) })
}

// algorithmsOf lists what keys are for.
func algorithmsOf(keys jwks.Set, issuer string) (names []string) {
	for _, alg := range jose.PublicKeyAlgorithms() {
		if slices.ContainsFunc(keys, func(k jwks.Key) bool { return signs(k, alg, issuer) && jose.OlderName(alg) == alg }) {
			names = append(names, alg)
		}
	}
	if names == nil {
		return []string{"other issuers"}
	}
	return names
}

// names says which other names an issuer may have in tokens.
func (d *examiner) names(issuer string) {
	u, err := url.Parse(issuer)
	if err != nil || !strings.HasSuffix(u.Hostname(), ".auth0.com") {
		return
	}
	if u.Path != "/" {
		d.report.add(change, "names", fmt.Sprintf("the tokens of %s have a slash at the end of iss", u.Host), fmt.Sprintf("set -issuer to %q", "https://"+u.Host+"/"))
	}
	if len(d.Issuers) == 1 {
		d.report.add(consider, "custom domain", "tokens that are requested at a custom domain of the tenant have that domain in iss, and are rejected",
			"if there is one, add it with -issuer, or name it alone if no client uses "+u.Host)
	}
}

// fallback compares the key set at another address with the issuer's own.
func (d *examiner) fallback(ctx context.Context, issuer, address string, own jwks.Set) {
	cfg := d.cache(issuer)
	cfg.URL, cfg.MetadataURL, cfg.FallbackURLs = address, "", nil
	d.report.begin("fallback " + address)
	keys, seen := d.fetch(ctx, cfg)
	d.tls(seen)
	if keys == nil || own == nil {
		return
	}
	if missing := lacking(own, keys); len(missing) > 0 {
		d.report.add(change, "keys", fmt.Sprintf("it lacks %s of the issuer's: %s", count(len(missing), "key"), ids(missing)),
			"update the copy whenever the issuer's keys change: in an outage, tokens of these keys get 503")
	}
	if more := lacking(keys, own); len(more) > 0 {
		d.report.add(change, "keys", fmt.Sprintf("it has %s that the issuer has not: %s", count(len(more), "key"), ids(more)),
			"take out of the copy what the issuer has withdrawn: in an outage, such a key can still sign any token")
	}
	if sameKeys(keys, own) {
		d.report.add(good, "keys", "they are the issuer's", "")
	}
}

func ids(keys []jwks.Key) string {
	var list []string
	for _, key := range keys[:min(len(keys), 5)] {
		list = append(list, fmt.Sprintf("%.64q", key.ID))
	}
	return strings.Join(list, ", ")
}
