package jwks

import "strings"

// tenantID is replaced by the "tid" of a token in the member "issuer" of a key.
const tenantID = "{tenantid}"

// SignsFor reports whether the key set allows k to sign a token with these
// claims "iss" and "tid". A key whose Issuer is empty signs for every issuer
// whose set it is in.
//
// Microsoft publishes the keys of all tenants in one set. The member "issuer"
// of a key says which tokens it may sign. In it, "{tenantid}" stands for the
// token's "tid", and a token without one never matches. Names are compared byte
// for byte. Tokens of version 1.0, whose own key set has no such member, name
// the issuer "https://login.microsoftonline.com/TENANT/v2.0" as
// "https://sts.windows.net/TENANT/", and may be signed by the same keys.
func (k *Key) SignsFor(issuer, tenant string) bool {
	if k.Issuer == "" || k.names(issuer, tenant) {
		return true
	}
	v1, ok := strings.CutPrefix(issuer, "https://sts.windows.net/")
	return ok && k.names("https://login.microsoftonline.com/"+v1+"v2.0", tenant)
}

// names reports whether k.Issuer stands for issuer.
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
