// Package invisible knows the characters that show nothing to a reader, or that
// change the direction in which others are read: what a hostile text hides
// orders in.
//
// They are, by the Unicode Character Database: the control characters but for
// tab and newlines, format characters (Cf), line and paragraph separators,
// surrogates, noncharacters, Default_Ignorable_Code_Point and Bidi_Control; and
// a few that are blank without a property that says so, such as U+2800. Signs
// that enclose digits (Prepended_Concatenation_Mark) are visible.
//
// Joiners and variation selectors are invisible too, but in the places where
// emoji or a script need them, a [Filter] keeps them. Those are places where
// they change what is seen, so that they cannot carry bits unseen.
//
// Not kept, although some writers use them, because they can hide text: tags
// (the flags of England, Scotland and Wales), ideographic variation selectors
// and direction marks.
package invisible

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

//go:generate go run ./gen

// The class of a character is one of these, or flags of what is visible, or
// both for a visible mark.
const (
	hidden             = 1 + iota // everywhere
	nonJoiner                     // ZWNJ
	joiner                        // ZWJ
	emojiSelector                 // VS15 and VS16: text or emoji
	mongolianSelector             // FVS1 to FVS4
	mongolianSeparator            // MVS
	mark                          // a visible one, through which letters join

	kinds = 7 // the bits of these

	pictographic = 1 << 3 // an emoji, or a skin tone
	emojiBase    = 1 << 4 // may have an emojiSelector
	joinsNext    = 1 << 5 // a cursive letter that joins the letter after it
	joinsLast    = 1 << 6 // one that joins the letter before it
	virama       = 1 << 7 // joins two letters of an Indic script
)

const zwj = 0x200D

func classOf(r rune) byte {
	if r < 0 || r > unicode.MaxRune {
		return hidden
	}
	return blocks[int(pages[r>>7])<<7|int(r&0x7f)]
}

// Is reports whether r is invisible where no context makes it visible: joiners
// and variation selectors are.
func Is(r rune) bool {
	if ' ' <= r && r < 0x7f {
		return false
	}
	c := classOf(r) & kinds
	return c != 0 && c != mark
}

// Remove returns s without its invisible characters, and how many those were.
// Like a [Filter], it keeps those that emoji and scripts need. Invalid UTF-8
// becomes U+FFFD where anything is removed.
func Remove(s string) (visible string, removed int) {
	i := 0
	for i < len(s) && (' ' <= s[i] && s[i] < 0x7f || s[i] == '\n') {
		i++
	}
	if i == len(s) {
		return s, 0
	}
	var (
		f   Filter
		out strings.Builder
	)
	for at, r := range s {
		size := utf8.RuneLen(r)
		if r == utf8.RuneError { // of one byte, where it is invalid
			_, size = utf8.DecodeRuneInString(s[at:])
		}
		hides := f.Hides(r, func() rune {
			if at+size == len(s) {
				return -1
			}
			next, _ := utf8.DecodeRuneInString(s[at+size:])
			return next
		})
		switch {
		case !hides && removed > 0:
			out.WriteRune(r)
		case hides && removed == 0:
			out.Grow(len(s))
			out.WriteString(strings.ToValidUTF8(s[:at], "\uFFFD"))
			removed++
		case hides:
			removed++
		}
	}
	if removed == 0 {
		return s, 0
	}
	return out.String(), removed
}

// maxJoiners is how many joiners an emoji has at most: a family of four has 3.
const maxJoiners = 3

// A Filter tells the invisible characters of one text, from its beginning. The
// zero value is at the beginning of a text.
type Filter struct {
	last    rune // the last character that was kept
	base    rune // the same, but for marks
	joiners int  // of the emoji that last is in
}

// Hides reports whether r, the text's next character, is to be removed. next
// returns the character that comes after r, or -1 at the end: it is called only
// for the few that depend on it.
func (f *Filter) Hides(r rune, next func() rune) bool {
	if ' ' <= r && r < 0x7f {
		f.last, f.base = r, r
		return false
	}
	class := classOf(r)
	switch class & kinds {
	case 0:
		if f.last != zwj && !isSkinTone(r) {
			f.joiners = 0
		}
		f.last, f.base = r, r
		return false
	case mark:
		f.last = r
		return false
	case hidden:
		return true
	}
	return !f.needs(r, class&kinds, next())
}

// needs reports whether r changes what is seen of the characters around it, and
// goes on after it where it does.
func (f *Filter) needs(r rune, kind byte, next rune) bool {
	last, after := classOf(f.last), classOf(next)
	if next < 0 {
		after = 0
	}
	var needed bool
	switch kind {
	case nonJoiner:
		needed = last&virama != 0 && isLetter(next) ||
			f.joinsNext() && after&joinsLast != 0
	case joiner:
		switch k := after & kinds; {
		case k != 0 && k != mark: // it is between two that are seen, or at an end
		case f.joiners < maxJoiners && f.isEmoji() && after&pictographic != 0 && !isSkinTone(next):
			f.joiners++
			needed = true
		default:
			needed = last&virama != 0 || after&virama != 0 && isLetter(f.last) ||
				f.joinsNext() != (after&joinsLast != 0)
		}
	case emojiSelector:
		// A digit has one only in a keycap.
		needed = last&emojiBase != 0 && (f.last > 0x7f || r == 0xFE0F && next == 0x20E3)
	case mongolianSelector:
		_, needed = slices.BinarySearch(mongolianVariants, uint32(f.last)<<4|uint32(r)&0xF) //nolint:gosec // neither is negative
	case mongolianSeparator:
		needed = isMongolian(f.last) && (next == 0x1820 || next == 0x1821)
	}
	if needed {
		f.last = r
		if kind == nonJoiner || kind == joiner {
			f.base = r
		}
	}
	return needed
}

// isEmoji reports whether the last character ends an emoji, to which another may
// be joined.
func (f *Filter) isEmoji() bool {
	return classOf(f.last)&pictographic != 0 || f.last == 0xFE0F && classOf(f.base)&pictographic != 0
}

// joinsNext reports whether the last letter joins the one after it.
func (f *Filter) joinsNext() bool {
	return classOf(f.base)&(joinsNext|kinds) == joinsNext
}

func isLetter(r rune) bool    { return !Is(r) && (unicode.IsLetter(r) || unicode.Is(unicode.M, r)) }
func isMongolian(r rune) bool { return 0x1820 <= r && r <= 0x18AA }
func isSkinTone(r rune) bool  { return 0x1F3FB <= r && r <= 0x1F3FF }
