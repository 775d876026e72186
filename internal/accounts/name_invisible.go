package accounts

import "unicode"

const joiner = '\u200d' // zero width joiner

// joiningScripts have letters whose form depends on a joiner or non-joiner after them: the cursive ones, and those of
// India and its neighbours. Persian and Bengali names are not spelled without.
var joiningScripts = []*unicode.RangeTable{
	unicode.Adlam, unicode.Arabic, unicode.Hanifi_Rohingya, unicode.Mandaic, unicode.Nko, unicode.Syriac,
	unicode.Balinese, unicode.Batak, unicode.Bengali, unicode.Chakma, unicode.Devanagari, unicode.Grantha,
	unicode.Gujarati,
	unicode.Gurmukhi, unicode.Javanese, unicode.Kannada, unicode.Khmer, unicode.Malayalam, unicode.Meetei_Mayek,
	unicode.Modi, unicode.Myanmar, unicode.Newa, unicode.Oriya, unicode.Saurashtra, unicode.Sharada, unicode.Sinhala,
	unicode.Sundanese, unicode.Syloti_Nagri, unicode.Tai_Tham, unicode.Tamil, unicode.Telugu, unicode.Tibetan,
	unicode.Tirhuta,
}

// variable are characters of which a variation selector chooses the form: those with registered variation sequences, by
// script or category. Japanese names and emoji have them.
var variable = []*unicode.RangeTable{
	unicode.Han, unicode.Manichaean, unicode.Myanmar, unicode.Phags_Pa, unicode.Nd, unicode.P, unicode.S,
}

// hasStray reports whether a text has an invisible character where no script or emoji needs it: two names that look the
// same would differ, and a text can be hidden in a name.
func hasStray(text string) bool {
	base, previous := rune(0), rune(0) // base: the last character that is no mark of all scripts
	runes := []rune(text)
	for i, r := range runes {
		next := rune(0)
		if i+1 < len(runes) {
			next = runes[i+1]
		}
		if isInvisible(r) && !isNeeded(r, neighbours{base, previous, next}) {
			return true
		}
		if previous = r; !unicode.Is(unicode.Inherited, r) {
			base = r
		}
	}
	return false
}

// isInvisible matches characters that Unicode calls default-ignorable, of format, or none; not those of format that do
// show: signs around numbers, and the Syriac abbreviation mark.
func isInvisible(r rune) bool {
	return !unicode.Is(unicode.Prepended_Concatenation_Mark, r) && unicode.In(r, unicode.Cf, unicode.Variation_Selector,
		unicode.Other_Default_Ignorable_Code_Point, unicode.Noncharacter_Code_Point)
}

// neighbours are the characters around another; 0: none.
type neighbours struct{ base, previous, next rune }

// isNeeded reports whether the script or emoji around an invisible character gives it a meaning.
func isNeeded(r rune, beside neighbours) bool {
	switch {
	case r == joiner && isSymbol(beside.next): // of emoji
		return isSymbol(beside.previous) || unicode.Is(unicode.Variation_Selector, beside.previous)
	case unicode.Is(unicode.Join_Control, r):
		return !isInvisible(beside.previous) && unicode.In(beside.base, joiningScripts...)
	case unicode.Is(unicode.Mongolian, r):
		return unicode.Is(unicode.Mongolian, beside.base)
	case unicode.Is(unicode.Egyptian_Hieroglyphs, r):
		return unicode.Is(unicode.Egyptian_Hieroglyphs, beside.base)
	case unicode.Is(unicode.Variation_Selector, r):
		return unicode.In(beside.previous, variable...)
	}
	return false
}

// isSymbol matches symbols, such as emoji, also those that this version of Unicode does not know.
func isSymbol(r rune) bool {
	return r != 0 && isVisible(r) && !unicode.In(r, unicode.L, unicode.N, unicode.P)
}
