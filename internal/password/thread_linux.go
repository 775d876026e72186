package password

import "syscall"

// niceness is how much the kernel prefers other threads, the requests that hash nothing, to one that hashes. At 10 it
// has a tenth of what they have, where there is not enough for both.
const niceness = 10

// GiveWay lowers the priority of the calling thread, for good. On Linux 0 is the thread and not its process.
func GiveWay() { _ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, niceness) } // without it a hash only disturbs more
