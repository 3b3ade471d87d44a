package dpop

// Target returns the normal form of a URL.
func Target(url string) (string, error) {
	t, err := parseTarget(url)
	return t.origin + t.path, err
}

// Read reports whether a proof can be read, and what it says.
func Read(proof string) (id, method, target string, err error) {
	var r reading
	if err = r.parse(proof); err == nil {
		err = r.claims()
	}
	return r.id, r.method, r.target, err
}

// Rename gives a proof another name in the replay store.
func Rename(p *Proof, id string) { p.id = id }
