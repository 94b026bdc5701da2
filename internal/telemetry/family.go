package telemetry

import (
	"strings"
	"sync"
)

// A family is the metrics of one name: one for each set of values that its
// labels have had. It keeps them by these values, as to put a metric's whole
// name together for each call would cost more than to count it.
type family[M any] struct {
	name   string
	labels values // their names, in the order of the alphabet
	create func(series string) M

	mu  sync.RWMutex
	all map[values]M
}

// values is what the labels of a family are; the second is "" in a family that
// has but one.
type values [2]string

// newFamily returns a family that is empty. create gets a metric's name with
// its labels, and may get one twice.
func newFamily[M any](name, label, second string, create func(series string) M) *family[M] {
	return &family[M]{name: name, labels: values{label, second}, create: create, all: map[values]M{}}
}

// with returns the metric whose labels are v.
func (f *family[M]) with(v values) M {
	f.mu.RLock()
	m, ok := f.all[v]
	f.mu.RUnlock()
	if ok {
		return m
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	m = f.create(f.series(v))
	f.all[v] = m
	return m
}

// series returns the name of a metric with its labels, as the text has it.
func (f *family[M]) series(v values) string {
	s := f.name + "{" + f.labels[0] + `="` + escape(v[0]) + `"`
	if f.labels[1] != "" {
		s += "," + f.labels[1] + `="` + escape(v[1]) + `"`
	}
	return s + "}"
}

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// escape returns the value of a label as the text has it. One that ended its
// line early, or that is not UTF-8, would lose every metric.
func escape(value string) string { return escapes.Replace(valid(value)) }
