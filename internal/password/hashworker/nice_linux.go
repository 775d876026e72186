package hashworker

import "syscall"

// niceness is how much the kernel prefers other processes, the requests that hash nothing among them. At 10 a hash has
// a tenth of what they have, where there is not enough for both.
const niceness = 10

// lowerPriority lowers the priority of the calling thread, for good. On Linux 0 is the thread and not its process. An
// error is no reason to hash nothing.
func lowerPriority() { _ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, niceness) }
