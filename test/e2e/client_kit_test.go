package e2e

import (
	"os"
	"sync"
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// kit is the folder of the client for front ends.
const kit = "clients/typescript"

// generated is locked while the kit's files are generated, once: others compile them.
var generated struct {
	sync.Mutex
	done bool
}

// needKit installs the kit's packages, and fails unless what is generated in it is what is committed.
func needKit(t *testing.T) {
	t.Helper()
	installPackages(t, kit)
	generated.Lock()
	defer generated.Unlock()
	if generated.done {
		return
	}
	committed := map[string]string{}
	for _, name := range []string{kit + "/src/schema.ts", kit + "/src/gql/graphql.ts"} {
		committed[name] = servertest.ReadFile(t, name)
	}
	servertest.Execute(t, kit, "npm", "run", "generate")
	for name, text := range committed {
		testenv.Equal(t, text, servertest.ReadFile(t, name),
			"%s is not what schema.graphql and the operations make: commit what npm run generate has written", name)
	}
	generated.done = true
}

// TestClientKit_KeepsOneSessionInAllTabs runs the kit's own tests: tabs with parallel requests by a server with faults,
// in many orders of events, and the types of its errors.
func TestClientKit_KeepsOneSessionInAllTabs(t *testing.T) {
	t.Parallel()
	needKit(t)
	servertest.Execute(t, kit, "npm", "test")
}

// TestClientKit_IsSmall: a front end pays 5 kB for it.
func TestClientKit_IsSmall(t *testing.T) {
	t.Parallel()
	servertest.NeedProgram(t, "node", "install Node.js 20 or newer")
	if _, err := os.Stat("web/node_modules/vite"); err != nil {
		testenv.Missing(t, "Vite", "run make playground")
	}
	needKit(t)
	t.Log(servertest.Execute(t, ".", "node", "test/e2e/clients/size.mjs"))
}
