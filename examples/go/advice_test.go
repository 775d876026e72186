package main

import "testing"

// The compiler does not ask a Go switch for every constant; this does.
func TestAdviceKnowsEveryErrorCode(t *testing.T) {
	for _, code := range AllErrorCode {
		if advice(&Refusal{Code: code}) == unknownCode {
			t.Errorf("advice does not know %s: give it a case", code)
		}
	}
}
