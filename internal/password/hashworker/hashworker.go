// Package hashworker hashes passwords in processes beside the server, which give way to it. A hash takes 19 MiB and
// 20 ms of a processor, a hundred times what another request takes, and Go has no priorities: in one process requests
// wait behind hashes, and hashes stop for each garbage collection.
//
// A worker makes one hash at a time. The client writes a request to its standard input and reads the hash from its
// standard output, both as encoding/gob. A worker ends when its standard input does.
package hashworker

import (
	"encoding/gob"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/gatehouse/gatehouse/internal/password"
)

// releaseAfter is how long an idle worker keeps the memory of a hash. A hash that has to ask the kernel for memory
// takes twice as long.
const releaseAfter = 10 * time.Second

type request struct {
	Password, Salt []byte
	Cost           password.Cost
}

// Serve answers requests until in ends. Automatic garbage collection is off: the memory of a hash is collected after
// the answer, while no hash runs, and the next hash finds it warm.
func Serve(in io.Reader, out io.Writer) error { return serve(in, out, releaseAfter) }

func serve(in io.Reader, out io.Writer, releaseAfter time.Duration) error {
	debug.SetGCPercent(-1)
	idle := time.AfterFunc(releaseAfter, debug.FreeOSMemory)
	requests, hashes := gob.NewDecoder(in), gob.NewEncoder(out)
	prepared := uint32(0)
	for {
		var r request
		if err := requests.Decode(&r); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading a request: %w", err)
		}
		if r.Cost.Memory > prepared {
			prepared = r.Cost.Memory
			prepareMemory(prepared)
		}
		if err := hashes.Encode(password.Argon2id(r.Password, r.Salt, r.Cost)); err != nil {
			return fmt.Errorf("writing a hash: %w", err)
		}
		runtime.GC()
		idle.Reset(releaseAfter)
	}
}

// prepareMemory asks for huge pages where the next hashes will be: a hash reads its memory in an order that nothing can
// foresee, and in small pages some of its time is the search for their addresses. Where Go puts what package argon2
// allocates nobody can say, but Go takes the first place that is large enough: the one that is given back here.
func prepareMemory(kilobytes uint32) {
	adviseHugePages(make([]byte, int(kilobytes)<<10))
	runtime.GC()
}
