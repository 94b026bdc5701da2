package main

import (
	"context"
	"strings"
)

// What goes wrong is told to a model over MCP, and to a person at a terminal. It
// is the same text but for what only one of them can do.

// keyHintForPeople says how to get a key to who reads standard error: a person,
// or a program that reads what a model does.
func keyHintForPeople(env *environment) keyHint {
	if _, ok := asTerminal(env.err); !ok {
		return keyHintForModels
	}
	return func(context.Context, bool) string {
		return "Set POLT_API_KEY, or run polt-mcp auth login with a key that you have, or polt-mcp auth register"
	}
}

// toPeople are the words of the tools for models, and those for people.
var toPeople = strings.NewReplacer(
	"have the user correct or remove it", "polt-mcp auth status shows where it is from",
	"ask the user to correct or remove it", "polt-mcp auth status shows where it is from",
	"Do not register again, which would not change the key in use: ", "",
	"Have the user correct POLT_API_URL in this server's configuration", "Correct POLT_API_URL",
	"or have the user change that setting", "or change that setting",
	"tell the user that the platform cannot be reached", "run polt-mcp doctor",
	"tell the user if it stays so", "try again later if it stays so",
	"; tell the user", "",
	"Do not repeat it unchanged, but correct the arguments", "Correct the arguments",
)

// forPerson returns an error of a tool for a person: without the line for
// programs, and without what only a model can do.
func forPerson(text string) string {
	if i := strings.LastIndex(text, "\n{"); i >= 0 {
		text = text[:i]
	}
	return toPeople.Replace(text)
}
