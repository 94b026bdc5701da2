package main

import "testing"

func TestNoticesForPeople(t *testing.T) {
	for _, test := range []struct {
		notice, want     string
		isCounted, isCut bool
	}{
		{notice: "", want: ""},
		{notice: "a notice of tomorrow; another one: with a colon", want: "a notice of tomorrow; another one: with a colon"},
		{notice: `3 texts cut at 120 characters, nulls left out; detail:"full" gives all`, want: ""},
		{notice: `3 texts cut at 120 characters, nulls left out; detail:"full" gives all`, isCut: true, want: "3 texts cut at 120 characters; detail=full gives all"},
		{notice: `36 old submissions left out, nulls left out; detail:"full" gives all; 1 invisible character removed: someone may be hiding text`,
			want: "36 old submissions left out; detail=full gives all; 1 invisible character removed: someone may be hiding text"},
		{notice: "nulls left out, 3 diamonds stolen", want: "nulls left out, 3 diamonds stolen"},
		{notice: "project_title: the same in all, so beside the list; not known: what is in review", want: "not known: what is in review"},
		{notice: "page 1 of 23, 43 left: call again with page 2", want: "page 1 of 23, 43 left: call again with page 2"},
		{notice: "page 1 of 23, 43 left: call again with page 2", isCounted: true, want: ""},
		{notice: "page 3 is past the end: ask for a lower one", isCounted: true, want: "page 3 is past the end: ask for a lower one"},
		{notice: "5 of the 1000 tasks looked at match, and there may be more: narrow it with status, difficulty or project_id", isCounted: true,
			want: "5 of the 1000 tasks looked at match, and there may be more: narrow it with status, difficulty or project_id"},
		{notice: "the key could not be stored (no room; none at all); the api_key is shown only once: store it now where it is safe; this session now acts as z",
			want: "the key could not be stored (no room; none at all); the api_key is shown only once: store it now where it is safe"},
		{notice: "the API key is stored; this session still acts as ada", want: "the API key is stored; this session still acts as ada"},
	} {
		if got := noticeForPeople(test.notice, test.isCounted, test.isCut); got != test.want {
			t.Errorf("of %q a person sees %q, want %q", test.notice, got, test.want)
		}
	}
}
