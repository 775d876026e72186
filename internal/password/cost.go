package password

import (
	"fmt"
	"strconv"
	"strings"
)

// Cost is what one hash takes.
type Cost struct {
	Memory uint32 // m, in KiB
	Time   uint32 // t, passes over the memory
	Lanes  uint8  // p, how many processors it takes
}

// DefaultCost is OWASP's choice for Argon2id: 19 MiB, 2 passes, 1 lane (Password Storage Cheat Sheet).
var DefaultCost = Cost{Memory: 19456, Time: 2, Lanes: 1}

// Bounds of any cost, configured or stored: a changed row of the database must not be able to ask for 4 GiB or for an
// hour. The least memory of a lane is 8 KiB (RFC 9106, section 3.1).
const (
	maxMemory = 1 << 20 // KiB: 1 GiB
	maxTime   = 64
	maxLanes  = 16
)

// ParseCost reads "m=19456,t=2,p=1": these names, in this order.
func ParseCost(text string) (Cost, error) {
	var n [3]uint64
	parts := strings.Split(text, ",")
	for i, name := range []string{"m=", "t=", "p="} {
		if len(parts) != len(n) || !strings.HasPrefix(parts[i], name) {
			return Cost{}, fmt.Errorf("%q is not a hashing cost; write it like %s", text, DefaultCost)
		}
		var err error
		if n[i], err = strconv.ParseUint(parts[i][len(name):], 10, 32); err != nil {
			return Cost{}, fmt.Errorf("%q is not a hashing cost; write it like %s", text, DefaultCost)
		}
	}
	if n[2] > maxLanes {
		return Cost{}, fmt.Errorf("a hashing cost of p=%d is more than %d", n[2], maxLanes)
	}
	c := Cost{Memory: uint32(n[0]), Time: uint32(n[1]), Lanes: uint8(n[2])}
	return c, c.check()
}

func (c Cost) check() error {
	switch {
	case c.Lanes < 1 || c.Lanes > maxLanes:
		return fmt.Errorf("a hashing cost of %s has p outside 1 to %d", c, maxLanes)
	case c.Time < 1 || c.Time > maxTime:
		return fmt.Errorf("a hashing cost of %s has t outside 1 to %d", c, maxTime)
	case c.Memory < 8*uint32(c.Lanes) || c.Memory > maxMemory:
		return fmt.Errorf("a hashing cost of %s has m outside 8·p to %d", c, maxMemory)
	}
	return nil
}

func (c Cost) String() string { return fmt.Sprintf("m=%d,t=%d,p=%d", c.Memory, c.Time, c.Lanes) }

// WeakerThan reports whether guessing is cheaper against c than against other: it takes less memory, or fills less in
// all (memory times passes). More memory may so make up for fewer passes, as among OWASP's equivalents; more passes
// never make up for less memory, which is what keeps special hardware away. Lanes do not count: they change how fast a
// hash is done, and not how much is done.
func (c Cost) WeakerThan(other Cost) bool {
	return c.Memory < other.Memory || uint64(c.Memory)*uint64(c.Time) < uint64(other.Memory)*uint64(other.Time)
}
