package sandbox

import (
	"fmt"
	"strconv"
	"strings"
)

// ParseFaults parses the command line's form of faults: comma-separated rules,
// each
//
//	FAULT[:RATE][#TIMES][@METHOD | @PATH | @METHOD PATH]
//
// such as "reset-after:0.1@POST, 503#3, drip@/api/tasks/*". FAULT is the text
// of a [Fault], or "all" for all of them, which share RATE. RATE is the
// fraction of matching requests that hit the fault, over 0 and up to 1; TIMES
// limits how many do, for each fault. The rule "seed:N" sets the seed.
func ParseFaults(s string) (o FaultOptions, err error) {
	for text := range strings.SplitSeq(s, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if seed, ok := strings.CutPrefix(text, "seed:"); ok {
			if o.Seed, err = strconv.ParseUint(seed, 10, 64); err != nil {
				return FaultOptions{}, fmt.Errorf("sandbox: the seed %q is not a number", seed)
			}
			continue
		}
		rules, err := parseRule(text)
		if err != nil {
			return FaultOptions{}, fmt.Errorf("sandbox: the fault %q: %w", text, err)
		}
		o.Rules = append(o.Rules, rules...)
	}
	_, err = Faults(nil, o)
	return o, err
}

func parseRule(text string) ([]FaultRule, error) {
	var rule FaultRule
	what, where, _ := strings.Cut(text, "@")
	for word := range strings.FieldsSeq(where) {
		switch {
		case strings.HasPrefix(word, "/"):
			rule.Path = word
		case word == strings.ToUpper(word):
			rule.Method = word
		default:
			return nil, fmt.Errorf("%q is neither a method nor a path", word)
		}
	}
	what, times, limited := strings.Cut(what, "#")
	if limited {
		n, err := strconv.Atoi(times)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is not a number of times", times)
		}
		rule.Times = n
	}
	name, rate, partly := strings.Cut(what, ":")
	if partly {
		share, err := strconv.ParseFloat(rate, 64)
		if err != nil || !(share > 0 && share <= 1) {
			return nil, fmt.Errorf("%q is not a rate over 0 and up to 1", rate)
		}
		rule.Rate = share
	}
	if name != "all" {
		if !known(Fault(name)) {
			return nil, fmt.Errorf("there is no such fault; there are all, %s", names(AllFaults()))
		}
		rule.Fault = Fault(name)
		return []FaultRule{rule}, nil
	}
	return eachFault(rule), nil
}

// eachFault returns a rule for each fault, with equal probabilities.
func eachFault(rule FaultRule) []FaultRule {
	all := AllFaults()
	rules := make([]FaultRule, len(all))
	total := rule.Rate
	if total == 0 {
		total = 1
	}
	for i, fault := range all {
		rules[i] = rule
		rules[i].Fault = fault
		// A rule sees only the requests that hit none of the earlier rules.
		share := total / float64(len(all))
		rules[i].Rate = min(1, share/(1-share*float64(i)))
	}
	return rules
}

func names(faults []Fault) string {
	var all []string
	for _, f := range faults {
		all = append(all, string(f))
	}
	return strings.Join(all, ", ")
}
