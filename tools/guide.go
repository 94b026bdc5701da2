package tools

import _ "embed" // for the guide

// Guide tells a model how POLT works and what to do next in each state of a
// task, in Markdown. It stays under 1,500 tokens; [Instructions] are its
// summary.
//
//go:embed guide.md
var Guide string
