package revocation

// An ending is when a rule is no longer in force.
type ending struct {
	key uint64 // of the rule's slot
	at  uint32
}

// An endings is a heap: the first to end is the first. It has one entry for each
// rule. If a rule's end has moved since, its entry is too early, and is put back
// when it comes up.
type endings []ending

// push and pop are those of container/heap, without its interface.
func (h *endings) push(e ending) {
	all := append(*h, e)
	i := len(all) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if all[parent].at <= e.at {
			break
		}
		all[i] = all[parent]
		i = parent
	}
	all[i] = e
	*h = all
}

func (h *endings) pop() ending {
	all := *h
	first, last := all[0], all[len(all)-1]
	all = all[:len(all)-1]
	*h = all
	if len(all) == 0 {
		return first
	}
	i := 0
	for child := 1; child < len(all); child = 2*i + 1 {
		if right := child + 1; right < len(all) && all[right].at < all[child].at {
			child = right
		}
		if last.at <= all[child].at {
			break
		}
		all[i] = all[child]
		i = child
	}
	all[i] = last
	return first
}
