package jose

// any returns the current value for an empty interface.
func (d *decoder) any() (any, error) {
	switch c := d.peek(); c {
	case '{':
		return d.object()
	case '[':
		return d.list()
	case '"':
		value, err := d.string()
		if err != nil {
			return nil, err
		}
		text, _ := value.Text()
		return text, nil
	case 't', 'f':
		return c == 't', d.skip()
	case 'n':
		return nil, d.skip()
	}
	number, err := d.number()
	if err != nil {
		return nil, err
	}
	if n, ok := smallInteger(number.raw); ok {
		return boxed[n], nil
	}
	return d.float(number.raw, 64)
}

// smallInteger returns the value of a number of one or two digits.
func smallInteger(raw string) (int, bool) {
	switch n := len(raw); {
	case n == 1:
		return int(raw[0] - '0'), true
	case n == 2 && raw[0] != '-':
		return 10*int(raw[0]-'0') + int(raw[1]-'0'), true
	}
	return 0, false
}

// boxed holds the most frequent numbers, so that each is allocated once.
var boxed = func() (table [100]any) {
	for i := range table {
		table[i] = float64(i)
	}
	return table
}()

func (d *decoder) object() (map[string]any, error) {
	if err := d.take(1); err != nil {
		return nil, err
	}
	object, start := d.open(), len(d.members)
	for first := true; ; first = false {
		name, more, err := d.name(first)
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		if first {
			if err := d.take(mapRoom); err != nil {
				return nil, err
			}
		}
		value, err := d.any()
		if err != nil {
			return nil, err
		}
		d.members = append(d.members, anyMember{name, value})
	}
	// The number of members is known now. A map that grows costs twice as much.
	m := make(map[string]any, len(d.members)-start)
	for _, member := range d.members[start:] {
		m[member.name] = member.value
	}
	clear(d.members[start:])
	d.members = d.members[:start]
	return m, d.close(object)
}

func (d *decoder) list() (any, error) {
	if err := d.take(1); err != nil {
		return nil, err
	}
	d.pos++
	start := len(d.values)
	for first := true; ; first = false {
		more, err := d.separator(first, ']')
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		value, err := d.any()
		if err != nil {
			return nil, err
		}
		d.values = append(d.values, value)
	}
	if len(d.values) == start {
		return emptyList, nil
	}
	list := d.newList(len(d.values) - start)
	copy(list, d.values[start:])
	clear(d.values[start:])
	d.values = d.values[:start]
	return list, nil
}

// newList returns a list of n nulls. Short lists share an allocation, and each
// has its own part of it.
func (d *decoder) newList(n int) []any {
	const short, together = 8, 64
	if n > short {
		return make([]any, n)
	}
	if n > len(d.lists) {
		d.lists = make([]any, together)
	}
	list := d.lists[:n:n]
	d.lists = d.lists[n:]
	return list
}

// emptyList is shared, since nothing in it can be changed.
var emptyList any = []any{}
