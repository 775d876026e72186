package accounts

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/gatehouse/gatehouse/internal/problem"
)

// showNothing are the general categories of characters that show nothing by themselves: of format, of space, and marks,
// which need a letter to stand on.
const showNothing = "Cf Zs Zl Zp Mn Mc Me"

// drawnBlank are letters and symbols by their category, of which Unicode says that nothing is drawn.
const drawnBlank = "\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U00013441\U00013442\U0001d159"

// TestCleanName_HasAVisibleCharacter asks for characters of each general category, alone, thrice and twice.
func TestCleanName_HasAVisibleCharacter(t *testing.T) {
	asked := 0
	for category, table := range unicode.Categories {
		if len(category) != 2 || category == "Cc" || category == "Cs" || category == "Cn" {
			continue
		}
		hidden := strings.Contains(showNothing, category)
		each(table, func(r rune) {
			asked++
			if norm.NFC.String(string(r)) != string(r) {
				return // it is kept as another character
			}
			want := !hidden && !strings.ContainsRune(drawnBlank, r)
			for _, name := range []string{string(r), strings.Repeat(string(r), 3), string(r) + " " + string(r)} {
				if _, err := cleanName(&name); (err == nil) != want {
					t.Errorf("%s %+q: %v, want it to be accepted: %v", category, name, err, want)
				}
			}
		})
	}
	if asked < 10_000 {
		t.Errorf("%d characters", asked)
	}
}

// TestCleanName_HasNoInvisibleCharacters asks for every character of Unicode beside letters of ten scripts: it is
// accepted when it shows something, is a space or a mark, or when the letters' script needs it.
func TestCleanName_HasNoInvisibleCharacters(t *testing.T) {
	hidden := []*unicode.RangeTable{unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Variation_Selector,
		unicode.Other_Default_Ignorable_Code_Point, unicode.Noncharacter_Code_Point}
	needs := map[string]func(r rune) bool{ // letters, and what stands between them in names
		"ab": nil, "яж": nil, "αω": nil, "אב": nil, "กข": nil, "한국": nil, "あア": nil,
		"عل": isJoinControl, "कख": isJoinControl,
		"ᠨᠠ": func(r rune) bool { return unicode.Is(unicode.Mongolian, r) },
		"葛飾": func(r rune) bool {
			return unicode.Is(unicode.Variation_Selector, r) && !unicode.Is(unicode.Mongolian, r)
		},
	}
	asked, refused := 0, 0
	for letters, needed := range needs {
		first, last := []rune(letters)[0], []rune(letters)[1]
		for r := rune(0); r <= unicode.MaxRune; r++ {
			if !utf8.ValidRune(r) || letters != "ab" && !unicode.In(r, hidden...) {
				continue
			}
			want := !unicode.In(r, hidden...) || unicode.Is(unicode.Prepended_Concatenation_Mark, r) ||
				needed != nil && needed(r)
			name := string([]rune{first, r, last})
			asked++
			if _, err := cleanName(&name); (err == nil) != want {
				t.Errorf("%U in %+q: %v, want it to be accepted: %v", r, name, err, want)
			} else if err != nil {
				refused++
			}
		}
	}
	if asked < 1_100_000 || refused < 40_000 {
		t.Errorf("%d characters, %d refused", asked, refused)
	}
}

func isJoinControl(r rune) bool { return unicode.Is(unicode.Join_Control, r) }

// TestCleanName_KeepsNamesOfAllScripts: names as their owners write them are kept as they are.
func TestCleanName_KeepsNamesOfAllScripts(t *testing.T) {
	for _, name := range []string{
		"Ada Lovelace", "Zoë d’Arc-O'Neil 3rd", "Nguyễn Thị Minh Khai", "Søren Ærø", "İbrahim Işık", "Σωκράτης",
		"Лев Толстой",
		"Գարեգին", "ნინო", "ᏍᏏᏉᏯ", "אֱלִיעֶזֶר בֶּן־יְהוּדָה", "محمّد عبد الله", "علی\u200cرضا", "مهّ\u200cدی",
		"ܐܦܪܝܡ", "ߛߏߟߏ", "አበበ", "ދިވެހި",
		"शक्ति", "क्\u200dष", "রবীন্দ্রনাথ", "র\u200d্যান্ডি", "ਗੁਰੂ", "ગાંધી", "ଓଡ଼ିଆ", "தமிழ்", "తెలుగు", "ಕನ್ನಡ",
		"അവന്\u200d", "ශ්\u200dරී ලංකා", "སྒྲོལ་མ",
		"สมชาย", "ລາວ", "អង្គរ", "အောင်ဆန်း", "ᠨᠠᠷ\u180eᠠ", "ᠮᠣᠩᠭᠣᠯ\u180b", "王小明", "葛\U000e0100飾", "宇賀神\ufe00",
		"たなか・アキラ", "김철수", "한글",
		"👩\u200d👩\u200d👧\u200d👦", "👩🏽\u200d⚕\ufe0f", "👩\u200d❤\ufe0f\u200d💋\u200d👨", "🏳\ufe0f\u200d🌈",
		"🙂\u200d↔\ufe0f", "Ann ❤\ufe0f", "No 1\ufe0f\u20e3", "🇺🇦", "©\ufe0f",
	} {
		kept, err := cleanName(&name)
		if err != nil || *kept != norm.NFC.String(name) {
			t.Errorf("%+q: %v", name, err)
		}
	}
	for _, name := range []string{
		"Ada\u200b", "\ufeffAda", "A\u00adda", "Ada\u200d", "Ada\u200cB", "علی\u200c\u200cرضا", "👩\u200dA",
		"A\u200d👩", "👩\u200d", "👩\u200c👩", "A\ufe0f",
		"❤\ufe0f\ufe0f", "葛\U000e0100\U000e0100", "🏴\U000e0067\U000e007f", "Ada \ufe0f", " \u200d", "\u200dAda",
		"a\u0301\u200db",
	} {
		wantMalformed(t, name)
	}
}

func wantMalformed(t *testing.T, name string) {
	t.Helper()
	_, err := cleanName(&name)
	var p *problem.Problem
	if !errors.As(err, &p) || p.Code != problem.BadUserInput {
		t.Errorf("%+q: %v, want it to be refused", name, err)
	}
}

// each calls f for the characters of a table: of a long range, for a hundred or so.
func each(table *unicode.RangeTable, f func(rune)) {
	visit := func(low, high, stride rune) {
		for c := low; c <= high; c += stride * max(1, (high-low)/stride/100) {
			f(c)
		}
	}
	for _, r := range table.R16 {
		visit(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	for _, r := range table.R32 {
		visit(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
}
