package testenv

import "testing"

func TestLong_RunsWhatTheVariableNames(t *testing.T) {
	for variable, want := range map[string]bool{
		"": false, "faults": false, "users": true, "faults,users": true, "all": true,
	} {
		t.Setenv("TEST_LONG", variable)
		if got := Long("users"); got != want {
			t.Errorf("TEST_LONG=%s: Long(users) = %t, want %t", variable, got, want)
		}
	}
}

func TestLong_UnknownNameFails(t *testing.T) {
	for _, c := range []struct{ variable, name string }{{"user", "users"}, {"users,", "users"}, {"", "user"}} {
		t.Setenv("TEST_LONG", c.variable)
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("TEST_LONG=%q, Long(%q): no panic", c.variable, c.name)
				}
			}()
			Long(c.name)
		}()
	}
}
