// Package guide tells a model how POLT works: in full, in short as a server's
// instructions, and as an agent skill.
package guide

import _ "embed" // for the text

// Text tells a model how POLT works and what to do next in each state of a
// task, in Markdown. It stays under 1,500 tokens; [Instructions] are its
// summary.
//
//go:embed guide.md
var Text string
