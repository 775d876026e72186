package password

import (
	"errors"
	"strings"
	"testing"
)

func TestParseCost_ReadsOneSpelling(t *testing.T) {
	for _, text := range []string{"m=19456,t=2,p=1", "m=8,t=1,p=1", "m=1048576,t=64,p=16"} {
		if c, err := ParseCost(text); err != nil || c.String() != text {
			t.Errorf("ParseCost(%q) = %v, %v", text, c, err)
		}
	}
	for _, text := range []string{
		"", "m", "m=19456", "m=19456,t=2", "t=2,m=19456,p=1", "m=19456,t=2,p=1,", "m=19456,t=2,p=1,k=1",
		"m=19456, t=2, p=1", "m=-1,t=2,p=1", "m=1e5,t=2,p=1", "m=,t=2,p=1", "M=19456,T=2,P=1",
		"m=0,t=2,p=1", "m=7,t=2,p=1", "m=31,t=2,p=4", "m=1048577,t=2,p=1", "m=4294967296,t=2,p=1",
		"m=19456,t=0,p=1", "m=19456,t=65,p=1", "m=19456,t=2,p=0", "m=19456,t=2,p=17", "m=19456,t=2,p=257",
	} {
		if c, err := ParseCost(text); err == nil {
			t.Errorf("ParseCost(%q) = %v", text, c)
		}
	}
}

func TestWeakerThan_MeansCheaperToGuess(t *testing.T) {
	for text, below := range map[string]bool{
		"m=19456,t=2,p=1":   false,
		"m=19456,t=1,p=1":   true,
		"m=19455,t=2,p=1":   true,
		"m=19456,t=2,p=4":   false,
		"m=47104,t=1,p=1":   false, // another of OWASP's, with more memory
		"m=12288,t=3,p=1":   true,  // another of OWASP's, with less memory
		"m=19455,t=64,p=1":  true,  // passes do not make up for memory
		"m=65536,t=3,p=4":   false,
		"m=1048576,t=1,p=1": false,
	} {
		c, err := ParseCost(text)
		if err != nil || c.WeakerThan(DefaultCost) != below {
			t.Errorf("%s: WeakerThan = %v, %v; want %v", text, !below, err, below)
		}
	}
}

const (
	salt16 = "MDEyMzQ1Njc4OWFiY2RlZg"
	hash32 = "gy5SuVm5Z7Vw7keB9se9p87QGcomaseB/S2U1OhTsM0"
)

func TestParsePHC_ReadsOnlyWhatWeWrite(t *testing.T) {
	good := "$argon2id$v=19$m=19456,t=2,p=1$" + salt16 + "$" + hash32
	if r, err := parsePHC(good); err != nil || r.String() != good {
		t.Fatalf("the valid twin: %v, %v", r, err)
	}
	for name, text := range map[string]string{
		"nothing":              "",
		"another function":     strings.Replace(good, "argon2id", "argon2i", 1),
		"another version":      strings.Replace(good, "v=19", "v=16", 1),
		"no version":           strings.Replace(good, "$v=19", "", 1),
		"4 GiB":                strings.Replace(good, "m=19456", "m=4194304", 1),
		"2^32 passes":          strings.Replace(good, "t=2", "t=4294967295", 1),
		"no memory":            strings.Replace(good, "m=19456", "m=0", 1),
		"255 lanes":            strings.Replace(good, "p=1", "p=255", 1),
		"a leading zero":       strings.Replace(good, "m=19456", "m=019456", 1),
		"padding":              good + "=",
		"a line end":           good + "\n",
		"a line end inside":    strings.Replace(good, hash32, hash32[:20]+"\n"+hash32[20:], 1),
		"stray bits":           good[:len(good)-1] + "1",
		"the URL alphabet":     strings.Replace(good, "/", "_", 1),
		"a short salt":         strings.Replace(good, salt16, "c29tZXNhbHQ", 1),
		"a short hash":         good[:len(good)-2],
		"no hash":              strings.Replace(good, hash32, "", 1),
		"a seventh part":       good + "$",
		"something in front":   " " + good,
		"a bcrypt hash":        "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
		"a megabyte of dollar": strings.Repeat("$", 1<<20),
	} {
		if _, err := parsePHC(text); !errors.Is(err, ErrInvalidHash) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParsePHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$" + salt16 + "$" + hash32)
	f.Add("$argon2id$v=19$m=64,t=3,p=4$" + salt16 + "$CS/+fYciilVlfYLjHHHNKmOX4eC+H84HanvYYRqGg28")
	f.Add("$$$$$")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parsePHC(text)
		if err != nil {
			return
		}
		if r.String() != text || r.cost.check() != nil {
			t.Errorf("%q was read as %v", text, r)
		}
	})
}
