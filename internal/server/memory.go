package server

import (
	"io/fs"
	"math"
	"path"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/graphqlhttp"
)

const (
	// baseMemory is what a server holds without caches, hashes and garbage: the schema, connections, stacks, the
	// runtime.
	baseMemory = 24 << 20
	// minCaches is what users are cached in where memory is scarce, or its size is unknown.
	minCaches, unknownMemory = 8 << 20, 256 << 20
	// hashProcess is what a process that hashes takes beside the memory of its hash.
	hashProcess = 8 << 20
)

// budget shares out the memory that there is for this process.
type budget struct {
	limit    int64 // Go's soft limit, beyond which garbage is collected whatever it costs
	tokens   int   // bytes for verified tokens
	sessions int   // bytes for sessions and accounts
}

// budget gives three quarters of the memory to what is live, and the rest to garbage. Of what is live, everything with
// a bound of its own comes first, and users get the rest: each has a token, a session and an account, and these shares
// let more sessions in than tokens, and more tokens than accounts. A session that is not cached costs every request a
// statement, a token a signature, and an account only some requests a statement.
func (c *Config) budget(system fs.FS) budget {
	b := budget{limit: c.memoryFor(system)}
	_, file := database.SQLitePath(c.DatabaseURL)
	fixed := baseMemory + accounts.MaxCacheBytes(!file) + graphqlhttp.MaxCacheBytes(c.limits)
	if c.HashWorker == "off" {
		fixed += maxConcurrentHashes(false) * int(c.hashingCost.Memory) << 10
	}
	users := max(minCaches, int(min(b.limit, math.MaxInt64/4)*3/4)-fixed)
	b.limit = max(b.limit, int64(fixed+users)*4/3)
	b.tokens = users / 8 * 3
	b.sessions = users - b.tokens
	return b
}

// memoryFor returns GOMEMLIMIT; or four fifths of what the control group allows, without the processes that hash and the
// pages of SQLite; or a quarter of the machine's memory, since others use that too.
func (c *Config) memoryFor(system fs.FS) int64 {
	if limit := debug.SetMemoryLimit(-1); c.GOMEMLIMIT && limit < math.MaxInt64 {
		return limit
	}
	machine := machineMemory(system)
	group := groupMemory(system)
	if group == 0 || machine > 0 && group >= machine {
		if machine == 0 {
			return unknownMemory
		}
		return machine / 4
	}
	others := int64(0)
	if c.HashWorker == "on" {
		others = int64(maxConcurrentHashes(true)) * (int64(c.hashingCost.Memory)<<10 + hashProcess)
	}
	if _, file := database.SQLitePath(c.DatabaseURL); file {
		others += int64(database.SQLiteCacheBytes())
	}
	return group*4/5 - others
}

// machineMemory returns Linux's MemTotal, or 0.
func machineMemory(system fs.FS) int64 {
	text, _ := fs.ReadFile(system, "proc/meminfo")
	for line := range strings.Lines(string(text)) {
		if size, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			kib, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(size), "kB")), 10, 64)
			return kib << 10
		}
	}
	return 0
}

// groupMemory returns the least that the control groups of this process allow, of version 1 or 2, or 0. In a container
// the group is the root of what is visible, or has the path that it has outside, where nothing is.
func groupMemory(system fs.FS) (least int64) {
	text, _ := fs.ReadFile(system, "proc/self/cgroup")
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) < 3 {
			continue
		}
		root, name := "sys/fs/cgroup", "memory.max"
		switch {
		case parts[1] == "memory":
			root, name = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		case parts[1] != "":
			continue
		}
		for group := path.Clean("/" + parts[2]); ; group = path.Dir(group) {
			limit, _ := fs.ReadFile(system, path.Join(root, group, name))
			if n, err := strconv.ParseInt(strings.TrimSpace(string(limit)), 10, 64); err == nil && n > 0 && (least == 0 || n < least) {
				least = n
			}
			if group == "/" {
				break
			}
		}
	}
	return least
}
