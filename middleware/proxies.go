package middleware

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// proxies are the networks whose header fields are trusted.
type proxies []netip.Prefix

func newProxies(function string, networks []netip.Prefix) proxies {
	if len(networks) == 0 {
		panic("middleware: " + function + ": no networks")
	}
	p := make(proxies, len(networks))
	for i, network := range networks {
		if !network.IsValid() {
			panic(fmt.Sprintf("middleware: %s: the network at %d is not valid", function, i))
		}
		if addr := network.Addr(); addr.Is4In6() && network.Bits() >= 96 {
			network = netip.PrefixFrom(addr.Unmap(), network.Bits()-96)
		}
		p[i] = network.Masked()
	}
	return p
}

func (p proxies) contain(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	for _, network := range p {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// sent reports whether the connection of r is from one of the proxies. It
// relies on RemoteAddr, which is right unless a middleware in front of the
// Authenticator has replaced it by the value of a header field. The functions
// that use this document it.
func (p proxies) sent(r *http.Request) bool {
	addr, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && p.contain(addr.Addr())
}

// hops returns how many of the proxies r has passed, from the last one back to
// the first that got it from elsewhere. The senders are as the proxies have
// recorded them, the last one at the end. The sender of r is one of the
// proxies.
func (p proxies) hops(senders []string) int {
	hops := 1
	for i := len(senders) - 1; i >= 0; i-- {
		addr, ok := parseNode(senders[i])
		if !ok || !p.contain(addr) {
			break
		}
		hops++
	}
	return hops
}

// parseNode reads the address of a node, with or without a port (RFC 7239,
// Section 6).
func parseNode(node string) (netip.Addr, bool) {
	if withPort, err := netip.ParseAddrPort(node); err == nil {
		return withPort.Addr(), true
	}
	if inner, ok := strings.CutPrefix(node, "["); ok {
		node = strings.TrimSuffix(inner, "]")
	}
	addr, err := netip.ParseAddr(node)
	return addr, err == nil
}

// noted returns the item of the first of n proxies in a list to which each adds
// one. If some of them replace the list, it returns the first item that there
// is.
func noted[T any](list []T, hops int) (item T, ok bool) {
	if len(list) == 0 {
		return item, false
	}
	return list[max(len(list)-hops, 0)], true
}

// fieldList splits a field, which may have several lines, at its commas.
func fieldList(h http.Header, name string) ([]string, error) {
	var items []string
	for _, line := range h.Values(name) {
		for item := range strings.SplitSeq(line, ",") {
			if len(items) == maxHops {
				return nil, errLongForwarded
			}
			items = append(items, strings.Trim(item, " \t"))
		}
	}
	return items, nil
}
