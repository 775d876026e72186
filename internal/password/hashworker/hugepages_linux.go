package hashworker

import "syscall"

// adviseHugePages asks for huge pages. An error is no reason to hash nothing: a kernel may have none.
func adviseHugePages(memory []byte) { _ = syscall.Madvise(memory, syscall.MADV_HUGEPAGE) }
