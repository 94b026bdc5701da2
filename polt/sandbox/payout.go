package sandbox

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// A payout is an amount of a currency.
type payout struct {
	amount   int64 // in millionths
	currency string
}

// payoutForm matches a payout_display: less than a billion, so that sums cannot
// overflow, with at most 6 decimals.
var payoutForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(\d{1,9})(?:\.(\d{1,6}))? ([A-Z]{2,10})$`)
})

// parsePayout parses a payout_display, such as "500 POLT".
func parsePayout(display string) (payout, bool) {
	m := payoutForm().FindStringSubmatch(display)
	if m == nil {
		return payout{}, false
	}
	decimals := (m[2] + "000000")[:6]
	amount, err := strconv.ParseInt(m[1]+decimals, 10, 64)
	return payout{amount, m[3]}, err == nil
}

// String formats the payout without trailing zeros.
func (p payout) String() string {
	whole, decimals := p.amount/1e6, strconv.FormatInt(1e6+p.amount%1e6, 10)[1:]
	s := strconv.FormatInt(whole, 10)
	if decimals = strings.TrimRight(decimals, "0"); decimals != "" {
		s += "." + decimals
	}
	return s + " " + p.currency
}
