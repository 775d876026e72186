package testenv

import "testing"

func TestTypo_IsAnotherText(t *testing.T) {
	for _, text := range []string{"A", "B", "xA", "xB", "x-"} {
		if typo := Typo(text); typo == text || len(typo) != len(text) {
			t.Errorf("typo of %s: %s", text, typo)
		}
	}
}
