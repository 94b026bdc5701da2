package shape

// isInvisible reports whether r shows nothing to a reader, or changes the
// direction in which other characters are read: what a hostile text hides
// orders in. last is the character before it.
func isInvisible(r, last rune) bool {
	switch {
	case r < ' ':
		return r != '\n'
	case r < 0x7f:
		return false
	case r <= 0x9f:
		return true
	case r == 0x200C || r == 0x200D || r == 0xFE0E || r == 0xFE0F:
		// Joiners and variation selectors make emoji and are letters' business
		// in several scripts, but only right after a character beyond ASCII.
		joins := last == 0xFE0F && r == 0x200D
		return !joins && (last < 0xA1 || last == 0x200C || last == 0x200D || last == 0xFE0E || last == 0xFE0F)
	case 0xFE00 <= r && r <= 0xFE0D:
		return true
	}
	switch {
	case r == 0xAD, r == 0x34F, r == 0x61C, r == 0x115F, r == 0x1160, r == 0x17B4, r == 0x17B5,
		0x180B <= r && r <= 0x180F,
		0x200B <= r && r <= 0x200F,
		0x2028 <= r && r <= 0x202E, // line separators, embeddings and overrides
		0x2060 <= r && r <= 0x206F,
		r == 0x3164, r == 0xFEFF, r == 0xFFA0,
		0xFFF0 <= r && r <= 0xFFFB,
		0x1BCA0 <= r && r <= 0x1BCA3,
		0x1D173 <= r && r <= 0x1D17A,
		0xE0000 <= r && r <= 0xE0FFF: // tags and variation selectors
		return true
	}
	return false
}
