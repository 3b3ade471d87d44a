package jose

// skip skips a value that is not stored.
func (d *decoder) skip() error {
	switch d.peek() {
	case '{':
		object := d.open()
		for first := true; ; first = false {
			_, more, err := d.name(first)
			if err != nil {
				return err
			}
			if !more {
				return d.close(object)
			}
			if err := d.skip(); err != nil {
				return err
			}
		}
	case '[':
		d.pos++
		for first := true; ; first = false {
			more, err := d.separator(first, ']')
			if err != nil || !more {
				return err
			}
			if err := d.skip(); err != nil {
				return err
			}
		}
	case '"':
		_, err := d.string()
		return err
	}
	// A number or a word ends before a character that can follow a value.
	for ; d.pos < len(d.s); d.pos++ {
		switch d.s[d.pos] {
		case ',', ']', '}', ' ', '\t', '\n', '\r':
			return nil
		}
	}
	return nil
}

// open enters an object. Its result is for close.
func (d *decoder) open() int {
	d.pos++
	d.level++
	return len(d.seen.names)
}

// close leaves an object. All of its names are known by then.
func (d *decoder) close(object int) error {
	d.level--
	return d.seen.leave(object)
}

// name reads the name of the next member of an object, up to its value.
func (d *decoder) name(first bool) (name string, more bool, err error) {
	if more, err = d.separator(first, '}'); err != nil || !more {
		return "", false, err
	}
	text, err := d.string()
	if err != nil {
		return "", false, err
	}
	name, _ = text.Text()
	d.space()
	if d.peek() != ':' {
		return "", false, errJSON
	}
	d.pos++
	d.space()
	d.seen.enter(name)
	if d.level == 1 && d.reserved != nil {
		if want, ok := d.reserved.match(name, d.seen.folded); ok && want != name {
			return "", false, &NameError{Name: name, Want: want}
		}
	}
	return name, true, nil
}
