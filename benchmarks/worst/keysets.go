package worst

import (
	"fmt"
	"strings"

	"github.com/rsguard/rsguard/jwks"
)

// The bounds for a key set of 1 MiB, the largest that is read. Only the issuer
// can send it, and no more often than jwks fetches it.
const (
	MaxKeySetChecks = 12_000
	MaxKeySetBytes  = 64 << 20
)

// KeySets returns the most expensive key sets, with the bounds for a key set.
func KeySets() ([]Input, error) {
	keys, err := proofKeys()
	if err != nil {
		return nil, err
	}
	var inputs []Input
	add := func(name, set string) {
		inputs = append(inputs, Input{Name: "key set: " + name, Times: 1, Reject: func() error {
			_, _ = jwks.Parse([]byte(set)) // good keys are accepted, too
			return nil
		}})
	}
	const size = 1 << 20
	for _, key := range keys {
		element := "{" + key.jwk + "},"
		add(key.name, list(`{"keys":[`, element, `]}`)(size))
		add(key.name+", with an alg that it is not for", list(`{"keys":[`, `{"alg":"ES512",`+key.jwk+"},", `]}`)(size))
	}
	p521 := `"kty":"EC","crv":"P-521","x":"` + strings.Repeat("A", 88) + `","y":"` + strings.Repeat("A", 88) + `"`
	small := `{"kty":"OKP","crv":"Ed25519","x":"` + strings.Repeat("A", 43) + `"},`
	add("P-521, off the curve", list(`{"keys":[`, "{"+p521+"},", `]}`)(size))
	add("Ed25519, of small order", list(`{"keys":[`, small, `]}`)(size))
	for _, element := range []string{"0,", "{},", "[],", `"",`, `{"kid":"\n"},`, `{"kid":1,"kid":1},`, `{"x":[{"a":1,"a":1}]},`} {
		n := min(size/len(element), 1<<14)
		add(fmt.Sprintf("%d of %s", n, element), list(`{"keys":[`, element, `]}`)(n*len(element)+len(`{"keys":[]}`)))
		add("as many as there is room for of "+element, list(`{"keys":[`, element, `]}`)(size))
	}
	for i, f := range fillers {
		if i%4 != 0 {
			continue // they cost less than good keys, as the others do
		}
		add(f.name+" in each key", list(`{"keys":[`, "{"+keys[0].jwk+","+f.text(12<<10)+"},", `]}`)(size))
		add(f.name+" beside the keys", `{"keys":[],`+f.text(size-20)+"}")
	}
	var names strings.Builder
	for i := 0; names.Len() < size-20; i++ {
		fmt.Fprintf(&names, `,"%x":0`, i)
	}
	add("names beside the keys", `{"keys":[]`+names.String()+"}")
	return inputs, nil
}
