package validator

import "strings"

// spiffeScheme begins a SPIFFE ID, and the name of a trust domain that is an
// issuer.
const spiffeScheme = "spiffe://"

// A SPIFFE ID has at most 2048 bytes, and its trust domain 255 (SPIFFE-ID,
// Section 2.3).
const (
	maxSPIFFEID    = 2048
	maxTrustDomain = 255
)

// trustDomain returns the trust domain of a SPIFFE ID, such as
// "spiffe://example.org", or "" if id is not one. A trust domain is in lower
// case, without user information and port (SPIFFE-ID, Sections 2 and 2.1).
func trustDomain(id string) string {
	rest, ok := strings.CutPrefix(id, spiffeScheme)
	name, path, hasPath := strings.Cut(rest, "/")
	if !ok || len(id) > maxSPIFFEID || name == "" || len(name) > maxTrustDomain || !isASCII(name, "-._", false) {
		return ""
	}
	if !hasPath {
		return id
	}
	// A path must have a single spelling, so there are no empty segments, no
	// dots and no escapes.
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "" || segment == "." || segment == ".." || !isASCII(segment, "-._", true) {
			return ""
		}
	}
	return id[:len(spiffeScheme)+len(name)]
}

// isASCII reports whether s has only letters, digits and the characters of
// others.
func isASCII(s, others string, capitals bool) bool {
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', strings.IndexByte(others, c) >= 0:
		case capitals && 'A' <= c && c <= 'Z':
		default:
			return false
		}
	}
	return true
}

// nameTrustDomain gives a token without iss the trust domain of its sub as its
// issuer: that is how a JWT-SVID names it (JWT-SVID, Section 3.1).
func (x *examination) nameTrustDomain() {
	if x.hasIssuer {
		return
	}
	if domain := trustDomain(x.Subject); domain != "" {
		x.Issuer, x.isSVID = domain, true
	}
}

// isOf reports whether the token is of this trust's issuer. One that is a trust
// domain has none but its own subjects, whatever their tokens have for iss.
func (x *examination) isOf(t *trust) bool {
	if !x.hasIssuer && !x.isSVID || x.Issuer != t.issuer {
		return false
	}
	return !strings.HasPrefix(t.issuer, spiffeScheme) || trustDomain(x.Subject) == t.issuer
}
