package jwks

import "strings"

// tenantID stands for the "tid" of a token in the member "issuer" of a key.
const tenantID = "{tenantid}"

// SignsFor reports whether the key set allows k to sign a token with these
// claims "iss" and "tid". A key whose Issuer is empty signs for every issuer
// whose set it is in.
//
// Microsoft publishes the keys of all tenants in one set, and says by the
// member "issuer" of each which tokens it may sign. In that, "{tenantid}"
// stands for the token's "tid", and without one nothing matches. Names are
// compared byte for byte. Tokens of version 1.0, whose own key set has no such
// member, name the issuer "https://login.microsoftonline.com/TENANT/v2.0" as
// "https://sts.windows.net/TENANT/", and may be signed by the same keys.
func (k *Key) SignsFor(issuer, tenant string) bool {
	if k.Issuer == "" || k.names(issuer, tenant) {
		return true
	}
	v1, ok := strings.CutPrefix(issuer, "https://sts.windows.net/")
	return ok && k.names("https://login.microsoftonline.com/"+v1+"v2.0", tenant)
}

// names reports whether issuer is the one that k.Issuer stands for.
func (k *Key) names(issuer, tenant string) bool {
	before, after, isTemplate := strings.Cut(k.Issuer, tenantID)
	if !isTemplate {
		return k.Issuer == issuer
	}
	return tenant != "" &&
		len(issuer) == len(before)+len(tenant)+len(after) &&
		strings.HasPrefix(issuer, before) && strings.HasSuffix(issuer, after) &&
		issuer[len(before):len(issuer)-len(after)] == tenant
}
