package bytecache

import "testing"

func newInts(bytes int) *Cache[int, int] {
	return New(Config[int, int]{Bytes: bytes, Size: func(int) int { return 10 }})
}

// TestCache_MoreInTurnThanFitAreFoundInPart: the hits of keys in turn, by how many times as many there are as fit. The
// least recently used one as the victim would give none from one more on.
func TestCache_MoreInTurnThanFitAreFoundInPart(t *testing.T) {
	const fit = 1000
	for _, c := range []struct{ keys, least int }{{fit, 100}, {fit + 1, 95}, {fit * 5 / 4, 50}, {2 * fit, 15}, {4 * fit, 2}} {
		cache, hits := newInts(10*fit), 0
		for turn := range 20 * c.keys {
			key := turn % c.keys
			if _, ok := cache.Get(key); ok && turn >= 10*c.keys {
				hits++
			} else if !ok {
				cache.Add(key, key)
			}
			if cache.Len() > fit || cache.Bytes() != 10*cache.Len() {
				t.Fatalf("%d values of %d bytes", cache.Len(), cache.Bytes())
			}
		}
		percent := 100 * hits / (10 * c.keys)
		t.Logf("%d keys, room for %d: %d %% are found", c.keys, fit, percent)
		if percent < c.least {
			t.Errorf("%d keys, room for %d: %d %% are found, want %d", c.keys, fit, percent, c.least)
		}
	}
}

// TestCache_UselessValuesGoFirst: of many caches together, since which value goes is left to chance. Half of the room of
// each is useful, and is followed by nine times as much as fits.
func TestCache_UselessValuesGoFirst(t *testing.T) {
	const caches, useful = 100, 50
	left := func(useless func(int) bool) (n int) {
		for range caches {
			c := New(Config[int, int]{Bytes: 1000, Size: func(int) int { return 10 }, Useless: useless})
			for i := range 1000 {
				c.Add(i, i)
			}
			for i := range useful {
				if _, ok := c.Get(i); ok {
					n++
				}
			}
		}
		return n
	}
	told, untold := left(func(v int) bool { return v >= useful }), left(nil)
	t.Logf("of %d useful values %d are left, and %d by chance alone", caches*useful, told, untold)
	if told < caches*useful/10 || untold > caches*useful/100 {
		t.Errorf("of %d useful values %d are left, and %d by chance alone", caches*useful, told, untold)
	}
}

func TestCache_SizesAreTheValues(t *testing.T) {
	var left []int
	c := New(Config[string, int]{Bytes: 100, Size: func(v int) int { return v }, Removed: func(v int) { left = append(left, v) }})
	for _, step := range []struct {
		key         string
		value       int
		added       bool
		bytes, gone int
	}{
		{"a", 40, true, 40, 0}, {"a", 50, true, 50, 1}, {"b", 50, true, 100, 1}, {"c", 101, false, 100, 1},
		{"c", 100, true, 100, 3}, {"d", 1, true, 1, 4}, {"d", 101, false, 0, 5},
	} {
		if added := c.Add(step.key, step.value); added != step.added || c.Bytes() != step.bytes || len(left) != step.gone {
			t.Errorf("%s, %d: added %t, %d bytes, %d have left; want %+v", step.key, step.value, added, c.Bytes(), len(left), step)
		}
	}
}
