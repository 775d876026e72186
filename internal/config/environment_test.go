package config_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// serviceNames begin with gatehouse, so that what is injected for them looks like ours.
var serviceNames = []string{"gatehouse", "gatehouse-ops", "gatehouse-postgres", "gatehouse-2", "gatehouse-addr"}

// injected is what a container finds in its environment when Services and links of a name are beside it: Kubernetes's
// documentation, "Discovering services", and Docker's, "Legacy container links".
func injected(service string) map[string]string {
	prefix := strings.ToUpper(strings.ReplaceAll(service, "-", "_"))
	all := map[string]string{
		"_SERVICE_HOST": "10.0.0.1", "_SERVICE_PORT": "8080", "_SERVICE_PORT_HTTP": "8080", "_SERVICE_PORT_HTTP_2": "8081",
		"_PORT": "tcp://10.0.0.1:8080", "_NAME": "/web/" + service, "_ENV_POSTGRES_PASSWORD": " \"p\" \n",
	}
	for _, protocol := range []string{"tcp", "udp", "sctp"} {
		for _, port := range []string{"80", "8080", "65535"} {
			p := "_PORT_" + port + "_" + strings.ToUpper(protocol)
			all[p], all[p+"_PROTO"] = protocol+"://10.0.0.1:"+port, protocol
			all[p+"_PORT"], all[p+"_ADDR"] = port, "fd00::1"
			all[p+"_START"], all[p+"_END"] = protocol+"://10.0.0.1:"+port, protocol+"://10.0.0.1:"+port
			all[p+"_PORT_START"], all[p+"_PORT_END"] = port, port
		}
	}
	named := map[string]string{}
	for suffix, value := range all {
		named[prefix+suffix] = value
	}
	return named
}

func TestLoad_PassesOverWhatKubernetesAndDockerInject(t *testing.T) {
	for _, service := range serviceNames {
		var environment []string
		for name, value := range injected(service) {
			environment = append(environment, name+"="+value)
		}
		testenv.Equal(t, defaults(), load(t, environment...), "beside %s", service)
	}
}

// TestLoad_RefusesTypingErrors of every name: a letter that is missing, double, or changed places with the next.
func TestLoad_RefusesTypingErrors(t *testing.T) {
	for _, v := range config.Variables() {
		for i := len("GATEHOUSE_"); i < len(v.Name); i++ {
			wrong := []string{v.Name[:i] + v.Name[i+1:], v.Name[:i+1] + v.Name[i:], v.Name + "S"}
			if i+1 < len(v.Name) {
				wrong = append(wrong, v.Name[:i]+v.Name[i+1:i+2]+v.Name[i:i+1]+v.Name[i+2:])
			}
			for _, name := range wrong {
				if name == v.Name { // two equal letters changed places
					continue
				}
				if _, err := config.Load([]string{name + "=x"}); err == nil || !strings.HasPrefix(err.Error(), name+": ") {
					t.Errorf("%s: %v; want a refusal", name, err)
				}
			}
		}
	}
}

// TestVariables_NoneIsInjected: a Service of some name would set it.
func TestVariables_NoneIsInjected(t *testing.T) {
	for _, v := range config.Variables() {
		name := strings.TrimPrefix(v.Name, "GATEHOUSE")
		for _, suffix := range slices.Sorted(maps.Keys(injected(""))) {
			if strings.HasSuffix(name, suffix) && suffix != "_NAME" { // Docker's _NAME is told by its value
				t.Errorf("%s ends as %s, which is injected for a Service", v.Name, suffix)
			}
		}
	}
}

// TestLoad_WarnsOfValuesThatNobodyInjects under each name that is injected, and names a variable that there is. What
// somebody wrote changes nothing else.
func TestLoad_WarnsOfValuesThatNobodyInjects(t *testing.T) {
	guesses := []string{"0.0.0.0:9000", ":9000", "127.0.0.1", "0.0.0.0", "::", "https://id.example.com", "yes", "99999"}
	for _, service := range serviceNames {
		for name, value := range injected(service) {
			if strings.Contains(name, "_NAME") || strings.Contains(name, "_ENV_") {
				continue // Docker's, of any value
			}
			wrong := guesses
			if _, err := strconv.Atoi(value); err != nil {
				wrong = append(slices.Clone(guesses), "9000")
			}
			for _, guess := range wrong {
				c := load(t, name+"="+guess)
				if len(c.Warnings) != 1 || !strings.HasPrefix(c.Warnings[0], name+" is ignored") || c.Addr != defaults().Addr ||
					!slices.ContainsFunc(config.Variables(), func(v config.Variable) bool {
						return strings.HasSuffix(c.Warnings[0], "did you mean "+v.Name+"?")
					}) {
					t.Errorf("%s=%s: %q, %q", name, guess, c.Warnings, c.Addr)
				}
			}
			testenv.Equal(t, 0, len(load(t, name+"=").Warnings), "warnings of an empty %s", name)
		}
	}
}

// TestLoad_GuessesWhatAPortMeans where somebody wrote a number.
func TestLoad_GuessesWhatAPortMeans(t *testing.T) {
	for name, want := range map[string]string{
		"GATEHOUSE_PORT": "GATEHOUSE_ADDR", "GATEHOUSE_ADDR_PORT": "GATEHOUSE_ADDR", "GATEHOUSE_OPS_PORT": "GATEHOUSE_OPS_ADDR",
		"GATEHOUSE_OPS_ADDR_PORT": "GATEHOUSE_OPS_ADDR", "GATEHOUSE_DATABASE_PORT": "GATEHOUSE_DATABASE_URL",
	} {
		warnings := load(t, name+"=18080").Warnings
		if len(warnings) != 1 || !strings.HasSuffix(warnings[0], "did you mean "+want+"?") {
			t.Errorf("%s: %q, want %s", name, warnings, want)
		}
	}
}

// unseen makes of a value one that looks the same, or nearly.
var unseen = map[string]func(string) string{
	"quotes":            func(v string) string { return `"` + v + `"` },
	"single quotes":     func(v string) string { return "'" + v + "'" },
	"not UTF-8":         func(v string) string { return v + "\xff" },
	"white space alone": func(string) string { return " \n" },
}

func init() {
	for _, c := range []rune{
		' ', '\n', '\r', '\t', '\v', 0x1b, 0x7f, 0x85, 0xa0, 0xad, 0x200b, 0x200e, 0x2028, 0x202e, 0x2060, 0x3000, 0xfeff,
	} {
		unseen[fmt.Sprintf("%U in front", c)] = func(v string) string { return string(c) + v }
		unseen[fmt.Sprintf("%U behind", c)] = func(v string) string { return v + string(c) }
		if c != ' ' { // which a list may have behind its commas
			unseen[fmt.Sprintf("%U inside", c)] = func(v string) string { return v[:1] + string(c) + v[1:] }
		}
	}
}

// TestLoad_RefusesWhatCannotBeSeen in the good values of every variable, in one sentence that quotes none of it.
func TestLoad_RefusesWhatCannotBeSeen(t *testing.T) {
	for _, v := range allValues {
		if v.refused != "" {
			continue
		}
		for name, change := range unseen {
			value := change(v.texts[0])
			_, err := config.Load(append([]string{v.variable + "=" + value}, v.with...))
			if err == nil || !strings.HasPrefix(err.Error(), v.variable+": the value ") ||
				len(v.texts[0]) > 5 && strings.Contains(err.Error(), v.texts[0]) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s with %s: %v", v.variable, name, err)
			}
		}
	}
}

// TestLoad_LeavesVariablesThatItDoesNotRead alone, whatever is in them.
func TestLoad_LeavesVariablesThatItDoesNotRead(t *testing.T) {
	c := load(t, "PORT=80\n", "DATABASE_URL='x'", "GATEHOUSE_ADDR=127.0.0.1:1", "GATEHOUSE_DATABASE_URL=sqlite:g.db")
	testenv.Equal(t, "127.0.0.1:1", c.Addr, "address")
}
