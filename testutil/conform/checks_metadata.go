package conform

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// metadataChecks are about protected resource metadata (RFC 9728).
func metadataChecks(target Target) []check {
	if !target.Metadata {
		return nil
	}
	row := func(id string, level Level, section, title string, judge func(s *session, a answer, doc map[string]any) string) check {
		return check{
			Case: Case{ID: "metadata/" + id, Level: level, Section: section, Title: title},
			run: func(s *session) verdict {
				a, doc, why := s.metadata()
				if why != "" {
					return skip(why)
				}
				if want := judge(s, a, doc); want != "" {
					return fail(a.String()+" "+printable(cut(a.body, 300)), want)
				}
				return pass(a.String())
			},
		}
	}
	return []check{
		{
			Case: Case{ID: "metadata/challenge", Level: Must, Section: "RFC 9728, Section 5.1", Title: "The challenge names the URL of the metadata."},
			run: func(s *session) verdict {
				a := s.send(request{})
				if at, why := s.metadataURL(a); at == nil {
					return fail(a.String(), `resource_metadata="…" in the challenge: `+why)
				}
				return pass(a.String())
			},
		},
		{
			Case: Case{ID: "metadata/document", Level: Must, Section: "RFC 9728, Section 3.2", Title: "The metadata is a JSON object, sent with the status 200 and without credentials."},
			run: func(s *session) verdict {
				a, doc, why := s.metadata()
				switch {
				case why != "":
					return skip(why)
				case a.status != http.StatusOK || doc == nil:
					return fail(a.String()+" "+printable(cut(a.body, 100)), "200 and a JSON object")
				}
				return pass(a.String())
			},
		},
		row("type", Must, "RFC 9728, Section 3.2", "The metadata has the type application/json.",
			func(_ *session, a answer, _ map[string]any) string {
				if media, _, _ := strings.Cut(a.header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(media), "application/json") {
					return "Content-Type: application/json"
				}
				return ""
			}),
		row("resource", Must, "RFC 9728, Section 3.3", "resource in the metadata is the URL that the metadata's URL was made of.",
			func(s *session, _ answer, doc map[string]any) string {
				resource, _ := doc["resource"].(string)
				u, err := url.Parse(resource)
				if err != nil || resource == "" || u.Fragment != "" || !strings.HasPrefix(s.url.Path+"/", strings.TrimSuffix(u.Path, "/")+"/") {
					return "resource is the URL of the API"
				}
				return ""
			}),
		row("authorization-servers", Should, "RFC 9728, Section 2", "authorization_servers in the metadata has the issuer.",
			func(s *session, _ answer, doc map[string]any) string {
				list, _ := doc["authorization_servers"].([]any)
				if !slices.ContainsFunc(list, func(v any) bool { return v == s.iss.URL }) {
					return "authorization_servers has " + s.iss.URL
				}
				return ""
			}),
	}
}

// metadataURL returns the URL that the challenge of a names, if it is one of the
// API's own host.
func (s *session) metadataURL(a answer) (*url.URL, string) {
	list, err := parseChallenges(a.header.Values("WWW-Authenticate"))
	if err != nil {
		return nil, err.Error()
	}
	for _, c := range list {
		at, times := c.param("resource_metadata")
		if times == 0 {
			continue
		}
		u, err := url.Parse(at)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return nil, "it is no URL"
		}
		return u, ""
	}
	return nil, "there is none"
}

// metadata fetches the metadata from the host of the API. A URL of another host,
// such as the public name of the API, is asked for there.
func (s *session) metadata() (a answer, doc map[string]any, why string) {
	at, why := s.metadataURL(s.send(request{}))
	if at == nil {
		return a, nil, "the challenge names no metadata: " + why
	}
	a = s.send(request{method: http.MethodGet, path: at.Path})
	if a.err != nil {
		return a, nil, a.err.Error()
	}
	if json.Unmarshal([]byte(a.body), &doc) != nil {
		doc = nil
	}
	return a, doc, ""
}
