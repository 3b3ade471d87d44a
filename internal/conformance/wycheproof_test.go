package conformance

import (
	"encoding/json"
	"io/fs"
	"os"
	"testing"

	"github.com/c2sp/wycheproof"
)

// A suite is a file of Wycheproof's JOSE vectors.
type suite struct {
	TestGroups []struct {
		Comment         string
		Public, Private json.RawMessage
		Tests           []struct {
			TcID     int
			Comment  string
			JWS, JWE json.RawMessage // a compact form in a string, or a JSON serialization
			Result   string
		}
	}
}

// An exception is a vector whose verdict is not ours, and why.
type exception struct {
	File   string `json:"file"`
	TcID   int    `json:"tcId"`
	Reason string `json:"reason"`
}

func TestWycheproof(t *testing.T) {
	excepted := exceptions(t)
	for _, file := range []string{"json_web_signature_test", "json_web_crypto_test", "json_web_key_test"} {
		t.Run(file, func(t *testing.T) {
			accepted, refused, listed := 0, 0, 0
			for _, group := range read(t, file).TestGroups {
				k, keyErr := keysOf(group.Public, group.Private)
				for _, v := range group.Tests {
					if v.JWS == nil {
						continue // TestWycheproofEncrypted has it
					}
					err := keyErr
					if err == nil {
						err = k.verify(compact(v.JWS))
					}
					e, isListed := excepted[exception{File: file, TcID: v.TcID}]
					valid := v.Result == "valid"
					if isListed {
						listed++
						valid = !valid
						e.used = true
					}
					switch {
					case valid != (err == nil):
						t.Errorf("%d (%s, %s): error = %v, want valid: %t", v.TcID, group.Comment, v.Comment, err, valid)
					case isListed:
					case valid:
						accepted++
					default:
						refused++
					}
				}
			}
			t.Logf("%d valid accepted, %d invalid refused, %d listed exceptions", accepted, refused, listed)
		})
	}
	for key, e := range excepted {
		if !e.used {
			t.Errorf("exceptions.json has %+v, which is no vector", key)
		}
	}
}

// An encrypted token is rejected, even if it could be decrypted.
func TestWycheproofEncrypted(t *testing.T) {
	refused := 0
	for _, file := range []string{"json_web_encryption_test", "json_web_crypto_test"} {
		for _, group := range read(t, file).TestGroups {
			for _, v := range group.Tests {
				if v.JWE == nil {
					continue
				}
				for _, jwk := range []json.RawMessage{group.Public, group.Private} {
					if k, err := keysOf(jwk, jwk); jwk != nil && err == nil && k.verify(compact(v.JWE)) == nil {
						t.Errorf("%s %d (%s) is accepted as a token", file, v.TcID, v.Comment)
					}
				}
				if k, err := publicKeys([]byte(`{"keys":[]}`)); err != nil || k.verify(compact(v.JWE)) == nil {
					t.Errorf("%s %d (%s) is accepted as a token", file, v.TcID, v.Comment)
				}
				refused++
			}
		}
	}
	if refused == 0 {
		t.Error("there are no encrypted vectors")
	}
	t.Logf("%d encrypted tokens refused", refused)
}

// keysOf takes the public key, if there is one, and otherwise the symmetric one.
// Several symmetric ones are a key set.
func keysOf(public, private json.RawMessage) (keys, error) {
	if public != nil {
		return publicKeys(public)
	}
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(private, &set); err != nil {
		return keys{}, err
	}
	switch len(set.Keys) {
	case 0:
		return secretKey(private)
	case 1:
		return secretKey(set.Keys[0])
	default:
		return publicKeys(private)
	}
}

// compact returns a compact token, or a JSON serialization as the text that it
// is.
func compact(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}

func read(t *testing.T, file string) suite {
	t.Helper()
	data, err := fs.ReadFile(wycheproof.TestVectors, file+".json")
	if err != nil {
		t.Fatal(err)
	}
	var s suite
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	if len(s.TestGroups) == 0 {
		t.Fatalf("%s has no groups", file)
	}
	return s
}

type listed struct{ used bool }

func exceptions(t *testing.T) map[exception]*listed {
	t.Helper()
	data, err := os.ReadFile("exceptions.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []exception
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	m := map[exception]*listed{}
	for _, e := range list {
		if e.Reason == "" {
			t.Errorf("exceptions.json: %+v has no reason", e)
		}
		m[exception{File: e.File, TcID: e.TcID}] = new(listed)
	}
	return m
}
