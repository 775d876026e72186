// Package bytecache remembers values up to a bound in bytes. When it is full, some other value goes, and not the one that
// was unused for the longest time: with more values in turn than fit, that would be the one that is wanted next, and
// nothing would be found any more.
package bytecache

// Cache is a bounded map. Its owner locks it.
type Cache[K comparable, V any] struct {
	config  Config[K, V]
	entries map[K]V
	bytes   int
}

// Config says what a cache may hold.
type Config[K comparable, V any] struct {
	Bytes   int          // required: the bound
	Size    func(V) int  // required: the bytes that a value holds, with its key and its places in maps
	Removed func(V)      // called for each value that leaves; default: nothing
	Useless func(V) bool // whether a value had better go than others; default: none had
}

// New returns an empty cache.
func New[K comparable, V any](c Config[K, V]) *Cache[K, V] {
	if c.Removed == nil {
		c.Removed = func(V) {}
	}
	if c.Useless == nil {
		c.Useless = func(V) bool { return false }
	}
	return &Cache[K, V]{config: c, entries: map[K]V{}}
}

// Get returns the value of a key.
func (c *Cache[K, V]) Get(key K) (V, bool) {
	value, ok := c.entries[key]
	return value, ok
}

// Add sets the value of a key, and makes room for it. One that is larger than the bound is not remembered. It reports
// whether the value is.
func (c *Cache[K, V]) Add(key K, value V) bool {
	c.Remove(key)
	size := c.config.Size(value)
	if size > c.config.Bytes {
		return false
	}
	for c.bytes+size > c.config.Bytes {
		c.removeSome()
	}
	c.bytes += size
	c.entries[key] = value
	return true
}

// samples is among how many values a useless one is looked for.
const samples = 4

// removeSome removes one value. Go begins to range over a map at a random place.
func (c *Cache[K, V]) removeSome() {
	var victim K
	seen := 0
	for key, value := range c.entries {
		if seen == 0 || c.config.Useless(value) {
			victim = key
		}
		if seen++; seen == samples || c.config.Useless(value) {
			break
		}
	}
	c.Remove(victim)
}

// Remove removes a key.
func (c *Cache[K, V]) Remove(key K) {
	if value, ok := c.entries[key]; ok {
		delete(c.entries, key)
		c.bytes -= c.config.Size(value)
		c.config.Removed(value)
	}
}

// Clear removes everything, and calls Removed for none.
func (c *Cache[K, V]) Clear() {
	c.entries, c.bytes = map[K]V{}, 0
}

// Len returns how many values there are.
func (c *Cache[K, V]) Len() int { return len(c.entries) }

// Bytes returns how much they hold.
func (c *Cache[K, V]) Bytes() int { return c.bytes }
